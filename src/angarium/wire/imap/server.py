"""The server's half of an IMAP connection, without the connection (RFC 3501; RFC 2177; RFC 7888).

Bytes in, events out, bytes to send. Four verbs: `receive` takes what the peer sent and gives events, `untagged` and
`complete` answer, `to_send` gives what must go to the peer, `state` says where the connection stands.

Invariants:

* One command at a time. A `Received` is followed by no other until `complete` was called; what the peer sent ahead
  waits. So no answer can overtake another, and a command never sees the state before its predecessor's end.
* A command that breaks the grammar, comes at the wrong time or is too large is answered here; `Refused` only says that
  it happened, so that somebody may count.
* Nothing received before STARTTLS is read after it (`secured`): RFC 3501, 6.2.1, and every attack on what does.
"""

from collections.abc import Generator
from typing import TypeAlias

from msgspec import Struct

from angarium.wire.imap.commands import RULES, USUAL, Command, Rule, State
from angarium.wire.imap.reader import Hopeless, Limits, Malformed, Reader
from angarium.wire.stream import LineTooLong, Parser, Stream

__all__ = ["Done", "Event", "Hung", "Received", "Refused", "Server"]

JOINED = 32_768
IDLE_LINE = 1024


class Received(Struct, frozen=True):
    """A command to run and to `complete`."""

    command: Command


class Done(Struct, frozen=True):
    """The peer ended IDLE, with DONE or (not `asked`) with something else; IDLE is still to be completed."""

    asked: bool


class Refused(Struct, frozen=True):
    """The peer sent a faulty command, and was told so."""


class Hung(Struct, frozen=True):
    """The peer was told BYE: send what is left, and hang up."""


Event: TypeAlias = Received | Done | Refused | Hung

NO_EVENTS: list[Event] = []
"""What every connection shares until it is given bytes; never added to."""


class Server:
    """One connection's protocol state."""

    __slots__ = ("_events", "_idling", "_limits", "_out", "_parser", "_reader", "_stream", "_tag", "secure", "state")

    def __init__(self, limits: Limits, *, secure: bool) -> None:
        self.state = State.GREETED
        self.secure = secure
        """Whether passwords may be sent; see `secured`."""
        self._limits = limits
        self._stream = Stream()
        self._reader = Reader(self._stream, limits, self._proceed)
        self._tag: str | None = None
        self._idling = False
        self._events = NO_EVENTS
        self._out: list[bytes] | None = None
        """None while nothing waits to be sent, as in a connection that idles: thousands do."""
        self._parser = self._conversation()

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes of the peer (none: go on with what waits) and say what they mean; ask until that is nothing."""
        self._stream.feed(data)
        events: list[Event] = []
        self._events = events
        next(self._parser, None)
        self._events = NO_EVENTS
        return events

    def to_send(self) -> bytes:
        """The next bytes for the peer, or nothing; ask until there is nothing.

        Small replies are joined; a large piece comes by itself and uncopied.
        """
        out = self._out
        if out is None:
            return b""
        if len(out) == 1 or sum(map(len, out)) <= JOINED:
            self._out = None
            return b"".join(out)
        count = size = 0
        for piece in out:
            if count and size + len(piece) > JOINED:
                break
            size += len(piece)
            count += 1
        taken, self._out = out[:count], out[count:] or None
        return taken[0] if count == 1 else b"".join(taken)

    @property
    def waiting(self) -> bool:
        """Whether the peer has sent more than was read so far."""
        return len(self._stream) > 0

    @property
    def full(self) -> bool:
        """Whether enough is to be sent that it should be, before more is added."""
        out = self._out
        return out is not None and (len(out) > JOINED // 256 or sum(map(len, out)) >= JOINED)

    # Answers

    def untagged(self, *pieces: bytes) -> None:
        """Queue one untagged response; `pieces` follow each other directly."""
        if len(pieces) == 1:
            self._queue(b"* %b\r\n" % pieces)
        else:
            self._queue(b"* ", *pieces, b"\r\n")

    def complete(self, status: str, text: str, code: str = "") -> None:
        """Answer the running command: OK, NO or BAD."""
        assert self._tag is not None, "no command is running"
        self._say(self._tag, status, text, code)
        self._tag = None
        self._idling = False

    def idling(self) -> None:
        """Tell the peer that its IDLE began; then wait for DONE."""
        assert self._tag is not None, "no command is running"
        self._idling = True
        self._queue(b"+ idling\r\n")

    def greet(self, text: str, code: str) -> None:
        """The first line of all."""
        self._say("*", "OK", text, code)

    def bye(self, text: str, code: str = "") -> None:
        """Say that the connection ends. Nothing more is read."""
        if self.state is not State.LOGOUT:
            self._say("*", "BYE", text, code)
        self.hang_up()

    def hang_up(self) -> None:
        """Nothing more is read; what is queued can still be sent."""
        self.state = State.LOGOUT

    def secured(self) -> None:
        """TLS is on. What the peer sent in clear beyond STARTTLS is thrown away unread."""
        self._stream.clear()
        self.secure = True

    def leftover(self) -> bytes:
        """What the peer sent beyond COMPRESS: it is deflated already, and must come back through `receive` inflated."""
        return self._stream.clear()

    def _queue(self, *pieces: bytes) -> None:
        if self._out is None:
            self._out = [*pieces]
        else:
            self._out += pieces

    def _say(self, tag: str, status: str, text: str, code: str) -> None:
        line = f"{tag} {status} [{code}] {text}" if code else f"{tag} {status} {text}"
        if not (line.isascii() and line.isprintable()):
            line = " ".join(line.split())
        self._queue(f"{line}\r\n".encode("ascii", "replace"))

    def _proceed(self, text: bytes) -> None:
        self._queue(b"+ " + text + b"\r\n")

    # Reading

    def _conversation(self) -> Generator[None, None, None]:
        while self.state is not State.LOGOUT:
            if self._tag is None:
                yield from self._command()
            elif self._idling:
                yield from self._done()
            else:
                yield

    def _command(self) -> Parser[None]:
        tag = None
        try:
            try:
                yield from self._reader.begin(self._limits.early if self.state is State.GREETED else self._limits.line)
            finally:
                tag = self._reader.tag()
            if tag is None:
                raise Malformed("A command begins with a tag")
            command = yield from self._read()
        except Malformed as fault:
            yield from self._refuse(tag or "*", fault)
        else:
            self._reader.forget()
            self._tag = tag
            self._events.append(Received(command))

    def _read(self) -> Parser[Command]:
        self._reader.space()
        usual = USUAL.get(self._reader.ahead)
        if usual is not None:
            self._require(usual[0])
            return usual[1]
        rule = RULES.get(self._reader.word())
        if rule is None:
            raise Malformed("Unknown command")
        self._require(rule)
        command = yield from rule.parse(self._reader)
        self._reader.end()
        return command

    def _require(self, rule: Rule) -> None:
        if self.state not in rule.allowed:
            raise Malformed("Log in first" if self.state is State.GREETED else "Not now")
        if rule.secret and not self.secure:
            raise Malformed("Use TLS first", status="NO", code="PRIVACYREQUIRED")

    def _refuse(self, tag: str, fault: Malformed) -> Parser[None]:
        self._say(tag, fault.status, fault.text, fault.code)
        self._events.append(Refused())
        try:
            yield from self._reader.drain()
        except Hopeless:
            self.bye("Too much")
            self._events.append(Hung())
        yield  # one fault at a time, so that they can be counted before there are many

    def _done(self) -> Parser[None]:
        try:
            line = yield from self._stream.line(IDLE_LINE)
        except LineTooLong:
            yield from self._stream.drop_line()
            line = b""
        self._idling = False
        self._events.append(Done(asked=line.strip().upper() == b"DONE"))
