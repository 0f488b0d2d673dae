"""What editors say to the desk in their group: a few words, in each of the channel's languages, in any spelling.

Some are said as a reply to what they are about: `publish`, `withdraw`, `refuse`, and with words of their own behind
them `/edit`, `/answer`. Others stand for themselves: `/name`, `/about`, `/help`. Words that carry text behind them
begin with a slash, so that a discussion is never taken for a new text, and nothing of it goes to a reader. Pure.
"""

import unicodedata
from enum import StrEnum

import msgspec

__all__ = ["Command", "Word", "command"]


class Word(StrEnum):
    """What may be said."""

    PUBLISH = "publish"
    WITHDRAW = "withdraw"
    REFUSE = "refuse"
    EDIT = "edit"
    ANSWER = "answer"
    NAME = "name"
    ABOUT = "about"
    HELP = "help"


SPELT = {
    Word.PUBLISH: ("publish", "انتشار", "منتشر شود", "نشر", "опубликовать"),
    Word.WITHDRAW: ("withdraw", "پس‌گرفتن", "پس گرفتن", "سحب", "отозвать"),
    Word.REFUSE: ("refuse", "رد", "رفض", "отклонить"),
    Word.EDIT: ("edit", "ویرایش", "تعديل", "изменить"),
    Word.ANSWER: ("answer", "پاسخ", "جواب", "ответ"),
    Word.NAME: ("name", "نام", "اسم", "имя"),
    Word.ABOUT: ("about", "درباره", "نبذة", "обо мне"),
    Word.HELP: ("help", "راهنما", "مساعدة", "помощь"),
}
BARE = frozenset({Word.PUBLISH, Word.WITHDRAW, Word.REFUSE})
"""Said alone, these need no slash."""
ALIKE = str.maketrans("يكىأإآ", "یکیااا")


class Command(msgspec.Struct, frozen=True):
    """A word, and the text behind it."""

    word: Word
    text: str = ""


def command(said: str) -> Command | None:
    """What a message tells the desk to do; None: it is no command."""
    said = said.strip()
    if not said.startswith("/"):
        word = KNOWN.get(_plain(said))
        return Command(word) if word in BARE else None
    first, _, rest = said[1:].partition("\n")
    for length in (2, 1):  # the longer spelling first: some are of two words
        words = first.split()
        if word := KNOWN.get(_plain(" ".join(words[:length]))):
            behind = first.split(maxsplit=length)[length:]
            return Command(word, "\n".join([*behind, *([rest] if rest else [])]).strip())
    return None


def _plain(said: str) -> str:
    """Without what makes no difference: case, half spaces, vowel signs, an exclamation mark."""
    apart = unicodedata.normalize("NFKD", said.translate(ALIKE))
    kept = "".join(sign for sign in apart if unicodedata.category(sign) not in ("Mn", "Cf"))
    return "".join(kept.casefold().split()).strip(".!؟。")


KNOWN = {_plain(spelling): word for word, spellings in SPELT.items() for spelling in spellings}
