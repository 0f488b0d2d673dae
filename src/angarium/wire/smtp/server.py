"""The server's side of SMTP (RFC 5321) as a pure machine: for submission (RFC 6409), and between relays.

Bytes in by `receive`, decisions out as events, answers in by `reply`, bytes out by `to_send`. It knows grammar, order
and limits; it refuses to know who may log in, whose address is whose, and what a message says: each of these is an
event that waits for its answer.

    greeting ─► receive(data) ─► [event] ─► reply(answer) ─► receive(b"") ─► [event] ─► … ─► [] ─► to_send()

Invariants:
  * `receive` returns at most one event; until it is answered nothing that follows is looked at. So a client that
    pipelines (RFC 2920) gets all its answers in one write, in order, and events do not depend on how bytes are cut.
  * Before TLS nothing can be said that matters: AUTH needs it, and MAIL where nobody logs in. Bytes that come between
    STARTTLS and the handshake are thrown away (RFC 3207, 6).
  * Whatever a client sends gets a reply, and costs at most the `Terms`.
  * Nothing said before login tells this server from any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from msgspec import Struct

from angarium.wire.sasl import MECHANISMS, Cancelled, Credentials, Exchange, SaslError, UnknownMechanism
from angarium.wire.smtp.commands import parse_hello, parse_mail, parse_nothing, parse_recipient
from angarium.wire.smtp.data import TOO_BIG, Data
from angarium.wire.smtp.errors import OurError, Refusal
from angarium.wire.smtp.order import FORGIVEN, LOGGED_IN, OUT_OF_PLACE, OUT_OF_PLACE_BETWEEN_RELAYS, State
from angarium.wire.smtp.replies import Answer, Reply, multiline, spell
from angarium.wire.stream import CR, NUL, LineTooLong, Parser, Stream

__all__ = ["Event", "Login", "Message", "Recipient", "Sender", "Server", "StartTls", "Terms"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a server says of itself, and what it bears. Sizes are octets."""

    hostname: str
    size: int
    """Largest message."""
    recipients: int = 1000
    """Most recipients of one message."""
    line: int = 4096
    """Longest command line, its end included."""
    errors: int = 20
    """Errors of the client after which the session is ended."""
    starttls: bool = False
    """Whether TLS can be had."""
    login: bool = True
    """Whether MAIL needs a login; if not, it needs TLS."""


class Login(Struct, frozen=True):
    """Somebody wants to log in. Answer 235 or a refusal."""

    credentials: Credentials


class Sender(Struct, frozen=True):
    """MAIL: may this be the sender? As written; empty for the null reverse-path. Answer 250 or a refusal."""

    address: str
    size: int | None = None
    """The message's size in octets as announced."""


class Recipient(Struct, frozen=True):
    """RCPT: may this be a recipient? As written. Answer 250 or a refusal."""

    address: str


class Message(Struct, frozen=True):
    """The whole transaction: well-formed lines that end in CRLF, for recipients in the order they were named.

    Answer 250 once it cannot be lost any more, or a refusal.
    """

    sender: str
    recipients: tuple[str, ...]
    message: bytes


class StartTls(Struct, frozen=True):
    """Send what is to be sent, do the handshake, and call `secured`. There is no answer to give."""


Event: TypeAlias = Login | Sender | Recipient | Message | StartTls

_UNKNOWN = Reply(500, "5.5.1", "Unknown command")
_NOT_HERE = Reply(502, "5.5.1", "Not implemented")
_LINE_TOO_LONG = Reply(500, "5.5.6", "Line too long")
_BAD_LINE = Reply(500, "5.5.2", "A command is one line of UTF-8 that ends in CRLF")
_OK = Reply(250, "2.0.0", "OK")
_BYE = Reply(221, "2.0.0", "Bye")
_CANNOT_VERIFY = Reply(252, "2.0.0", "Send to it and see")
_HELP = Reply(214, "2.0.0", "EHLO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY QUIT")
_TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors")
_TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients")
_NO_TLS = Reply(502, "5.5.1", "TLS is not available")
_TLS_ALREADY = Reply(503, "5.5.1", "TLS is on already")
_TLS_READY = Reply(220, "2.0.0", "Ready to start TLS")
_TLS_FIRST = Reply(538, "5.7.11", "Encryption is required for authentication: STARTTLS first")
_UNKNOWN_MECHANISM = Reply(504, "5.5.4", "Unknown authentication mechanism")

_DROP_FACTOR = 4
"""A message that is too big is read on to its end, up to this many times the limit; then the session is ended."""


class Server:
    """One session. Begins with a greeting `to_send`."""

    __slots__ = (
        *("_answer", "_asked", "_conversation", "_errors", "_events", "_order", "_out", "_recipients"),
        *("_secure", "_sender", "_stream", "_terms", "_utf8", "state"),
    )

    state: State

    def __init__(self, terms: Terms, *, secure: bool) -> None:
        """`secure`: TLS is on."""
        self._terms = terms
        self._order = OUT_OF_PLACE if terms.login else OUT_OF_PLACE_BETWEEN_RELAYS
        self._secure = secure
        self._stream = Stream()
        self._out = bytearray(f"220 {terms.hostname} ESMTP ready\r\n".encode())
        self._events: list[Event] = []
        self._asked = False
        self._answer: Answer | None = None
        self._errors = 0
        self._sender = ""
        self._recipients: list[str] = []
        self._utf8 = False
        self.state = State.START
        self._conversation = self._converse()

    def receive(self, data: bytes) -> list[Event]:
        """Take what the client sent; return the decision it waits for, if it came to one.

        Call again with `b""` after answering; an empty list means that more bytes are needed.
        """
        if self.state is State.CLOSED or self.state is State.HANDSHAKE:
            return []  # nothing is listened to after the end, and nothing in clear after STARTTLS
        self._stream.feed(data)
        if not self._asked or self._answer is not None:
            next(self._conversation, None)
        events, self._events = self._events, []
        return events

    def reply(self, answer: Answer) -> None:
        """Answer the event that `receive` returned last. A 421 ends the session.

        Raises:
            OurError: nothing was asked.
        """
        if not self._asked or self._answer is not None:
            raise OurError("nothing was asked")
        self._answer = answer

    def secured(self) -> None:
        """TLS is on now: the client begins anew, and nothing it said before counts (RFC 3207, 4.2).

        Raises:
            OurError: there was no StartTls.
        """
        if self.state is not State.HANDSHAKE:
            raise OurError("no STARTTLS")
        self._secure = True
        self.state = State.START

    def close(self, answer: Answer) -> None:
        """End the session from our side, with a 421 that says why. After the end: nothing."""
        if self.state is not State.CLOSED:
            self._say(answer)
            self.state = State.CLOSED

    def to_send(self) -> bytes:
        """Take what is to be sent."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def _converse(self) -> Parser[None]:
        while True:
            try:
                yield from self._command()
            except Refusal as refusal:
                self._fail(refusal.reply)
            while self.state is State.CLOSED or self.state is State.HANDSHAKE:
                self._stream.clear()
                yield

    def _command(self) -> Parser[None]:
        verb, _, argument = _decode((yield from self._line())).partition(" ")
        verb = verb.upper()
        obey = _COMMANDS.get(verb)
        if obey is None:
            raise Refusal(_UNKNOWN)
        refusal = self._order.get(verb, {}).get(self.state)
        if refusal is None:
            asking = obey(self, argument.strip(" "))
            if asking is not None:
                yield from asking
        elif (verb, self.state) in FORGIVEN:
            self._say(refusal)
        else:
            raise Refusal(refusal)

    def _line(self) -> Parser[bytes]:
        """One line without its end."""
        try:
            line = yield from self._stream.line(self._terms.line)
        except LineTooLong:
            yield from self._stream.drop_line()
            raise Refusal(_LINE_TOO_LONG) from None
        text = line[:-2]
        if not line.endswith(b"\r\n") or CR in text or NUL in text:
            raise Refusal(_BAD_LINE)
        return text

    def _ask(self, event: Event) -> Parser[Answer]:
        """Hand an event out and wait for its answer, which is then said."""
        self._events.append(event)
        self._asked = True
        while self._answer is None:
            yield
        answer, self._answer, self._asked = self._answer, None, False
        self._say(answer)
        return answer

    def _say(self, answer: Answer) -> None:
        self._out += spell(answer)
        if answer.code == 421:
            self.state = State.CLOSED

    def _fail(self, answer: Answer) -> None:
        """Say what the client did wrong, and count it."""
        self._say(answer)
        self._count_error()

    def _count_error(self) -> None:
        self._errors += 1
        if self._errors >= self._terms.errors and self.state is not State.CLOSED:
            self._say(_TOO_MANY_ERRORS)

    def _reset(self) -> None:
        """Forget the transaction, if there is one."""
        self._sender, self._recipients = "", []
        if self.state in LOGGED_IN:
            self.state = State.READY

    def _ehlo(self, argument: str) -> None:
        parse_hello(argument)
        self._hello()
        lines = [self._terms.hostname, "PIPELINING", f"SIZE {self._terms.size}"]
        if self._secure and self._terms.login:
            lines.append(f"AUTH {' '.join(MECHANISMS)}")
        elif self._terms.starttls and not self._secure:
            lines.append("STARTTLS")
        self._out += multiline(250, [*lines, "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8"])

    def _helo(self, argument: str) -> None:
        parse_hello(argument)
        self._hello()
        self._out += multiline(250, [self._terms.hostname])

    def _hello(self) -> None:
        self._reset()
        if self.state is State.START:
            self.state = State.GREETED if self._terms.login or not self._secure else State.READY

    def _starttls(self, argument: str) -> None:
        parse_nothing(argument)
        if self._secure:
            raise Refusal(_TLS_ALREADY)
        if not self._terms.starttls:
            raise Refusal(_NO_TLS)
        self._say(_TLS_READY)
        self._events.append(StartTls())
        self.state = State.HANDSHAKE

    def _auth(self, argument: str) -> Parser[None]:
        """`AUTH SP sasl-mech [SP initial-response]` (RFC 4954, 4)."""
        if not self._secure:
            raise Refusal(_TLS_FIRST)
        mechanism, _, initial = argument.partition(" ")
        try:
            exchange = Exchange(mechanism, initial.encode() or None)
            while (credentials := exchange.credentials) is None:
                self._out += b"334 " + exchange.challenge + b"\r\n"
                exchange.receive((yield from self._line()))
        except UnknownMechanism:
            raise Refusal(_UNKNOWN_MECHANISM) from None
        except Cancelled as error:
            raise Refusal(Reply(501, "5.7.0", str(error))) from None
        except SaslError as error:
            raise Refusal(Reply(501, "5.5.2", str(error))) from None
        answer = yield from self._ask(Login(credentials))
        if _accepted(answer):
            self.state = State.READY
        else:
            self._count_error()

    def _mail(self, argument: str) -> Parser[None]:
        mail = parse_mail(argument)
        if mail.size is not None and mail.size > self._terms.size:
            self._say(TOO_BIG)
            self.state = State.REFUSED
            return
        answer = yield from self._ask(Sender(mail.address, mail.size))
        if _accepted(answer):
            self._sender, self._utf8 = mail.address, mail.utf8
            self.state = State.SENDER
        elif self.state is not State.CLOSED:
            self.state = State.REFUSED

    def _rcpt(self, argument: str) -> Parser[None]:
        address = parse_recipient(argument, utf8=self._utf8, hostname=self._terms.hostname)
        if len(self._recipients) >= self._terms.recipients:
            self._say(_TOO_MANY_RECIPIENTS)
            return
        if _accepted((yield from self._ask(Recipient(address)))):
            self._recipients.append(address)
            self.state = State.RECIPIENTS

    def _data(self, argument: str) -> Parser[None]:
        parse_nothing(argument)
        self._out += b"354 End data with <CR><LF>.<CR><LF>\r\n"
        self.state = State.DATA
        data = Data(self._terms.size)
        while (rest := data.receive(self._stream.clear())) is None:
            if data.dropped > _DROP_FACTOR * self._terms.size:
                self.close(TOO_BIG)
                return
            yield
        self._stream.feed(rest)
        sender, recipients = self._sender, tuple(self._recipients)
        refusal = data.refusal
        if refusal is None:
            message = data.message()
            del data
            yield from self._ask(Message(sender, recipients, message))
        else:
            self._fail(refusal)
        if self.state is State.DATA:
            self.state = State.READY
            self._reset()

    def _rset(self, argument: str) -> None:
        parse_nothing(argument)
        self._reset()
        self._say(_OK)

    def _noop(self, _argument: str) -> None:
        self._say(_OK)

    def _vrfy(self, _argument: str) -> None:
        self._say(_CANNOT_VERIFY)

    def _help(self, _argument: str) -> None:
        self._say(_HELP)

    def _expn(self, _argument: str) -> None:
        raise Refusal(_NOT_HERE)

    def _quit(self, argument: str) -> None:
        parse_nothing(argument)
        self.close(_BYE)


_COMMANDS: dict[str, Callable[[Server, str], Parser[None] | None]] = {
    "EHLO": Server._ehlo,
    "HELO": Server._helo,
    "STARTTLS": Server._starttls,
    "AUTH": Server._auth,
    "MAIL": Server._mail,
    "RCPT": Server._rcpt,
    "DATA": Server._data,
    "RSET": Server._rset,
    "NOOP": Server._noop,
    "VRFY": Server._vrfy,
    "HELP": Server._help,
    "EXPN": Server._expn,
    "QUIT": Server._quit,
}


def _accepted(answer: Answer) -> bool:
    return answer.code // 100 == 2


def _decode(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise Refusal(_BAD_LINE) from None
