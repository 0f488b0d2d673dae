"""tag=value lists (RFC 6376, 3.2), as signatures and key records are written, and what is wrong with one.

Strict: a tag that is there twice makes the list void, for readers differ on which one counts; so does any octet the
grammar has no place for. Tags nobody knows are read and ignored.
"""

import binascii
import re

__all__ = ["Unverified", "base64_value", "colon_list", "domain_name", "read_tags", "squeezed"]

_TAG = re.compile(rb"[ \t\r\n]*([A-Za-z][A-Za-z0-9_]*)[ \t\r\n]*=([^;\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*)(;|\Z)")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_SPACE = b" \t\r\n"


class Unverified(Exception):
    """The signature proves nothing. The text says why, in words of ours: nothing of the message is quoted."""


def read_tags(text: bytes) -> dict[bytes, bytes]:
    """The tags in their order, values without the white space around them.

    Raises:
        Unverified: it is no such list, or a tag is there twice.
    """
    tags: dict[bytes, bytes] = {}
    at = 0
    while True:
        found = _TAG.match(text, at)
        if found is None:
            if tags and not text[at:].strip(_SPACE):
                return tags
            raise Unverified("not a list of tags")
        if found[1] in tags:
            raise Unverified("a tag is there twice")
        tags[found[1]] = found[2].strip(_SPACE)
        if not found[3]:
            return tags
        at = found.end()


def colon_list(value: bytes) -> tuple[bytes, ...]:
    """What stands between the colons, without white space around it."""
    return tuple(one.strip(_SPACE) for one in value.split(b":"))


def squeezed(value: bytes) -> bytes:
    """The value without any white space."""
    return value.translate(None, _SPACE)


def base64_value(value: bytes) -> bytes:
    """Decode base64 that may be folded anywhere. Raises Unverified where there is anything else in it, or nothing."""
    text = squeezed(value)
    if not _BASE64.fullmatch(text) or len(text) & 3:
        raise Unverified("not base64")
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise Unverified("not base64") from None


def domain_name(value: bytes) -> str:
    """A domain name or a selector, in lower case. Raises Unverified where it is none that DNS would look up."""
    name = value.decode("ascii", "replace")
    if len(name) > 253 or not _DOMAIN.fullmatch(name):
        raise Unverified("not a domain name")
    return name.lower()
