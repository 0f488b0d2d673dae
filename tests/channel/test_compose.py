"""From messages to posts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.channel.compose import headline, kind, medium, text
from angarium.channel.matters import File
from angarium.channel.post import Mark, MediumKind, Span, tags_of


def test_a_first_line_above_an_empty_one_is_the_headline() -> None:
    assert headline("Title\n\nBody\n\nmore") == ("Title", "Body\n\nmore")
    assert headline("One line") == ("", "One line")
    assert headline("Line\nline\n\nbody") == ("", "Line\nline\n\nbody")
    assert headline("Title\n \n") == ("", "Title")
    assert headline("x" * 201 + "\n\nbody")[0] == ""


def test_links_and_tags_are_marked() -> None:
    words = "See https://example.org/a?b=#c. #راه‌ها (#two) a#b https://[bad javascript:alert(1)"
    found = text(words)
    assert [(span.mark, words[span.start : span.start + span.length]) for span in found.spans] == [
        (Mark.LINK, "https://example.org/a?b=#c"),
        (Mark.HASHTAG, "#راه‌ها"),
        (Mark.HASHTAG, "#two"),
    ]
    assert tags_of(found) == ["راه‌ها", "two"]
    assert text("#x").spans == (Span(0, 2, Mark.HASHTAG),)


@given(st.text(alphabet="#hts:/.aا1 \n\u200c[]()?&=@", max_size=60))
def test_any_text_can_be_marked(words: str) -> None:
    assert text(words).words == words
    title, body = headline(words)
    assert all(piece in words for piece in (title, body))


@pytest.mark.parametrize(
    ("view", "found", "shown"),
    [
        ("Image", "image/png", MediumKind.PHOTO),
        ("Image", "application/octet-stream", MediumKind.FILE),
        ("Image", "audio/ogg", MediumKind.FILE),
        ("Voice", "audio/mp4", MediumKind.VOICE),
        ("Voice", "video/mp4", MediumKind.VOICE),
        ("Webxdc", "application/octet-stream", MediumKind.FILE),
        ("File", "application/pdf", MediumKind.FILE),
    ],
)
def test_an_app_is_believed_where_the_octets_agree(view: str, found: str, shown: MediumKind) -> None:
    assert kind(view, found) is shown


def test_a_picture_sent_as_a_file_is_shown_as_one_and_a_name_has_no_path() -> None:
    assert medium(File("/x", "a.jpg", "File"), b"\xff\xd8\xff", "d", 3).kind is MediumKind.PHOTO
    assert medium(File("/x", "../../etc/a.pdf", "File"), b"%PDF-", "d", 3).name == "a.pdf"
    assert medium(File("/x", "v", "Voice", milliseconds=1001), b"OggS", "d", 3).seconds == 2
