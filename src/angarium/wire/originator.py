"""Who a message says it is from: the first address of its From field (RFC 5322, 3.4 and 3.6.2).

Display names, comments and encoded words say nothing here; only the addr-spec counts. It must be beyond doubt: two From
fields, an address in two pieces, words after the angle brackets or a route in them make the message `Malformed`.
"""

import re

from angarium.wire.message import Entity, Malformed
from angarium.wire.structured import comment_end

__all__ = ["first_address", "from_address"]

# Whatever may stand in an atom or a dot-atom, 8-bit bytes included (RFC 6532, 3.2).
_ATOM = rb"[^\x00-\x20\x7f()<>\[\]:;,\\\"]+"
_WORD = re.compile(rb'"(?:[^"\\]|\\.)*"|\[[^\[\]\\]*\]|' + _ATOM)
_SPACE = re.compile(rb"[ \t]+")
_DOMAIN = rb"(?:[^\x00-\x20\x7f()<>\[\]:;,\\\"@]+|\[[^\x00-\x20\x7f\[\]\\@]+\])"
_LOCAL = rb'(?:[^\x00-\x20\x7f()<>\[\]:;,\\"@]+|"(?:[^"\\]|\\.)*")'
_ADDRESS = re.compile(_LOCAL + rb"@" + _DOMAIN)
_ANGLE = re.compile(rb"<[ \t]*(" + _ADDRESS.pattern + rb")[ \t]*>")
_USUAL = re.compile(rb'(?:"[^"\\]*"[ \t]*)?<([0-9A-Za-z._+\-]+@[0-9A-Za-z.\-]+)>')
_LONGEST = 4096


def from_address(entity: Entity) -> str:
    """The address in the From field, or the first of them, as it is written there.

    Raises:
        Malformed: there is not exactly one From field, or it begins with no address that all readers agree on.
    """
    values = entity.all(b"from")
    if len(values) != 1:
        raise Malformed("there must be exactly one From field")
    return first_address(values[0])


def first_address(value: bytes) -> str:
    """The first addr-spec of an unfolded mailbox list, also where it is in a group (RFC 6854).

    Raises:
        Malformed: there is none, or it is not beyond doubt.
    """
    usual = _USUAL.fullmatch(value)
    if usual is None and len(value) > _LONGEST:
        raise Malformed("the From field is too long")
    address = usual[1] if usual is not None else _search(value)
    try:
        return address.decode()
    except UnicodeDecodeError:
        raise Malformed("the From address is not UTF-8") from None


def _search(value: bytes) -> bytes:
    words: list[bytes] = []
    apart = True  # whether a space or a comment stands between the last word and what comes
    in_group = False
    at = 0
    while at < len(value):
        if (space := _SPACE.match(value, at)) is not None:
            at, apart = space.end(), True
        elif value.startswith(b"(", at):
            at, apart = comment_end(value, at), True
        elif value.startswith(b"<", at):
            return _angle(value, at)
        elif value.startswith(b":", at):
            if in_group or not words:
                raise Malformed("the From field cannot be read")
            at, words, apart, in_group = at + 1, [], True, True
        elif value.startswith((b",", b";"), at):
            if words:
                break
            at, apart = at + 1, True
        else:
            word = _WORD.match(value, at)
            if word is None:
                raise Malformed("the From field cannot be read")
            if apart:
                words.append(word[0])
            else:
                words[-1] += word[0]
            at, apart = word.end(), False
    if len(words) != 1 or _ADDRESS.fullmatch(words[0]) is None:
        raise Malformed("the From field has no address")
    return words[0]


def _angle(value: bytes, at: int) -> bytes:
    found = _ANGLE.match(value, at)
    if found is None:
        raise Malformed("the angle brackets in the From field hold no address")
    at = found.end()
    while at < len(value) and not value.startswith((b",", b";"), at):
        if (space := _SPACE.match(value, at)) is not None:
            at = space.end()
        elif value.startswith(b"(", at):
            at = comment_end(value, at)
        else:
            raise Malformed("words follow the address in the From field")
    return found[1]
