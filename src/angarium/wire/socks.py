"""The server's side of SOCKS5 with a user's name and a password: who asks, and where to.

Refuses to know who is let through and where: that is asked of the caller, one question at a time, and nothing behind
the question is read before it is answered. Only CONNECT is spoken, and only with a password.

The way in which SOCKS5 writes an address is Shadowsocks' too (`read_goal`). What it names is given as HOST:PORT, so
that `wire.connect.target` judges it as it judges any other; a name that is no ASCII is no goal.

RFC 1928 (SOCKS5); RFC 1929 (user and password).
"""

import contextlib
import ipaddress
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto

from angarium.wire.stream import Parser, Stream

__all__ = ["VERSION", "Ask", "BadGoal", "Login", "Reply", "Server", "State", "read_goal"]

VERSION = 5
PASSWORD, NONE_OF_THESE = 2, 255
LOGIN_VERSION = 1
CONNECT = 1
IPV4, NAME, IPV6 = 1, 3, 4
NO_ADDRESS = bytes((IPV4, 0, 0, 0, 0, 0, 0))
"""What stands for the address that we would dial from, which is nobody's business."""


class Reply(IntEnum):
    """What may be said to a request."""

    GRANTED = 0
    NOT_ALLOWED = 2
    NO_SUCH_COMMAND = 7
    NO_SUCH_ADDRESS_TYPE = 8


class State(Enum):
    """Where the dialog is."""

    READING = auto()
    ASKED = auto()
    """The caller has to answer before anything more is read."""
    OPEN = auto()
    """Granted: what comes from now on is for the other side."""
    OVER = auto()
    """Refused: what is left to send is the last."""


class BadGoal(ValueError):
    """An address of no known type, or a name that is none. `reply` is what SOCKS5 says to it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.name)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody says who he is."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody wants to reach HOST:PORT."""

    authority: str


class Server:
    """One dialog. `receive` gives the next question, `reply` answers it."""

    def __init__(self) -> None:
        self.state = State.READING
        self._stream = Stream()
        self._out = bytearray()
        self._question: Login | Ask | None = None
        self._yes = False
        self._dialog = self._talk()

    def receive(self, data: bytes) -> Login | Ask | None:
        """Take what the client sent; give the question that is to be answered now, if there is one."""
        self._stream.feed(data)
        if self.state is State.READING:
            with contextlib.suppress(StopIteration):
                next(self._dialog)
        asked, self._question = self._question, None
        return asked

    def reply(self, *, yes: bool) -> None:
        """Let somebody in, or to where he wants; or not."""
        assert self.state is State.ASKED
        self._yes = yes
        self.state = State.READING
        with contextlib.suppress(StopIteration):
            next(self._dialog)

    def to_send(self) -> bytes:
        """What is to be sent now; it is then forgotten."""
        said = bytes(self._out)
        self._out.clear()
        return said

    def rest(self) -> bytes:
        """What has come behind the dialog; it is then forgotten."""
        return self._stream.clear()

    def _talk(self) -> Parser[None]:
        version, count = yield from self._stream.exactly(2)
        methods = (yield from self._stream.exactly(count)) if version == VERSION else b""
        if version != VERSION:
            self._end(b"")
            return
        if PASSWORD not in methods:
            self._end(bytes((VERSION, NONE_OF_THESE)))
            return
        self._out += bytes((VERSION, PASSWORD))
        login = yield from self._login()
        if login is not None:
            yield from self._ask(login)
        if login is None or not self._yes:
            self._end(bytes((LOGIN_VERSION, 1)))
            return
        self._out += bytes((LOGIN_VERSION, 0))
        yield from self._request()

    def _login(self) -> Parser[Login | None]:
        version, length = yield from self._stream.exactly(2)
        if version != LOGIN_VERSION:
            return None
        user = yield from self._stream.exactly(length)
        (length,) = yield from self._stream.exactly(1)
        password = yield from self._stream.exactly(length)
        try:
            return Login(user.decode(), password.decode())
        except UnicodeDecodeError:
            return None

    def _request(self) -> Parser[None]:
        version, command, _ = yield from self._stream.exactly(3)
        if version != VERSION or command != CONNECT:
            self._refuse(Reply.NO_SUCH_COMMAND)
            return
        read = bytearray()
        try:
            while (goal := read_goal(read)) is None:
                read += yield from self._stream.exactly(1)
        except BadGoal as bad:
            self._refuse(bad.reply)
            return
        yield from self._ask(Ask(goal[0]))
        if not self._yes:
            self._refuse(Reply.NOT_ALLOWED)
            return
        self._out += bytes((VERSION, Reply.GRANTED, 0)) + NO_ADDRESS
        self.state = State.OPEN

    def _ask(self, question: Login | Ask) -> Parser[None]:
        self._question = question
        self.state = State.ASKED
        yield

    def _refuse(self, reply: Reply) -> None:
        self._end(bytes((VERSION, reply, 0)) + NO_ADDRESS)

    def _end(self, words: bytes) -> None:
        self._out += words
        self.state = State.OVER


def read_goal(data: bytes | bytearray) -> tuple[str, int] | None:
    """An address and a port as they begin these octets: HOST:PORT, and how many octets; None: there must follow more.

    Raises:
        BadGoal: see there.
    """
    if not data:
        return None
    kind = data[0]
    if kind not in (IPV4, NAME, IPV6):
        raise BadGoal(Reply.NO_SUCH_ADDRESS_TYPE)
    if kind == NAME and len(data) < 2:
        return None
    begin, length = (2, data[1]) if kind == NAME else (1, 4 if kind == IPV4 else 16)
    end = begin + length
    if len(data) < end + 2:
        return None
    port = int.from_bytes(data[end : end + 2])
    return f"{_host(kind, bytes(data[begin:end]))}:{port}", end + 2


def _host(kind: int, written: bytes) -> str:
    if kind == NAME:
        try:
            return written.decode("ascii")
        except UnicodeDecodeError:
            raise BadGoal(Reply.NOT_ALLOWED) from None
    return f"[{ipaddress.IPv6Address(written)}]" if kind == IPV6 else str(ipaddress.IPv4Address(written))
