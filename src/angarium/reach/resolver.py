"""Questions to DNS, and answers remembered for as long as they are good.

"There is none" and "nobody answered" are two errors, for mail is refused for the first and kept for the second. Both
are remembered: the first as long as its zone says, the second for seconds, so that a queue that tries a thousand
messages in an island without DNS does not wait a thousand times. Of equal questions at one time, one is asked.

Servers are those of the settings, or the system's, read anew for each question: a machine changes networks. Answers are
believed as they come; who needs more checks a certificate or a signature.

RFC 1035; RFC 2308 (what is not there may be remembered); RFC 5321, 5.1 (MX); RFC 7505 (null MX).
"""

import asyncio
import ipaddress
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from angarium.reach.names import canonical
from angarium.reach.settings import server

__all__ = ["NoSuchName", "NullMx", "Resolver", "Unanswered"]

SHORTEST, LONGEST, LONGEST_NOTHING = 1, 86_400, 3600
"""Seconds an answer is remembered, whatever it says; and the most that there is none of something is."""
UNANSWERED = 5
"""Seconds for which nobody is asked again what nobody answered (RFC 2308, 7: 300 at most)."""
EXCHANGES = 20
"""Most mail exchangers of one domain that are looked at."""
PAYLOAD = 1232
"""Octets of an answer over UDP that pass everywhere; a longer one is asked for over TCP."""
_PRIVATE = random.SystemRandom()


class NoSuchName(Exception):
    """There is no such name, or nothing of the kind under it: asking again will not help today."""


class NullMx(NoSuchName):
    """The domain says that it takes no mail (RFC 7505)."""


class Unanswered(Exception):
    """Nobody could be asked, or nobody answered in time, or only to say that something is wrong: try again later."""


class Resolver:
    """Asks, and remembers."""

    def __init__(
        self,
        servers: Sequence[str] = (),
        *,
        timeout: float = 5.0,
        most: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`servers` as `settings.server` reads them, in order of preference; empty: the system's. `timeout` in seconds,
        for all of them together. At most `most` answers are remembered. Raises BadServer."""
        self._servers = [dns.nameserver.Do53Nameserver(*server(text)) for text in servers]
        self._timeout = timeout
        self._most = most
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], tuple[float, tuple[Any, ...] | Exception]] = OrderedDict()
        self._asking: dict[tuple[str, str], asyncio.Event] = {}

    async def texts(self, name: str) -> tuple[bytes, ...]:
        """The TXT records of a name, each put together from its strings.

        Raises:
            NoSuchName, Unanswered: see there.
        """
        found = await self._records(name, "TXT")
        if not found:
            raise NoSuchName
        return tuple(b"".join(record.strings) for record in found)

    async def exchanges(self, domain: str) -> tuple[str, ...]:
        """The hosts that take a domain's mail, best first, those that are equal in any order; the domain itself where
        it names none.

        Raises:
            NoSuchName, NullMx, Unanswered: see there.
        """
        found = await self._records(domain, "MX")
        if not found:
            return (domain,)
        if all(record.exchange == dns.name.root for record in found):
            raise NullMx
        ordered: list[str] = []
        for _, equal in groupby(sorted(found, key=_preference), key=_preference):
            hosts = [record.exchange.to_text(omit_final_dot=True).lower() for record in equal]
            _PRIVATE.shuffle(hosts)
            ordered += [host for host in hosts if canonical(host) == host and not _literal(host)]
        if not ordered:
            raise NoSuchName
        return tuple(dict.fromkeys(ordered))[:EXCHANGES]

    async def addresses(self, name: str) -> tuple[str, ...]:
        """The IP addresses of a name, IPv4 first; an address is its own.

        Raises:
            NoSuchName, Unanswered: see there.
        """
        if _literal(name):
            return (name,)
        answers = await asyncio.gather(*(self._records(name, kind) for kind in ("A", "AAAA")), return_exceptions=True)
        found: list[str] = []
        for answer in answers:
            if not isinstance(answer, BaseException):
                found += [record.address for record in answer]
            elif not isinstance(answer, NoSuchName | Unanswered):
                raise answer
        if found:
            return tuple(found)
        raise next((answer for answer in answers if isinstance(answer, Unanswered)), NoSuchName())

    async def _records(self, name: str, kind: str) -> tuple[Any, ...]:
        """What is under a name, empty where there is nothing of the kind. Raises NoSuchName, Unanswered."""
        key = (name.lower().removesuffix("."), kind)
        while (under_way := self._asking.get(key)) is not None:
            await under_way.wait()
        until, answer = self._known.get(key, (0.0, ()))
        if until <= self._clock():
            self._asking[key] = asyncio.Event()
            try:
                seconds, answer = await self._ask(*key)
                self._remember(key, seconds, answer)
            finally:
                self._asking.pop(key).set()
        if isinstance(answer, Exception):
            raise type(answer)
        return answer

    def _remember(self, key: tuple[str, str], seconds: float, answer: tuple[Any, ...] | Exception) -> None:
        self._known[key] = (self._clock() + seconds, answer)
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    async def _ask(self, name: str, kind: str) -> tuple[float, tuple[Any, ...] | Exception]:
        """The answer, and for how many seconds it is good."""
        try:
            question = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError):
            return LONGEST_NOTHING, NoSuchName()
        try:
            answer = await self._system().resolve(
                question, kind, raise_on_no_answer=False, search=False, lifetime=self._timeout
            )
        except dns.resolver.NXDOMAIN as error:
            return _nothing_for(*error.kwargs["responses"].values()), NoSuchName()
        except (dns.exception.DNSException, OSError):
            return UNANSWERED, Unanswered()
        if answer.rrset is None:
            return _nothing_for(answer.response), ()
        return min(max(answer.chaining_result.minimum_ttl, SHORTEST), LONGEST), tuple(answer.rrset)

    def _system(self) -> dns.asyncresolver.Resolver:
        """Raises dns.resolver.NoResolverConfiguration where the machine has no DNS."""
        asked = dns.asyncresolver.Resolver(configure=not self._servers)
        if self._servers:
            asked.nameservers = list(self._servers)
        asked.timeout = min(asked.timeout, self._timeout / 2)
        asked.use_edns(0, 0, PAYLOAD)
        return asked


def _nothing_for(*responses: dns.message.Message) -> float:
    """Seconds for which it may be remembered that there is none: what the zone says (RFC 2308, 5), if it says it."""
    for response in responses:
        if any(answer.rdtype == dns.rdatatype.SOA for answer in response.authority):
            assert isinstance(response, dns.message.QueryMessage)
            return min(max(response.resolve_chaining().minimum_ttl, SHORTEST), LONGEST_NOTHING)
    return SHORTEST


def _preference(record: Any) -> int:
    return int(record.preference)


def _literal(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
