"""Picking header fields out of a stored message, quickly and whatever it looks like.

`wire.message` judges messages on their way in and is strict. This here only repeats what was accepted once: a line that
is no field is passed over, nothing is refused. Both see the same fields in a message that is in order.
"""

import binascii
import re
from collections.abc import Collection

__all__ = ["body_offset", "decoded", "select", "values"]

# A name, a colon, and the rest of the line with the folded lines below it (RFC 5322, 2.2.3).
FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*)", re.MULTILINE)
FOLD = re.compile(rb"\r?\n(?=[ \t])")
ENCODED = re.compile(r"=\?([^?*\s]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?\s]*)\?=")
BETWEEN = re.compile(r"(\?=)\s+(=\?)")


def body_offset(message: bytes) -> int:
    """Where the body begins: behind the first empty line."""
    if message.startswith(b"\r\n"):
        return 2
    at = message.find(b"\r\n\r\n")
    return len(message) if at < 0 else at + 4


def select(message: bytes, end: int, names: Collection[bytes], *, others: bool = False) -> bytes:
    """The fields of these names (lower case), or all `others`, as they are, and the empty line (RFC 3501, 6.4.5)."""
    chosen = [found[0] for found in FIELD.finditer(message, 0, end) if (found[1].lower() in names) is not others]
    return b"".join((*chosen, b"\r\n"))


def values(message: bytes, name: bytes) -> list[bytes]:
    """The unfolded values of every field of that name (lower case)."""
    end = body_offset(message)
    return [FOLD.sub(b"", found[2]).strip() for found in FIELD.finditer(message, 0, end) if found[1].lower() == name]


def decoded(value: bytes) -> str:
    """A value as a person reads it: encoded words (RFC 2047) undone where that is possible."""
    text = value.decode("utf-8", "replace")
    return ENCODED.sub(_word, BETWEEN.sub(r"\1\2", text)) if "=?" in text else text


def _word(found: re.Match[str]) -> str:
    charset, encoding, text = found.groups()
    try:
        raw = text.encode("ascii")
        octets = binascii.a2b_base64(raw) if encoding in "Bb" else binascii.a2b_qp(raw, header=True)
        return octets.decode(charset)
    except (ValueError, LookupError):
        return found[0]
