"""The client's side of SMTP (RFC 5321) as a pure machine, for benchmarks and for sending to other relays.

`request` something, send what `to_send` gives, feed what comes back to `receive` until the request is Done. It knows
how to speak, and refuses to know to whom and how often to try again.

A transaction is pipelined where the server offers it (RFC 2920): MAIL, every RCPT and DATA leave in one write; the
message leaves once all of them are answered and at least one recipient was accepted.
"""

import base64
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from angarium.wire.address import Address
from angarium.wire.smtp.data import stuff
from angarium.wire.smtp.errors import OurError, TheirError
from angarium.wire.smtp.replies import Reply
from angarium.wire.stream import LineTooLong, Parser, Stream

__all__ = ["Client", "ClientState", "Done", "Greeting", "Hello", "Login", "Quit", "Request", "StartTls", "Submit"]

_LINE_BYTES = 4096
_REPLY_LINES = 256
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(?:([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$))?(.*))?")


class ClientState(Enum):
    """What the client may do now."""

    GREETING = "waiting for the server's greeting"
    IDLE = "a request may be made"
    BUSY = "waiting for the answer to a request"
    CLOSED = "the server has ended the session, or speaks no SMTP"


@dataclass(frozen=True, slots=True)
class Hello:
    """EHLO. Done tells what the server can do in `Client.extensions`; to be repeated once TLS is on."""

    name: str = "localhost"


@dataclass(frozen=True, slots=True)
class StartTls:
    """STARTTLS: if it is Done with 220, do the handshake and say Hello again."""


@dataclass(frozen=True, slots=True)
class Login:
    """AUTH by PLAIN, or LOGIN where that alone is offered."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Submit:
    """A message, lines ending in CRLF, from a sender ("" for none: bounces) to at least one recipient."""

    sender: str
    recipients: tuple[str, ...]
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quit:
    """QUIT: once it is Done, close."""


Request: TypeAlias = Hello | StartTls | Login | Submit | Quit


@dataclass(frozen=True, slots=True)
class Greeting:
    """The server's first word. Without a 220, go away."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to a request."""

    request: Request
    reply: Reply
    """The reply that decides. For Submit: a refusal of the sender, or of the first recipient if all were refused, or of
    DATA; otherwise the reply to the message."""
    recipients: tuple[Reply, ...] = ()
    """For Submit: the reply to each recipient. Only those accepted get the message; none, if MAIL was refused."""


class Client:
    """One session with a server, from its greeting on."""

    __slots__ = ("_conversation", "_events", "_out", "_request", "_stream", "_stuffed", "extensions", "state")

    state: ClientState
    extensions: dict[str, str]
    """What the server answered to the last Hello: keyword in upper case to parameters."""

    def __init__(self) -> None:
        self._stream = Stream()
        self._out = bytearray()
        self._events: list[Greeting | Done] = []
        self._request: Request | None = None
        self._stuffed = b""
        self.extensions = {}
        self.state = ClientState.GREETING
        self._conversation = self._converse()

    def request(self, request: Request) -> None:
        """Begin a request.

        Raises:
            OurError: the greeting, or the answer to the request before, is still to come; or the session is over.
            ValueError: the request cannot be said in SMTP, or not to this server: a bad address or name, an address
                that needs SMTPUTF8, a message with bare line ends or NUL, a login without AUTH.
        """
        if self.state is not ClientState.IDLE:
            raise OurError(f"cannot request now: {self.state.value}")
        self._prepare(request)
        self._request = request
        self.state = ClientState.BUSY
        next(self._conversation)

    def receive(self, data: bytes) -> list[Greeting | Done]:
        """Take what the server sent.

        Raises:
            TheirError: see there.
        """
        if self.state is ClientState.CLOSED:
            return []
        self._stream.feed(data)
        try:
            next(self._conversation)
        except TheirError:
            self.state = ClientState.CLOSED
            if not self._events:  # an answer that came before is not lost; the state tells the rest
                raise
        events, self._events = self._events, []
        return events

    def to_send(self) -> bytes:
        """Take what is to be sent."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def _converse(self) -> Parser[None]:
        greeting = yield from self._reply()
        self._events.append(Greeting(greeting))
        self._rest()
        while True:
            while self._request is None:
                if self._stream and self.state is ClientState.IDLE:
                    yield from self._unasked()
                yield
            done = yield from self._speak(self._request)
            self._events.append(done)
            self._request = None
            self._rest()

    def _rest(self) -> None:
        if self.state is not ClientState.CLOSED:
            self.state = ClientState.IDLE

    def _speak(self, request: Request) -> Parser[Done]:
        match request:
            case Hello():
                return (yield from self._hello(request))
            case StartTls():
                return (yield from self._starttls(request))
            case Login():
                return (yield from self._login(request))
            case Submit():
                return (yield from self._submit(request))
            case Quit():
                return Done(request, (yield from self._command("QUIT")))

    def _unasked(self) -> Parser[None]:
        """A server may say 421 at any time (RFC 5321, 3.8), and nothing else unasked."""
        reply = yield from self._reply()
        if reply.code != 421:
            raise TheirError("a reply to nothing")

    def _hello(self, request: Hello) -> Parser[Done]:
        reply = yield from self._command(f"EHLO {request.name}")
        words = [line.split() for line in reply.text.splitlines()[1:]] if reply.accepted else []
        self.extensions = {keyword.upper(): " ".join(rest) for keyword, *rest in filter(None, words)}
        return Done(request, reply)

    def _starttls(self, request: StartTls) -> Parser[Done]:
        reply = yield from self._command("STARTTLS")
        if reply.accepted:
            self.extensions = {}
            if self._stream.clear():
                raise TheirError("bytes in clear after STARTTLS")
        return Done(request, reply)

    def _login(self, request: Login) -> Parser[Done]:
        if "PLAIN" in self._mechanisms():
            response = _base64(f"\0{request.username}\0{request.password}")
            return Done(request, (yield from self._command(f"AUTH PLAIN {response}")))
        reply = yield from self._command("AUTH LOGIN")
        for answer in (request.username, request.password):
            if reply.code == 334:
                reply = yield from self._command(_base64(answer))
        return Done(request, reply)

    def _submit(self, request: Submit) -> Parser[Done]:
        commands = [self._mail_command(request), *(f"RCPT TO:<{address}>" for address in request.recipients), "DATA"]
        replies = yield from (self._together(commands) if "PIPELINING" in self.extensions else self._in_turn(commands))
        recipients = tuple(replies[1 : len(commands) - 1])
        wanted = replies[0].accepted and any(reply.accepted for reply in recipients)
        decisive = replies[-1] if wanted else next(reply for reply in replies if not reply.accepted)
        if len(replies) == len(commands) and replies[-1].accepted:
            raise TheirError("an acceptance before there was a message")
        if len(replies) == len(commands) and replies[-1].code == 354:
            self._out += self._stuffed if wanted else b".\r\n"
            answer = yield from self._reply()
            decisive = answer if wanted else decisive
        self._stuffed = b""
        return Done(request, decisive, recipients if replies[0].accepted else ())

    def _together(self, commands: list[str]) -> Parser[list[Reply]]:
        self._out += "".join(f"{command}\r\n" for command in commands).encode()
        replies: list[Reply] = []
        while len(replies) < len(commands):
            replies.append((yield from self._reply()))
            if self.state is ClientState.CLOSED:
                break
        return replies

    def _in_turn(self, commands: list[str]) -> Parser[list[Reply]]:
        """One by one; DATA only where somebody is to get it."""
        replies: list[Reply] = []
        for command in commands:
            if command == "DATA" and not any(reply.accepted for reply in replies[1:]):
                break
            replies.append((yield from self._command(command)))
            if self.state is ClientState.CLOSED or not replies[0].accepted:
                break
        return replies

    def _command(self, line: str) -> Parser[Reply]:
        self._out += f"{line}\r\n".encode()
        return (yield from self._reply())

    def _reply(self) -> Parser[Reply]:
        code = enhanced = b""
        texts: list[str] = []
        while len(texts) < _REPLY_LINES:
            try:
                line = yield from self._stream.line(_LINE_BYTES)
            except LineTooLong:
                raise TheirError("a reply line too long") from None
            found = _LINE.fullmatch(line.rstrip(b"\r\n"))
            if found is None or (code and found[1] != code):
                raise TheirError("not a reply")
            code, enhanced = found[1], found[3] or enhanced
            texts.append((found[4] or b"").decode(errors="replace"))
            if found[2] != b"-":
                if code == b"221" and not isinstance(self._request, Quit):
                    raise TheirError("a goodbye to something else than QUIT")
                if code in (b"221", b"421"):
                    self.state = ClientState.CLOSED
                return Reply(int(code), enhanced.decode(), "\n".join(texts))
        raise TheirError("a reply without end")

    def _mail_command(self, request: Submit) -> str:
        command = f"MAIL FROM:<{request.sender}>"
        if "SIZE" in self.extensions:
            command += f" SIZE={len(request.message)}"
        if "8BITMIME" in self.extensions:
            command += " BODY=8BITMIME"
        return command + " SMTPUTF8" if "SMTPUTF8" in self.extensions and _wide(request) else command

    def _mechanisms(self) -> list[str]:
        return self.extensions.get("AUTH", "").upper().split()

    def _prepare(self, request: Request) -> None:
        match request:
            case Hello(name) if not name or not name.isprintable() or " " in name:
                raise ValueError("not a host's name")
            case Login(username, password):
                if not {"PLAIN", "LOGIN"} & set(self._mechanisms()):
                    raise ValueError("the server offers no way to log in")
                if "\0" in username + password:
                    raise ValueError("NUL in a name or password")
            case Submit(sender, recipients, message):
                if not recipients:
                    raise ValueError("no recipients")
                for address in (sender, *recipients) if sender else recipients:
                    Address.parse(address)
                    if not address.isascii() and "SMTPUTF8" not in self.extensions:
                        raise ValueError("an address that needs SMTPUTF8")
                self._stuffed = stuff(message)


def _wide(request: Submit) -> bool:
    """Whether a message is one for SMTPUTF8. What is not should not say so (RFC 6531, 3.4): a server may bring it only
    to such as know that extension too."""
    envelope = (request.sender, *request.recipients)
    return not (request.message.isascii() and all(address.isascii() for address in envelope))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
