"""Replies: three digits, an enhanced status code (RFC 2034, RFC 3463), and a text (RFC 5321, 4.2).

Any value with a code, an enhanced code and a text can be an answer; whatever the text holds, a reply stays lines of
printable ASCII of at most 512 bytes, so nothing that is quoted in it can pretend to be another reply.

The codes beside the policy's own follow RFC 5321, 4.2.4, RFC 4954, 6 and RFC 1870. 5.5.0 is avoided: the apps take a
550 with it for "try again".
"""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Answer", "Reply", "multiline", "spell"]

_TEXT_BYTES = 490
_UNPRINTABLE = re.compile(r"[^ -~]")


class Answer(Protocol):
    """What a reply is made of."""

    @property
    def code(self) -> int:
        """Three digits; the first says whether to go on (2, 3), try again later (4) or give up (5)."""

    @property
    def enhanced(self) -> str:
        """The enhanced status code, such as `5.7.1`."""

    @property
    def text(self) -> str:
        """For people."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply. As received by a client, `text` has one line for each of the reply's."""

    code: int
    enhanced: str
    text: str

    @property
    def accepted(self) -> bool:
        """Whether the command did what it is for."""
        return self.code // 100 == 2


def spell(answer: Answer) -> bytes:
    """The answer as sent. Text of several lines, or too long for one, becomes a reply of several lines."""
    text = answer.text
    if len(text) <= _TEXT_BYTES and text.isascii() and text.isprintable():
        return f"{answer.code} {answer.enhanced} {text}\r\n".encode()
    lines = [piece for line in text.splitlines() for piece in textwrap.wrap(line, _TEXT_BYTES)] or [""]
    return multiline(answer.code, (f"{answer.enhanced} {line}" for line in lines))


def multiline(code: int, lines: Iterable[str]) -> bytes:
    """A reply with these lines, at least one; characters that are not printable ASCII become `?`."""
    texts = [_UNPRINTABLE.sub("?", line).strip() for line in lines]
    return b"".join(
        f"{code}{' ' if number == len(texts) else '-'}{text}\r\n".encode() for number, text in enumerate(texts, 1)
    )
