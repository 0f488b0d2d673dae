"""One command as text: a line, and after each literal another one (RFC 3501, 9; RFC 7888).

The reader turns the stream into tokens for the small parsers in `commands/`. Only literals cross line ends, so only
methods that may meet one are generators; all others look at the line at hand.

Invariants: a continuation (`+`) is asked for only when the literal is within the limit of whoever reads it; all lines
and arguments of one command together stay within `Limits.line`; a refused command is skipped to its true end, the
literals its sender did not wait for included, so what was meant as data is never run as a command.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from angarium.wire.stream import CR, NUL, LineTooLong, Parser, Stream

__all__ = ["Hopeless", "Limits", "Malformed", "Reader", "TooBig"]

ATOM = re.compile(rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
ASTRING = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff]+')
PATTERN = re.compile(rb'[^\x00-\x20(){"\\\x7f-\xff]+')
QUOTED = re.compile(rb'"((?:[^"\\\r\n]|\\["\\])*)"')
ESCAPED = re.compile(rb'\\(["\\])')
NUMBER = re.compile(rb"[0-9]{1,20}")
LITERAL = re.compile(rb"~?\{([0-9]{1,20})(\+?)\}\Z")
TAG = re.compile(rb'[^\x00-\x20(){%*"\\+\x7f-\xff]{1,64}(?= |\Z)')

LARGEST = (1 << 32) - 1
PIECE = 16384


class Malformed(Exception):
    """The peer's command is refused before anybody looks at what it means. The text is for the peer."""

    def __init__(self, text: str, *, status: str = "BAD", code: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.status = status
        self.code = code


class TooBig(Malformed):
    """A line or a literal of the peer is larger than allowed."""

    def __init__(self, text: str, *, status: str = "BAD") -> None:
        super().__init__(text, status=status, code="TOOBIG")


class Hopeless(Exception):
    """The peer announced more bytes than it is worth skipping: the connection should end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command may cost."""

    line: int = 65_536
    """Octets of all lines and arguments of one command, but for an appended message."""
    early: int = 4096
    """The same before login."""
    message: int = 31_457_280
    """Octets of an appended message."""
    depth: int = 16
    """Nesting of parentheses and of search keys."""


class Reader:
    """Reads the commands of one connection, one after another.

    `proceed` is called when the peer waits for permission to go on, with the text to give it.
    """

    __slots__ = ("_at", "_budget", "_line", "_proceed", "_stream", "limits")

    def __init__(self, stream: Stream, limits: Limits, proceed: Callable[[bytes], None]) -> None:
        self.limits = limits
        self._stream = stream
        self._proceed = proceed
        self._line = b""
        self._at = 0
        self._budget = 0

    @classmethod
    def of(cls, line: bytes) -> "Reader":
        """A reader of one line that is there already, without its end."""
        reader = cls(Stream(), Limits(), lambda _text: None)
        reader._line = line
        return reader

    # Lines

    def begin(self, budget: int) -> Parser[None]:
        """Wait for a command of at most `budget` octets.

        Raises:
            Malformed: the line is not ended by CRLF or holds a NUL or a lone CR.
            TooBig: the line is longer. What there is of it can still be read with `tag`.
        """
        self._budget = budget
        yield from self._next_line()

    def drain(self) -> Parser[None]:
        """After a fault: skip the rest of the command, with the literals that come unasked.

        Raises:
            Hopeless: see there.
        """
        while announced := LITERAL.search(self._line):
            size = int(announced[1])
            if not announced[2]:
                break
            if size > 4 * self.limits.message:
                raise Hopeless
            while size:
                size -= len((yield from self._stream.some(min(size, PIECE))))
            yield from self._tail_of_line()
        self.forget()

    def forget(self) -> None:
        """Keep nothing of the last command."""
        self._line = b""
        self._at = 0

    def _next_line(self) -> Parser[None]:
        self._at = 0
        self._line = b""
        try:
            line = self._stream.line_at_hand(self._budget) or (yield from self._stream.line(self._budget))
        except LineTooLong:
            head = yield from self._stream.exactly(min(self._budget, 128))
            yield from self._tail_of_line()
            self._line = head.rstrip(b"\r\n") + b" " + self._line
            raise TooBig("Command too long") from None
        self._budget -= len(line)
        self._line = text = line[:-2]
        if not line.endswith(b"\r\n") or CR in text:
            self._line = line.rstrip(b"\r\n")
            raise Malformed("Lines end in CRLF")
        if NUL in text:
            raise Malformed("NUL is not allowed")

    def _tail_of_line(self) -> Parser[None]:
        """Skip to the end of the line in constant memory, keeping as much of it as announces a literal."""
        tail = b""
        while True:
            try:
                line = yield from self._stream.line(PIECE)
            except LineTooLong:
                tail = (yield from self._stream.exactly(PIECE))[-32:]
            else:
                self._line = (tail + line).rstrip(b"\r\n")[-32:]
                return

    # Tokens on the line at hand

    @property
    def at_end(self) -> bool:
        """Whether the command's text is all read."""
        return self._at >= len(self._line)

    @property
    def ahead(self) -> bytes:
        """What is left of this line."""
        return self._line[self._at :]

    def skip(self, size: int) -> None:
        """Take so many octets of the line for read."""
        self._at += size

    def sees(self, text: bytes) -> bool:
        """Whether `text`, given in capitals, comes next in any case."""
        line, at = self._line, self._at
        return line.startswith(text, at) or line[at : at + len(text)].upper() == text

    def accept(self, text: bytes) -> bool:
        """Read `text` if it comes next."""
        if not self.sees(text):
            return False
        self._at += len(text)
        return True

    def expect(self, text: bytes) -> None:
        """Read `text`. Raises Malformed where something else comes."""
        if not self.accept(text):
            raise Malformed(f"Expected {text.decode('ascii')!r}")

    def space(self) -> None:
        """Read the one space between two arguments."""
        if not self._line.startswith(b" ", self._at):
            raise Malformed("Missing argument")
        self._at += 1

    def end(self) -> None:
        """Insist on the end of the command; trailing spaces, which some clients send, are forgiven."""
        if self._line[self._at :].strip(b" "):
            raise Malformed("Unexpected text after the arguments")

    def match(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        """Read what `pattern` matches next. Raises Malformed naming `what`."""
        found = pattern.match(self._line, self._at)
        if found is None:
            raise Malformed(f"Expected {what}")
        self._at = found.end()
        return found

    def tag(self) -> str | None:
        """The tag in front of the command, or None where there is none that could be repeated to the peer."""
        found = TAG.match(self._line)
        if found is None:
            return None
        self._at = found.end()
        return found[0].decode("ascii")

    def word(self) -> str:
        """An atom, in upper case."""
        return self.match(ATOM, "a word")[0].decode("ascii").upper()

    def number(self, largest: int = LARGEST) -> int:
        """A number from 0 to `largest`."""
        value = int(self.match(NUMBER, "a number")[0])
        if value > largest:
            raise Malformed("Number too large")
        return value

    def rest(self) -> bytes:
        """Everything up to the end of this line."""
        rest, self._at = self._line[self._at :], len(self._line)
        return rest

    # Strings, which may be literals

    def string(self) -> Parser[bytes]:
        """A quoted string or a literal; a literal counts against the command's budget."""
        if self.sees(b'"'):
            return self._quoted()
        return (yield from self.literal())

    def astring(self) -> Parser[bytes]:
        """An atom (in which `]` is allowed), a quoted string or a literal."""
        if found := ASTRING.match(self._line, self._at):
            self._at = found.end()
            return found[0]
        return (yield from self.string())

    def pattern(self) -> Parser[bytes]:
        """A mailbox name that may hold the wildcards `%` and `*` (list-mailbox)."""
        if found := PATTERN.match(self._line, self._at):
            self._at = found.end()
            return found[0]
        return (yield from self.string())

    def nstring(self) -> Parser[bytes | None]:
        """A string or NIL."""
        if self.accept(b"NIL"):
            return None
        return (yield from self.string())

    def literal(self) -> Parser[bytes]:
        """A literal as an argument, within the command's budget. Raises TooBig, Malformed."""
        data = yield from self._literal(self._budget, "BAD")
        self._budget -= len(data)
        yield from self._next_line()
        if NUL in data:
            raise Malformed("NUL is not allowed")
        return data

    def message(self) -> Parser[bytes]:
        """A literal that is a whole message. Raises TooBig, Malformed."""
        data = yield from self._literal(self.limits.message, "NO")
        yield from self._next_line()
        return data

    def _literal(self, limit: int, status: str) -> Parser[bytes]:
        """Read a literal of at most `limit` octets (RFC 3501, 4.3; RFC 7888); a larger one is not asked for."""
        found = self.match(LITERAL, "a string")
        size = int(found[1])
        if size > limit:
            raise TooBig("Literal too large", status=status)
        if not found[2]:
            self._proceed(b"OK")
        return (yield from self._stream.exactly(size))

    def answer(self, challenge: bytes) -> Parser[bytes]:
        """Send a challenge and read the answer: one line outside the command's grammar (RFC 3501, 6.2.2)."""
        self._proceed(challenge)
        yield from self._next_line()
        return self.rest()

    def _quoted(self) -> bytes:
        text = self.match(QUOTED, "the end of a quoted string")[1]
        if not text.isascii():
            try:
                text.decode("utf-8")
            except UnicodeDecodeError:
                raise Malformed("Quoted text is not UTF-8") from None
        return ESCAPED.sub(rb"\1", text) if b"\\" in text else text
