"""By which door somebody comes at one with TLS, as his first words tell: the https port is shared."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from angarium.edge.decoy import hello
from angarium.edge.decoy.prompt import Decoy
from angarium.edge.decoy.session import HEAD_SECONDS, greet, rehearse
from angarium.edge.listener import Door
from angarium.edge.mux import PROTOCOLS, first_words
from angarium.edge.settings import Decoy as DecoySettings
from angarium.edge.settings import Listen
from angarium.edge.threshold import Begins
from angarium.reach.transport import Connection

__all__ = ["IN_CLEAR", "Entrance"]

IN_CLEAR = {name: Door(f"clear {name}", "", 0, tls=False) for name in ("imap", "smtp", "http", "socks")}
"""The doors of those who begin in clear on the https port, by what they speak."""
TLS = 22
MAIL: frozenset[str] = frozenset(PROTOCOLS[:2])
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entrance:
    """Of one relay (`edge.threshold.Admit`)."""

    listen: Listen
    settings: DecoySettings
    decoy: Decoy | None
    """What strangers see; None: there is no decoy."""
    ports: Callable[[], Mapping[str, int]]
    timeout: float
    """For the client's first words, in seconds."""
    http: Decoy | None = None
    """What strangers see without TLS, on the port of its own."""

    def waits(self, door: Door) -> bool:
        """Not where who says nothing is greeted."""
        return not (self._takes_clear(door) and self._greeting(door))

    def begins(self, door: Door, connection: Connection) -> Begins:
        """Whether it is TLS, and with a decoy, whether nginx would take it too, or what else nginx says to it."""
        clear = self._takes_clear(door)
        if self.compared(door):
            begins = hello.begins(connection, alpn=self._mail)
            return Begins.UNCLEAR if clear and begins is Begins.GREETED else begins
        return Begins.TLS if not clear or connection.glimpse(1) == bytes((TLS,)) else Begins.UNCLEAR

    async def come(self, door: Door, connection: Connection) -> Door:
        """See `edge.threshold.Admit`."""
        if self._takes_clear(door):
            spoken = await first_words(connection, timeout=self.timeout, greet=self._greeting(door))
            if spoken != "tls":
                return self._in_clear(spoken)
        if door.name == "https" and self.decoy is not None:
            await hello.admit(connection, self.decoy, alpn=self._mail, timeout=self.timeout)
        return door

    def patience(self, door: Door, connection: Connection) -> float:
        """See `edge.threshold.Admit`: with a decoy, whoever does not want mail speaks first."""
        https = self.compared(door) and connection.alpn not in MAIL
        return HEAD_SECONDS if https or (door.name == "http" and self.http is not None) else 0

    def compared(self, door: Door) -> bool:
        """With a web server, where it looks like one."""
        return door.name == "https" and self.decoy is not None

    def rehearse(self, door: Door, *, soon: bool) -> None:
        """See `edge.threshold.Admit`."""
        if self.decoy is not None:
            rehearse(self.decoy, soon=soon)

    def greet(self, door: Door, connection: Connection) -> Coroutine[Any, Any, None] | None:
        """See `edge.threshold.Admit`."""
        decoy = self.decoy if door.name == "https" else self.http
        assert decoy is not None
        if door.tls and not connection.secure:
            return hello.greet_in_clear(connection, decoy)
        return greet(connection, decoy)

    @property
    def _mail(self) -> frozenset[str]:
        return MAIL if self.settings.mail_alpn else NONE

    def _takes_clear(self, door: Door) -> bool:
        """Whether what begins in clear is taken at this door."""
        return door.name == "https" and (self.listen.clear if self.decoy is None else self.settings.clear)

    def _greeting(self, door: Door) -> str | None:
        """What who says nothing is greeted in, if he is."""
        return (
            "imap" if door.port in self.listen.greet_imap else "smtp" if door.port in self.listen.greet_smtp else None
        )

    def _in_clear(self, spoken: str) -> Door:
        """Raises ConnectionAbortedError where that is not spoken here."""
        if spoken == "socks" and "socks" not in self.ports():
            spoken = ""
        if not spoken and self.decoy is not None:
            spoken = "http"  # which has an answer to everything
        if not spoken:
            raise ConnectionAbortedError("nothing known")
        return IN_CLEAR[spoken]
