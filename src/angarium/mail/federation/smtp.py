"""One attempt over SMTP: the exchangers that DNS names, in order, with STARTTLS and a certificate for their name.

Nothing is said in clear but EHLO and STARTTLS. The exchanger that was reached decides: what it says of sender,
recipients and message is the verdict. The next one is tried only where there was nobody to talk to, or no TLS.

Refuses to know when to try again. What DNS says of exchangers is believed as it comes: who can forge it can lead this
road to a host of his own with a certificate of its own. The road over HTTPS, which is tried first, cannot be led away.

RFC 5321, 5.1 (exchangers), 4.5.3.2 (timeouts); RFC 3207 (STARTTLS); RFC 7505 (null MX).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from angarium.mail.federation.attempt import broken, heard
from angarium.mail.federation.consignment import Consignment, Unreachable
from angarium.mail.federation.via import Via
from angarium.mail.verdict import Verdict
from angarium.reach.dialer import Addresses, dial
from angarium.reach.resolver import NoSuchName, Unanswered
from angarium.reach.transport import Connection
from angarium.reach.trust import Trust, keeps_its_key
from angarium.wire.smtp.client import Client, ClientState, Done, Greeting, Hello, Quit, Request, StartTls, Submit
from angarium.wire.smtp.errors import TheirError

__all__ = ["SmtpRoad"]

PORT = 25
HOSTS = 4
"""Exchangers of one destination that are tried."""
AT_ONCE = 100
"""Recipients of one transaction: every server takes so many (RFC 5321, 4.5.3.1.8)."""
CONNECT_SECONDS = 20.0
REPLY_SECONDS = 300.0
"""RFC 5321, 4.5.3.2: five minutes, and ten for the reply to a message."""
MESSAGE_SECONDS = 600.0
QUIT_SECONDS = 5.0
OCTETS_PER_SECOND = 1024
"""Pace at which a message must be taken."""

_INTERRUPTED = Verdict.defer(451, "4.4.2", "the connection broke")
_NO_SMTPUTF8 = Verdict.reject(553, "5.6.7", "the other relay takes no such addresses")

Exchanges = Callable[[str], Awaitable[Sequence[str]]]
"""The exchangers of a domain, best first (`Resolver.exchanges`); raises NoSuchName, NullMx, Unanswered."""


class SmtpRoad:
    """See `Road`."""

    def __init__(self, exchanges: Exchanges, addresses: Addresses, trust: Trust, hostname: str) -> None:
        """`hostname`: what this relay calls itself in EHLO; addresses in brackets."""
        self._exchanges = exchanges
        self._addresses = addresses
        self._trust = trust
        self._hostname = hostname

    async def carry(self, destination: str, via: Via | None, consignment: Consignment) -> list[Verdict]:
        """See `Road.carry`."""
        try:
            hosts = await self._hosts(destination, via)
        except Unanswered as error:
            raise broken(error) from None
        failure: Unreachable | NoSuchName = Unreachable("no exchanger")
        for host, port, name in hosts[:HOSTS]:
            try:
                session = await self._begin(destination, host, port, name)
            except NoSuchName as error:
                failure = error
            except (OSError, TheirError, Unanswered, Unreachable) as error:
                failure = broken(error)
            else:
                return await session.deliver(consignment)
        raise failure

    async def _hosts(self, destination: str, via: Via | None) -> list[tuple[str, int, str]]:
        """Hosts, ports, and the names that certificates have to be for."""
        if via:
            return [(via.host, via.port or PORT, destination)]
        if keeps_its_key(destination):
            return [(destination, PORT, destination)]
        return [(host, PORT, host) for host in await self._exchanges(destination)]

    async def _begin(self, destination: str, host: str, port: int, name: str) -> "_Session":
        connection = await dial(self._addresses, host, port, timeout=CONNECT_SECONDS)
        session = _Session(connection, self._hostname)
        try:
            await session.greet()
            await session.ask(StartTls())
            try:
                await self._trust.begin(session.connection, destination, name, timeout=CONNECT_SECONDS)
            except TimeoutError:
                raise ConnectionError("TLS: no handshake in time") from None
            await session.ask(Hello(self._hostname))
        except BaseException:
            session.connection.abort()
            raise
        return session


class _Session:
    """One conversation with one exchanger."""

    def __init__(self, connection: Connection, hostname: str) -> None:
        self.connection = connection
        self._hostname = hostname
        self._client = Client()
        self._said: list[Greeting | Done] = []

    async def greet(self) -> None:
        """Hear the greeting, and say EHLO. Raises Unreachable where there is nobody to talk to, or no TLS."""
        greeting = await self._hear(REPLY_SECONDS)
        if greeting.reply.code != 220:
            raise Unreachable(f"greeted with {greeting.reply.code}")
        await self.ask(Hello(self._hostname))
        if "STARTTLS" not in self._client.extensions:
            raise Unreachable("no STARTTLS")

    async def ask(self, request: Request) -> None:
        """Make a request that has to be granted. Raises Unreachable."""
        done = await self._request(request, REPLY_SECONDS)
        if not done.reply.accepted:
            raise Unreachable(f"{type(request).__name__.upper()} answered {done.reply.code}")

    async def deliver(self, consignment: Consignment) -> list[Verdict]:
        """Bring the message, and say goodbye. Raises Unreachable where not one recipient was decided on."""
        verdicts: list[Verdict] = []
        everybody = consignment.recipients
        try:
            for at in range(0, len(everybody), AT_ONCE):
                if at:
                    await self._request(Hello(self._hostname), REPLY_SECONDS)  # as RSET does (RFC 5321, 4.1.4)
                verdicts += await self._transaction(consignment, everybody[at : at + AT_ONCE])
            if self._client.state is ClientState.IDLE:
                with contextlib.suppress(OSError, TheirError):
                    await self._request(Quit(), QUIT_SECONDS)
        except (OSError, TheirError) as error:
            if not verdicts:
                raise broken(error) from None
            verdicts += [_INTERRUPTED] * (len(everybody) - len(verdicts))
        finally:
            self.connection.abort()
        return verdicts

    async def _transaction(self, consignment: Consignment, recipients: Sequence[str]) -> list[Verdict]:
        wide = "SMTPUTF8" in self._client.extensions
        if not wide and not consignment.sender.isascii():
            return [_NO_SMTPUTF8] * len(recipients)
        sayable = tuple(each for each in recipients if wide or each.isascii())
        if not sayable:
            return [_NO_SMTPUTF8] * len(recipients)
        submit = Submit(consignment.sender, sayable, consignment.message)
        done = await self._request(submit, MESSAGE_SECONDS + len(consignment.message) / OCTETS_PER_SECOND)
        decisive = heard(done.reply.code, done.reply.enhanced, done.reply.text)
        replies = iter(done.recipients)
        verdicts: list[Verdict] = []
        for each in recipients:
            if not wide and not each.isascii():
                verdicts.append(_NO_SMTPUTF8)
                continue
            own = next(replies, None)
            refused = own is not None and not own.accepted
            verdicts.append(heard(own.code, own.enhanced, own.text) if own is not None and refused else decisive)
        return verdicts

    async def _request(self, request: Request, seconds: float) -> Done:
        if self._client.state is not ClientState.IDLE:
            raise ConnectionError("the session is over")
        self._client.request(request)
        answer = await self._hear(seconds)
        assert isinstance(answer, Done)
        return answer

    async def _hear(self, seconds: float) -> Greeting | Done:
        """Send what there is to send and hear until something is answered. Raises TimeoutError after so long."""
        async with asyncio.timeout(seconds):
            while not self._said:
                if out := self._client.to_send():
                    await self.connection.write(out)
                data = await self.connection.read()
                if not data:
                    raise ConnectionError("hung up")
                self._said += self._client.receive(data)
        return self._said.pop(0)
