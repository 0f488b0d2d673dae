"""Who else comes to a relay in a day: those without a password, without manners, without patience; and the new ones.

Each visit is a connection of its own, and what has to come of it is known: a wrong password is refused, a new account
opens, a deleted one does not open any more, who writes to nobody is refused or gets the message back. What came
otherwise is counted as wrong. Those without manners may be answered or cut off; no visit may leave anything behind.
"""

import random
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from urllib.parse import urlencode

from angarium.lab.load.connection import Address, Connection, Refused, Script
from angarium.lab.load.imap import Imap
from angarium.lab.load.letter import Letter
from angarium.lab.load.smtp import Smtp, envelope
from angarium.lab.load.stage import Stage
from angarium.lab.load.target import Account

__all__ = ["Visitors"]

PATIENCE = 40.0
"""Seconds after which a visit that has not come to its end is wrong."""
SILENT = 15.0
"""Seconds for which a connection is open without a word."""
STRAYS = 16
"""Accounts that write to nobody."""
BACK = 20
"""How often they look whether a message has come back."""
LONG = 200_000
"""Bytes of a line that is longer than any server takes."""
MANY = 40
"""Errors on one connection."""


@dataclass
class Visitors:
    """All that come in one run."""

    stage: Stage
    known: list[Account]
    """People whose passwords are guessed."""
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    why: str = ""
    """What was wrong first."""
    _open: dict[Connection | socket.socket, None] = field(default_factory=dict)
    _strays: Iterator[Account] = field(init=False)
    _letter: Letter = field(default_factory=lambda: Letter.of("", 1536))
    _count: int = 0

    def __post_init__(self) -> None:
        self._strays = cycle([Account.new(self.stage.target.domain) for _ in range(STRAYS)])

    @property
    def there(self) -> int:
        """Connections of all of them."""
        return len(self._open)

    @property
    def silent(self) -> int:
        """Connections that nobody listens to."""
        return sum(isinstance(one, socket.socket) for one in self._open)

    def guess(self) -> None:
        """Somebody tries a password that is wrong."""
        script = partial(_in_vain, self.chance.choice(self.known), secrets.token_urlsafe(12))
        self._visit("wrong passwords", script)

    def join(self) -> None:
        """Somebody makes an account, and stays."""
        self._visit("new accounts", partial(_enter, Account.new(self.stage.target.domain)))

    def pass_through(self) -> None:
        """Somebody makes an account and deletes it, on the page for that; then it must not open."""
        account = Account.new(self.stage.target.domain)

        def made() -> None:
            self._visit("deletions", partial(_delete, account), again, self.stage.target.https)

        def again() -> None:
            self._visit("logins to deleted accounts", partial(_in_vain, account, account.password))

        self._visit("new accounts", partial(_enter, account), made)

    def stray(self) -> None:
        """Somebody writes to a name that nobody has: it is refused, or comes back."""
        account, nobody = next(self._strays), Account.new(self.stage.target.domain).address

        def look() -> None:
            self._visit("returned messages", partial(_returned, account))

        def refused(error: Exception | None) -> bool:
            if isinstance(error, Refused):
                self.done["refused messages"] += 1
            return isinstance(error, Refused)

        letter = self._letter.by(account.address).marked(secrets.token_hex(16).encode())
        script = partial(_write, account, nobody, letter)
        self._visit("messages to nobody", script, look, self.stage.target.submissions, refused)

    def offend(self) -> None:
        """Somebody does not keep to the protocol."""
        target = self.stage.target
        kinds = [(script, target.imaps) for script in (_babble, _rush, _huge, _endless)]
        kinds += [(script, target.submissions) for script in (_unasked, _half, _endless)]
        script, port = self.chance.choice(kinds)
        account = next(self._strays)
        self._visit("protocol errors", partial(script, account), None, port, lambda error: error is not None)

    def stall(self) -> None:
        """Somebody opens a connection, and says nothing; before the handshake or after it."""
        target = self.stage.target
        address = (target.host, self.chance.choice((target.imaps, target.submissions)))
        self.done["silent connections"] += 1
        if self.chance.random() < 0.5:
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address)
            self._open[one] = None
            self._after(SILENT, partial(self._close, one))
        else:
            connection = self._connection(address)
            connection.start(_silence(connection), lambda _: self._gone(connection))
            self._after(SILENT, partial(self._gone, connection))

    def leave(self) -> None:
        """Whoever is still there goes."""
        for one in [*self._open]:
            self._close(one) if isinstance(one, socket.socket) else self._gone(one)

    def _visit(
        self,
        what: str,
        script: Callable[[Connection], Script[None]],
        then: Callable[[], None] | None = None,
        port: int = 0,
        allowed: Callable[[Exception | None], bool] = lambda _: False,
    ) -> None:
        """One connection for a script; `then` follows where it came to its end, and other ends may be allowed."""
        connection = self._connection((self.stage.target.host, port or self.stage.target.imaps))

        def ended(error: Exception | None) -> None:
            self._open.pop(connection, None)
            self.done[what] += 1
            if error is None and then:
                then()
            elif error is not None and not allowed(error):
                self._tell(f"{what}: {error}")

        def over() -> None:
            if connection in self._open:
                self._gone(connection)
                self._tell(f"{what}: no end after {PATIENCE:.0f} s")

        connection.start(script(connection), ended)
        self._after(PATIENCE, over)

    def _connection(self, address: Address) -> Connection:
        self._count += 1
        connection = Connection(self.stage.poll, address, self.stage.target.source(self._count % 20_000))
        self._open[connection] = None
        return connection

    def _after(self, seconds: float, work: Callable[[], None]) -> None:
        self.stage.poll.at(time.monotonic() + seconds, work)

    def _gone(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        connection.abort()

    def _close(self, one: socket.socket) -> None:
        self._open.pop(one, None)
        one.close()

    def _tell(self, why: str) -> None:
        self.wrong += 1
        self.why = self.why or why


def _in_vain(account: Account, password: str, connection: Connection) -> Script[None]:
    imap = Imap(connection)
    yield from imap.greeting()
    try:
        yield from imap.login(account.address, password)
    except Refused:
        return
    raise Refused("they were let in")


def _enter(account: Account, connection: Connection) -> Script[None]:
    imap = Imap(connection)
    yield from imap.greeting()
    yield from imap.login(account.address, account.password)
    yield from imap.select()


def _delete(account: Account, connection: Connection) -> Script[None]:
    form = urlencode({"name": account.address.partition("@")[0], "password": account.password, "sure": "yes"})
    host = account.address.partition("@")[2]
    connection.write(
        f"POST /delete HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\n\r\n{form}".encode()
    )
    answer = yield _line
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise Refused(answer.decode(errors="replace").strip())


def _write(account: Account, to: str, message: bytes, connection: Connection) -> Script[None]:
    smtp = Smtp(connection)
    yield from smtp.login(account.address, account.password)
    yield from smtp.send(envelope(account.address, [to]), message)


def _returned(account: Account, connection: Connection) -> Script[None]:
    """What has come back to somebody; it is deleted."""
    imap = Imap(connection)
    yield from imap.greeting()
    yield from imap.login(account.address, account.password)
    for _ in range(BACK):
        yield from imap.select()
        if imap.there > 1 and (uids := (yield from imap.prefetch())):
            yield from imap.delete(b",".join(b"%d" % uid for uid in uids))
            return
    raise Refused("a message to nobody did not come back")


def _babble(_: Account, connection: Connection) -> Script[None]:
    """Commands that there are not, until cut off."""
    yield _line
    for number in range(MANY):
        connection.write(b"x%d NOSUCH command\r\n" % number)
        yield _line


def _rush(_: Account, connection: Connection) -> Script[None]:
    """Commands before the login, all at once, and gone before the answers."""
    yield _line
    connection.write(b"a SELECT INBOX\r\nb UID FETCH 1:* (FLAGS)\r\nc IDLE\r\n" * 5)
    yield _line


def _huge(account: Account, connection: Connection) -> Script[None]:
    """Literals that are announced and never come."""
    imap = Imap(connection)
    yield from imap.greeting()
    yield from imap.login(account.address, account.password)
    connection.write(b"z APPEND INBOX {2000000}\r\n")
    yield _line
    connection.write(b"x" * LONG)


def _endless(_: Account, connection: Connection) -> Script[None]:
    """A line that hardly ends."""
    yield _line
    connection.write(b"y" * LONG + b"\r\n")
    yield _line


def _unasked(_: Account, connection: Connection) -> Script[None]:
    """Mail without a login."""
    yield _line
    connection.write(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<somebody@nowhere.invalid>\r\nDATA\r\n")
    while not (yield _line).startswith(b"5"):
        pass


def _half(account: Account, connection: Connection) -> Script[None]:
    """A message of which half comes, and then nobody."""
    smtp = Smtp(connection)
    yield from smtp.login(account.address, account.password)
    connection.write(envelope(account.address, [account.address]))
    while not (yield _line).startswith(b"354"):
        pass
    connection.write(b"From: <" + account.address.encode() + b">\r\n\r\n" + b"half a line" * 5000)


def _silence(_: Connection) -> Script[None]:
    while True:
        yield _line


def _line(buffer: bytes) -> int:
    return buffer.find(b"\n") + 1
