"""Base64 in lines, and nothing else (RFC 4648, 4; RFC 2045, 6.8 without its leniency).

RFC 2045 has readers skip what is not base64. Whoever may skip may be told a story between the lines, so here every
octet must be of the alphabet, an end of line, or padding where it belongs.
"""

import binascii

__all__ = ["NotBase64", "decode_lines"]

PIECE = 1 << 20
"""A large text is decoded in pieces, so that other threads get their turn in between."""


class NotBase64(Exception):
    """There is something else between the characters, or the padding is not right."""


def decode_lines(text: bytes, start: int, stop: int) -> bytes | bytearray:
    """Decode ``text[start:stop]``, whose lines may be of any length.

    Raises:
        NotBase64: see there.
    """
    if stop - start <= PIECE:
        return _decode(text[start:stop].translate(None, b"\r\n"))
    data = bytearray()
    left = b""
    for at in range(start, stop, PIECE):
        piece = left + text[at : min(at + PIECE, stop)].translate(None, b"\r\n")
        if piece and len(data) % 3:
            raise NotBase64
        whole = len(piece) & ~3
        data += _decode(piece[:whole])
        left = piece[whole:]
    if left:
        raise NotBase64
    return data


def _decode(text: bytes) -> bytes:
    padding = text.find(b"=", 0, -2)  # even the strict mode passes over padding behind a full group
    if padding >= 0 or len(text) & 3:
        raise NotBase64
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise NotBase64 from None
