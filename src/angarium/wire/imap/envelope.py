"""ENVELOPE: a message's header, parsed for the client (RFC 3501, 7.4.2).

Correct before quick: no app asks for it in its hot path.
"""

import re
from dataclasses import dataclass

from angarium.wire.imap.responses import nstring
from angarium.wire.message import Entity, Malformed
from angarium.wire.structured import without_comments

__all__ = ["Address", "addresses", "envelope"]

TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"|([<>,;:@])|([^\s<>,;:@"]+)', re.DOTALL)
ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """One address. A group begins with one that has no host, and ends with one that has nothing at all."""

    name: bytes | None = None
    mailbox: bytes | None = None
    host: bytes | None = None


def envelope(entity: Entity) -> bytes:
    """The envelope structure of a message."""
    sender = _people(entity, b"from")
    return b"(%s)" % b" ".join(
        (
            nstring(entity.first(b"date")),
            nstring(entity.first(b"subject")),
            sender,
            _people(entity, b"sender", otherwise=sender),
            _people(entity, b"reply-to", otherwise=sender),
            _people(entity, b"to"),
            _people(entity, b"cc"),
            _people(entity, b"bcc"),
            nstring(entity.first(b"in-reply-to")),
            nstring(entity.first(b"message-id")),
        )
    )


def addresses(value: bytes) -> list[Address]:
    """Every address of an address list, groups as RFC 3501 wants them. What cannot be read is left out."""
    try:
        tokens = list(TOKEN.finditer(without_comments(value)))
    except Malformed:
        return []
    found: list[Address] = []
    reading = _Reading(found)
    for token in tokens:
        if token[2] is None:
            reading.word(token[3] if token[1] is None else ESCAPED.sub(rb"\1", token[1]))
        else:
            reading.special(token[2])
    reading.finish()
    return found


class _Reading:
    """An address list in the middle of being read."""

    __slots__ = ("_angle", "_before", "_found", "_grouped", "_name", "_words")

    def __init__(self, found: list[Address]) -> None:
        self._found = found
        self._grouped = False
        self._clear()

    def _clear(self) -> None:
        self._words: list[bytes] = []
        self._before: list[bytes] | None = None
        self._name: bytes | None = None
        self._angle = False

    def word(self, text: bytes) -> None:
        self._words.append(text)

    def special(self, sign: bytes) -> None:
        match sign:
            case b"<":
                self._name = b" ".join(self._words) or None
                self._words = []
                self._angle = True
            case b">":
                self._angle = False
            case b"@":
                self._before, self._words = self._words, []
            case b":" if self._angle:  # the end of an obsolete route (RFC 5322, 4.4)
                self._before, self._words = None, []
            case b":":
                self._found.append(Address(mailbox=b" ".join(self._words)))
                self._clear()
                self._grouped = True
            case b"," if not self._angle:
                self._address()
            case b";":
                self._end_of_group()

    def finish(self) -> None:
        self._address()
        if self._grouped:
            self._end_of_group()

    def _address(self) -> None:
        if self._before is not None:
            self._found.append(Address(self._name, b"".join(self._before), b"".join(self._words)))
        elif self._words:
            self._found.append(Address(self._name, b" ".join(self._words), b""))
        self._clear()

    def _end_of_group(self) -> None:
        self._address()
        if self._grouped:
            self._found.append(Address())
        self._grouped = False


def _people(entity: Entity, field: bytes, *, otherwise: bytes = b"NIL") -> bytes:
    listed = [address for value in entity.all(field) for address in addresses(value)]
    if not listed:
        return otherwise
    return b"(%s)" % b"".join(
        b"(%s NIL %s %s)" % (nstring(who.name), nstring(who.mailbox), nstring(who.host)) for who in listed
    )
