"""Texts of Telegram's messages, whose pieces each are one thing and follow each other."""

import re
from collections.abc import Sequence

from angarium.channel.intake.message import Message, Part, Rich
from angarium.channel.marking import Marking
from angarium.channel.post import Mark, Text, link

__all__ = ["plain", "text", "write_link"]

MARKS = {
    "bold": Mark.BOLD,
    "italic": Mark.ITALIC,
    "underline": Mark.UNDERLINE,
    "strikethrough": Mark.STRIKE,
    "code": Mark.CODE,
    "spoiler": Mark.SPOILER,
    "blockquote": Mark.QUOTE,
    "mention": Mark.MENTION,
    "mention_name": Mark.MENTION,
}
"""Those that say all. Who is meant by a mention's number is left out."""
TAG = re.compile(r"([#＃][^\s#＃@!-/:-?\[-^`{-~]{1,100})(@\w+)?")
LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,30}")


def text(message: Message) -> Text:
    """What a message says, with what is marked in it."""
    marking = Marking()
    pieces: Sequence[str | Part] = message.text_entities or _pieces(message.text)
    for piece in pieces:
        if isinstance(piece, str):
            marking.write(piece)
            continue
        mark = MARKS.get(piece.type)
        if mark is not None:
            marking.put(piece.text, mark)
        elif piece.type == "pre":
            language = piece.language or ""
            marking.put(piece.text, Mark.BLOCK, language if LANGUAGE.fullmatch(language) else "")
        elif piece.type == "hashtag":
            write_tag(marking, piece.text)
        elif piece.type == "text_link":
            write_link(marking, piece.text, piece.href or "")
        elif piece.type == "link":
            write_link(marking, piece.text, piece.text if "://" in piece.text else f"https://{piece.text}")
        elif piece.type == "email":
            write_link(marking, piece.text, f"mailto:{piece.text}")
        else:
            marking.write(piece.text)
    return marking.text()


def plain(rich: Rich) -> str:
    """A text's words."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in _pieces(rich))


def write_link(marking: Marking, words: str, target: str) -> None:
    """Go on with words that lead somewhere, or with the words alone if nothing in a post may lead there."""
    if target := link(target.strip()):
        marking.put(words, Mark.LINK, target)
    else:
        marking.write(words)


def write_tag(marking: Marking, words: str) -> None:
    """Go on with a hashtag, which may name a channel behind it."""
    if found := TAG.fullmatch(words):
        marking.put(found[1], Mark.HASHTAG)
        marking.write(found[2] or "")
    else:
        marking.write(words)


def _pieces(rich: Rich) -> Sequence[str | Part]:
    return [rich] if isinstance(rich, str) else rich
