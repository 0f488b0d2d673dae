"""JSON of any length, read as it comes: objects and arrays are entered, and what lies in them taken piece by piece.

No more than a piece is held at a time, and each octet looked at a few times at the most. Where it breaks is told by
line and column. Pieces are cut out here by their brackets and strings alone; whether they are JSON within is found out
by whoever decodes them.

RFC 8259.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

import msgspec

from angarium.channel.intake.mending import mended
from angarium.channel.intake.refusal import Refused

__all__ = ["Piece", "Scan"]

WHITE = re.compile(rb"[ \t\r\n]*+")
SCALAR = re.compile(rb"[-+.0-9A-Za-z]*+")
TOKEN = re.compile(rb'[^"{}\[\]]*+(?:"(?:[^"\\]++|\\.)*+"|([{}\[\]]))', re.DOTALL)
CLOSES = {ord("}"): ord("{"), ord("]"): ord("[")}
MISWRITTEN = re.compile(rb"\\x[0-9A-Fa-f]{2}")
"""Escapes that are none, and that Telegram Desktop writes."""
CONTINUING = bytes(range(0x80, 0xC0))
"""Octets of UTF-8 that no code point starts with."""
BOM = b"\xef\xbb\xbf"
DEEPEST = 64
"""Objects and arrays within each other, in a piece."""
READ = 1 << 16


class Piece(NamedTuple):
    """A value as it stands in the file."""

    octets: bytes
    line: int
    column: int

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an octet of it."""
        return _after(self.octets[:offset], self.line, self.column)


class Scan:
    """A place in a JSON file, which moves on.

    Args:
        read: gives at most so many further octets; none at the end.
        name: what the file is called, for what is told.
        most: octets a piece may have.
    """

    def __init__(self, read: Callable[[int], bytes], name: str, *, most: int) -> None:
        self._read, self._name, self._most = read, name, most
        self._buffer = read(READ)
        self._at = len(BOM) if self._buffer.startswith(BOM) else 0
        self._line, self._column = 1, 1
        self._ended = not self._buffer

    def peek(self) -> bytes:
        """The octet that comes, white space left out; none at the end."""
        while True:
            found = WHITE.match(self._buffer, self._at)
            assert found is not None
            self._take(found.end() - self._at)
            if self._at < len(self._buffer) or not self._more():
                return self._buffer[self._at : self._at + 1]

    def members(self) -> Iterator[str]:
        """The names in the object that comes. Before each next step what stands under the name is to be taken."""
        self._expect(b"{", "an object must stand here")
        if self.peek() == b"}":
            self._take(1)
            return
        while True:
            if self.peek() != b'"':
                self.fail("a name in quotes must stand here")
            name: str = self._decoded(self.piece())
            self._expect(b":", "a colon must stand here")
            yield name
            if self._separated(b"}"):
                return

    def elements(self) -> Iterator[None]:
        """The elements of the array that comes. Before each next step the element is to be taken."""
        self._expect(b"[", "an array must stand here")
        if self.peek() == b"]":
            self._take(1)
            return
        while True:
            yield
            if self._separated(b"]"):
                return

    def value(self) -> object:
        """What comes, decoded."""
        return self._decoded(self.piece())

    def piece(self) -> Piece:
        """What comes, as it stands there."""
        first = self.peek()
        line, column = self._line, self._column
        length = self._bracketed() if first in (b"{", b"[", b'"') else self._scalar()
        octets = self._buffer[self._at : self._at + length]
        self._take(length)
        return Piece(octets, line, column)

    def skip_elements(self) -> None:
        """Go on behind the array that comes, told by brackets alone: nobody wants what is in it."""
        for _ in self.elements():
            self.piece()

    def skip(self, depth: int = 0) -> None:
        """Go on behind what comes, however long it is."""
        first = self.peek() if depth < DEEPEST else b""
        if first == b"{":
            for _ in self.members():
                self.skip(depth + 1)
        elif first == b"[":
            for _ in self.elements():
                self.skip(depth + 1)
        else:
            self._decoded(self.piece())

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            self.fail("the file goes on where it must end")

    def fail(self, why: str) -> NoReturn:
        """Refuse the file here."""
        raise Refused.at(self._name, self._line, self._column, why if self.peek() else "the file ends too early")

    def _decoded(self, piece: Piece) -> Any:
        try:
            return msgspec.json.decode(piece.octets)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return msgspec.json.decode(mended(piece.octets))
            raise Refused.at(self._name, piece.line, piece.column, f"this is no JSON ({error})") from None

    def _bracketed(self) -> int:
        """Octets of the string, object or array that comes."""
        opened = bytearray()
        done = 0
        while True:
            found = TOKEN.match(self._buffer, self._at + done)
            if found is None:
                if len(self._buffer) - self._at > self._most or not self._more():
                    self._break(len(self._buffer) - self._at, f"a piece of more than {self._most} octets")
                continue
            done = found.end() - self._at
            if bracket := found[1]:
                if bracket in b"{[":
                    opened += bracket
                    if len(opened) > DEEPEST:
                        self._break(done - 1, f"more than {DEEPEST} objects within each other")
                elif opened.pop() != CLOSES[bracket[0]]:
                    self._break(done - 1, f"{bracket.decode()} closes what was not opened")
            if not opened:
                return done

    def _scalar(self) -> int:
        while True:
            found = SCALAR.match(self._buffer, self._at)
            assert found is not None
            if found.end() < len(self._buffer) or not self._more():
                break
        if found.end() == self._at:
            self.fail("a value must stand here")
        return found.end() - self._at

    def _separated(self, closing: bytes) -> bool:
        """Whether the closing bracket comes, and not a comma."""
        sign = self.peek()
        if sign not in (closing, b","):
            self.fail(f"a comma or {closing.decode()} must stand here")
        self._take(1)
        return sign == closing

    def _expect(self, sign: bytes, why: str) -> None:
        if self.peek() != sign:
            self.fail(why)
        self._take(1)

    def _break(self, done: int, why: str) -> NoReturn:
        """Refuse the file at the octet of the piece where brackets do not fit, or earlier if it is no JSON there.

        A quotation mark that is missing turns all that follows inside out, and shows much later in the brackets.
        """
        held = MISWRITTEN.sub(rb"\\n__", self._buffer[self._at :])
        try:
            msgspec.json.decode(held)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            found = re.search(r"\(byte (\d+)\)", str(error))
            if found and int(found[1]) < min(done, len(held)):
                self._take(int(found[1]))
                self.fail("this is no JSON")
        self._take(done)
        self.fail(why)

    def _more(self) -> bool:
        """Read on. Whether there was more."""
        held = len(self._buffer) - self._at
        if held > self._most:
            self.fail(f"a piece of more than {self._most} octets")
        octets = b"" if self._ended else self._read(max(READ, held))
        self._ended = not octets
        self._buffer = self._buffer[self._at :] + octets
        self._at = 0
        return bool(octets)

    def _take(self, count: int) -> None:
        if count:
            taken = self._buffer[self._at : self._at + count]
            self._line, self._column = _after(taken, self._line, self._column)
            self._at += count


def _after(octets: bytes, line: int, column: int) -> tuple[int, int]:
    """Line and column behind octets that start at these."""
    lines = octets.count(b"\n")
    rest = octets[octets.rfind(b"\n") + 1 :] if lines else octets
    return line + lines, (1 if lines else column) + len(rest.translate(None, CONTINUING))
