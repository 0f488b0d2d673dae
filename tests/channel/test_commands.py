"""What editors say, in every spelling."""

import pytest

from angarium.channel.commands import Command, Word, command


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("publish", Word.PUBLISH),
        (" Publish! ", Word.PUBLISH),
        ("/publish", Word.PUBLISH),
        ("انتشار", Word.PUBLISH),
        ("نشر", Word.PUBLISH),
        ("опубликовать.", Word.PUBLISH),
        ("پس‌گرفتن", Word.WITHDRAW),
        ("پس گرفتن", Word.WITHDRAW),
        ("پسگرفتن", Word.WITHDRAW),
        ("سَحب", Word.WITHDRAW),
        ("ردّ", Word.REFUSE),
        ("/HELP", Word.HELP),
        ("/راهنما", Word.HELP),
    ],
)
def test_a_word_is_known_however_it_is_spelt(said: str, word: Word) -> None:
    assert command(said) == Command(word)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("/name Parvin E.", Command(Word.NAME, "Parvin E.")),
        ("/name", Command(Word.NAME)),
        ("/نام پروین", Command(Word.NAME, "پروین")),
        ("/ویرایش متن\nدو", Command(Word.EDIT, "متن\nدو")),
        ("/edit\n\nA title\n\nBody  text", Command(Word.EDIT, "A title\n\nBody  text")),
        ("/edit Two  spaces", Command(Word.EDIT, "Two  spaces")),
        ("/обо мне Пишу.", Command(Word.ABOUT, "Пишу.")),
    ],
)
def test_words_carry_the_text_behind_them(said: str, expected: Command) -> None:
    assert command(said) == expected


@pytest.mark.parametrize(
    "said", ["", "/", "/unknown x", "publish it", "edit this", "answer", "help", "name me", "رد شد"]
)
def test_what_is_said_among_people_is_no_command(said: str) -> None:
    assert command(said) is None
