"""Messages that are made once and marked anew for each sending: what it costs to make them is not the relay's.

The mark is 32 characters of base64, a name for the run and a number. It stands in the Message-ID and, since a message
that arrives with another's body is changed too, inside the ciphertext, in the last whole line of the armour.
"""

import secrets
from dataclasses import dataclass, replace

from angarium.lab.mails import sealed

__all__ = ["MARK", "Letter", "Marks", "mark_of"]

MARK = 32
DIGITS = 12
ID = b"\r\nmessage-id: <"
END = b".\r\n"


class Marks:
    """The marks of one run."""

    def __init__(self) -> None:
        self._run = secrets.token_hex((MARK - DIGITS) // 2).encode()

    def mark(self, number: int) -> bytes:
        """The mark of a message by its number."""
        return self._run + b"%0*d" % (DIGITS, number)

    def number(self, mark: bytes) -> int | None:
        """Its number; None where it is not of this run."""
        digits = mark[len(self._run) :]
        return int(digits) if len(mark) == MARK and mark.startswith(self._run) and digits.isdigit() else None


@dataclass(frozen=True, slots=True)
class Letter:
    """One sender's message, without its mark."""

    head: bytes
    between: bytes
    tail: bytes
    body_before: bytes
    """What stands in the body before the mark."""

    @classmethod
    def of(cls, sender: str, size: int) -> "Letter":
        """A message of about so many bytes, as submitted."""
        held = "M" * MARK
        bare = len(sealed(sender, held, 0))
        # In an armoured line 48 bytes become 66; the mark needs a whole line.
        text = sealed(sender, held, max(120, (size - bare) * 48 // 66))
        line = text.rindex(b"\r\n-----END PGP")  # the last line may be short: the one before it is whole
        start = text.rindex(b"\r\n", 0, text.rindex(b"\r\n", 0, line)) + 2
        head, middle = text[: (at := text.index(held.encode()))], text[at + MARK : start]
        tail = text[start + MARK :]
        assert b"\r\n." not in text
        return cls(head, middle, tail, text[text.index(b"\r\n\r\n") + 4 : start])

    def by(self, sender: str) -> "Letter":
        """The same from somebody else."""
        after = self.head.index(b">")
        return replace(self, head=b"From: <" + sender.encode() + self.head[after:])

    def __len__(self) -> int:
        return len(self.head) + len(self.between) + len(self.tail) + 2 * MARK

    def marked(self, mark: bytes) -> bytes:
        """The bytes to submit, with the dot that ends them."""
        return b"".join((self.head, mark, self.between, mark, self.tail, END))

    def intact(self, message: bytes, mark: bytes) -> bool:
        """Whether a message has this letter's body with that mark, byte for byte. A relay may add and drop headers."""
        at = message.index(b"\r\n\r\n") + 4
        before, after = self.body_before, self.tail
        return (
            len(message) - at == len(before) + MARK + len(after)
            and message.startswith(before, at)
            and message.startswith(mark, at + len(before))
            and message.endswith(after)
        )


def mark_of(message: bytes) -> bytes | None:
    """The mark in a message's Message-ID; None where there is none."""
    head = message[: message.find(b"\r\n\r\n") + 2]
    at = head.find(b"\r\nMessage-ID: <")
    if at < 0:  # a relay may spell the name of a header its own way
        at = head.lower().find(ID)
    return head[at + len(ID) : at + len(ID) + MARK] if at >= 0 else None
