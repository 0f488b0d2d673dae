"""People who log in: those who come back, and those who make an account by it.

A login is a new connection, its handshake, and LOGIN answered; then they go without a word. So many come at a time, the
next one when one has gone.
"""

import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle

from angarium.lab.load.connection import Connection, Script
from angarium.lab.load.imap import Imap
from angarium.lab.load.quantiles import Durations
from angarium.lab.load.report import Logins, latency
from angarium.lab.load.stage import BUSY, Line, Stage
from angarium.lab.load.target import Account

__all__ = ["Login"]

WARM = 0.5


@dataclass(frozen=True)
class Login:
    """What is to be measured."""

    seconds: float = 10.0
    at_once: int = 8
    accounts: int = 200
    """People who come back."""
    resume: bool = False
    """Whether they go on with the TLS session of the last time, as the apps do."""

    def run(self, stage: Stage, done: Callable[[Line], None], withheld: Callable[[str], None]) -> None:
        """Measure. Raises LoadFailed."""
        known = stage.target.people(self.accounts)
        for device in stage.receivers(self.accounts):
            device.leave()
        kinds: list[tuple[str, Iterator[Account]]] = [("returning", cycle(known))]
        if stage.target.domain:
            kinds.append(("new", _strangers(stage.target.domain)))
        for number, (kind, people) in enumerate(kinds):
            stage.tell(number / len(kinds), f"{kind} people log in")
            visits = _Visits(stage, people, resume=self.resume)
            visits.begin(self.at_once)
            stage.poll.rest(WARM)
            visits.durations = Durations()
            gauge = stage.gauge()
            stage.poll.rest(self.seconds)
            spent, durations = gauge.read(), visits.durations
            visits.end()
            if spent.generator_busy >= BUSY:
                withheld(f"{kind} logins: the generator was busy for {spent.generator_busy:.0%} of the time")
                continue
            server, count = spent.server_cpu_seconds, durations.count
            done(
                Logins(
                    mode="login",
                    kind=kind,
                    logins=count,
                    failed=visits.failed,
                    logins_per_second=round(count / spent.seconds, 1),
                    login_ms=latency(durations),
                    server_cpu_ms=round(server * 1000 / count, 3) if server is not None and count else None,
                    spent=spent,
                    why=visits.why,
                )
            )


def _strangers(domain: str) -> Iterator[Account]:
    while True:
        yield Account.new(domain)


@dataclass
class _Visits:
    """One after the other, so many at a time."""

    stage: Stage
    people: Iterator[Account]
    resume: bool
    durations: Durations = field(default_factory=Durations)
    failed: int = 0
    why: str = ""
    _open: dict[Connection, None] = field(default_factory=dict)
    _sessions: dict[str, ssl.SSLSession | None] = field(default_factory=dict)
    _number: int = 0

    def begin(self, at_once: int) -> None:
        """Come."""
        for _ in range(at_once):
            self._come()

    def end(self) -> None:
        """Come no more, and go."""
        for connection in [*self._open]:
            connection.abort()
        self._open.clear()

    def _come(self) -> None:
        target, account, began = self.stage.target, next(self.people), time.monotonic()
        self._number += 1
        resumed = self._sessions.get(account.address) if self.resume else None
        connection = Connection(
            self.stage.poll, (target.host, target.imaps), target.source(self._number % 20_000), resumed
        )
        self._open[connection] = None

        def ended(error: Exception | None) -> None:
            if error is None:
                self.durations.add(time.monotonic() - began)
                self._sessions[account.address] = connection.session if self.resume else None
            else:
                self.failed += 1
                self.why = self.why or str(error)
            if self._open.pop(connection, True) is None:
                self.stage.poll.soon(self._come)

        connection.start(_visit(connection, account), ended)


def _visit(connection: Connection, account: Account) -> Script[None]:
    imap = Imap(connection)
    yield from imap.greeting()
    yield from imap.login(account.address, account.password)
