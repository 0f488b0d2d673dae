"""JSON as Telegram Desktop writes it, made JSON.

Three things are mended where they stand: control characters as `\\x01`, identifiers of custom emoji without quotes
(4.1), and halves of surrogate pairs, which no text can hold.
"""

import re

import msgspec

__all__ = ["mended"]

ESCAPE = re.compile(
    rb"\\(?:x([0-9A-Fa-f]{2})|(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(u[dD][89a-fA-F]\w{2})|.)",
    re.DOTALL,
)
UNQUOTED = re.compile(rb'("document_id": )([^"\s{}\[\]][^"\r\n]*)(?=\r?\n)')


def mended(octets: bytes) -> bytes:
    """A piece of JSON without what Telegram Desktop is known to write wrongly."""

    def mend(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return b"\\u00" + found[1]
        return b"\\ufffd" if found[3] else found[0]

    def quote(found: re.Match[bytes]) -> bytes:
        comma = b"," if found[2].endswith(b",") else b""
        return found[1] + msgspec.json.encode(found[2].removesuffix(b",").decode("utf-8", "replace")) + comma

    return UNQUOTED.sub(quote, ESCAPE.sub(mend, octets))
