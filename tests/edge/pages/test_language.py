"""Every language says everything, and everybody is shown one they can read."""

import string
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.edge.pages.exchange import Request
from angarium.edge.pages.language import LANGUAGES, Language, chosen, preferred


def places(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_a_language_has_all_words_and_places(language: Language) -> None:
    english = LANGUAGES["en"].words
    assert language.words.keys() == english.keys()
    assert {key: places(text) for key, text in language.words.items()} == {
        key: places(text) for key, text in english.items()
    }


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_words_are_words(language: Language) -> None:
    for key, text in language.words.items():
        assert text.strip() == text, key
        assert text, key
        assert not set(text) & set("<>"), key
        if language.code != "en":
            assert text != LANGUAGES["en"].words[key], key


def test_persian_is_written_with_persian_letters() -> None:
    """Arabic keyboards put ي and ك where Persian has ی and ک."""
    assert not set("".join(LANGUAGES["fa"].words.values())) & set("يك")


def test_scripts_run_their_way() -> None:
    assert {code: language.direction for code, language in LANGUAGES.items()} == {
        "en": "ltr",
        "fa": "rtl",
        "ar": "rtl",
        "ru": "ltr",
    }


class Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs).get("dir") or ""))

    def handle_data(self, data: str) -> None:
        self.seen.append(("", data))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00"), min_size=1))
def test_what_people_type_is_isolated_text_and_nothing_else(address: str) -> None:
    read = Text()
    read.feed(str(LANGUAGES["ar"].say("done_what", address=address)))
    read.close()
    tags = [item for item in read.seen if item[0]]
    assert tags == [("bdi", "ltr")]
    assert address in "".join(data for tag, data in read.seen if not tag)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", None),
        ("fa", "fa"),
        ("fa-IR,fa;q=0.9,en;q=0.8", "fa"),
        ("de-DE, de;q=0.9, ru;q=0.3, en;q=0.2", "ru"),
        ("en;q=0.2, ar-EG;q=0.7", "ar"),
        ("en, ru", "en"),
        ("RU", "ru"),
        ("ru;q=0, en;q=0.1", "en"),
        ("ru;q=0", None),
        ("*", None),
        ("ru;q=x, ar ; q=0.5", "ar"),
        ("ru;q=1.٣, ar;q=0.5", "ar"),
        ("ru;q=1e999", None),
        ("farsi", None),
    ],
)
def test_preferences_of_a_browser(accept: str, expected: str | None) -> None:
    assert preferred(accept) == expected


@given(st.text(st.sampled_from("faenruarzh-,;q=01. *٣\x00")))
def test_any_preference_is_survived(accept: str) -> None:
    assert preferred(accept) in {None, *LANGUAGES}


@pytest.mark.parametrize(
    ("query", "accept", "expected"),
    [
        ("lang=fa", "ru", "fa"),
        ("lang=xx", "ru", "ru"),
        ("t=1&lang=ar", "", "ar"),
        ("", "", "en"),
        ("lang=", "ar", "ar"),
        ("&".join(f"a{i}=1" for i in range(50)), "ar", "ar"),
    ],
)
def test_a_choice_counts_more_than_a_preference(query: str, accept: str, expected: str) -> None:
    assert chosen(Request("GET", "/", query, {"accept-language": accept})).code == expected
