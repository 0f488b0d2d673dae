"""The first words of a TLS client, read for one thing: which protocols it offers (ALPN).

OpenSSL's server, as Python lets us have it, takes a client that offers none of its protocols; nginx refuses it. To
refuse as well, one has to look before OpenSSL does.

RFC 8446, 4.1.2 (ClientHello) and 5.1 (records); RFC 7301, 3.1 (ALPN).
"""

__all__ = ["LONGEST", "Incomplete", "protocols"]

LONGEST = 16_384
"""Octets looked at: a hello that is longer, by post-quantum keys and all, is nobody's."""
HANDSHAKE, CLIENT_HELLO, ALPN = 22, b"\x01", 16


class Incomplete(Exception):
    """There is more of it to come."""


def protocols(said: bytes) -> list[bytes] | None:
    """The protocols offered; None: none are, or this is no ClientHello, which is for OpenSSL to say.

    Raises:
        Incomplete: see there.
    """
    try:
        return _offered(_message(said))
    except IndexError:
        return None


def _message(said: bytes) -> bytes:
    """The ClientHello, out of its records. Raises Incomplete; IndexError where it is none."""
    message = b""
    while True:
        if len(said) < 5:
            raise Incomplete
        length = int.from_bytes(said[3:5])
        if said[0] != HANDSHAKE or said[1] != 3 or not 0 < length <= LONGEST:
            raise IndexError
        message += said[5 : 5 + length]
        if message[:1] not in (b"", CLIENT_HELLO):
            raise IndexError
        if len(message) >= 4 and len(message) - 4 >= (whole := int.from_bytes(message[1:4])):
            return message[4 : 4 + whole]
        if len(said) < 5 + length:
            raise Incomplete
        said = said[5 + length :]


def _offered(hello: bytes) -> list[bytes] | None:
    """What stands in the extension. Raises IndexError where the message is too short for what it says."""
    at = 2 + 32
    at += 1 + hello[at]
    at += 2 + int.from_bytes(_cut(hello, at, 2))
    at += 1 + hello[at]
    extensions = _cut(hello, at + 2, int.from_bytes(_cut(hello, at, 2)))
    at = 0
    while at < len(extensions):
        kind, length = int.from_bytes(_cut(extensions, at, 2)), int.from_bytes(_cut(extensions, at + 2, 2))
        content = _cut(extensions, at + 4, length)
        if kind == ALPN:
            return _names(content)
        at += 4 + length
    return None


def _names(content: bytes) -> list[bytes]:
    names, at = [], 2
    while at < len(content):
        names.append(_cut(content, at + 1, content[at]))
        at += 1 + content[at]
    return names


def _cut(said: bytes, at: int, length: int) -> bytes:
    if at + length > len(said):
        raise IndexError
    return said[at : at + length]
