"""What is said to the holder of a box, over HTTPS: leave a parcel, see what waits, fetch, say that it is here.

    POST /box/BOX               leave a parcel: 200 once it is held
    GET /box/BOX?after=&wait=   with the token: what waits behind a cursor, at once or when something comes
    GET /box/BOX/PARCEL         with the token: a parcel, from where it broke the last time
    DELETE /box/BOX/PARCEL      with the token: it is here

Whatever goes wrong on the way is `Unreachable`: the parcel is still where it was, so it can be done again. RFC 9110, 14
(ranges), 11 (Authorization); RFC 6750, 2.1 (Bearer).
"""

import re
from collections.abc import Awaitable, Callable

from angarium.mail.federation.attempt import broken, heard, host_header
from angarium.mail.federation.consignment import Fault, Unreachable
from angarium.mail.federation.holder import LISTED, Listing, digest
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.client import Answer, HttpClient, Into
from angarium.reach.dialer import Addresses, dial
from angarium.reach.resolver import NoSuchName, Unanswered
from angarium.reach.transport import Connection
from angarium.reach.trust import Trust
from angarium.wire.card import Agreement, Box, encode

__all__ = ["BoxClient", "Spoilt", "path"]

ALPN = ("http/1.1",)
CONNECT_SECONDS = 20.0
ANSWER_SECONDS = 60.0
TRIES = 3
"""How often a parcel is asked for on and on without a single octet coming."""
OCTETS = 1 << 31
"""No parcel is longer."""

_PARCEL = re.compile(r"([0-9a-f]{64}) ([0-9]{1,10})")
_AFTER = re.compile(r"after ([0-9a-zA-Z.]{0,64})")


def path(box: bytes, parcel: bytes | None = None) -> str:
    """The path of a box, or of a parcel in it."""
    return f"/box/{encode(box)}" + (f"/{parcel.hex()}" if parcel else "")


class Spoilt(Exception):
    """What the holder gave is not the parcel that it named."""


class BoxClient:
    """Talks to holders."""

    def __init__(self, addresses: Addresses, trust: Trust, client: HttpClient | None = None) -> None:
        self._addresses = addresses
        self._trust = trust
        self._client = client or HttpClient()

    def close(self) -> None:
        """End the connections that are kept."""
        self._client.close()

    async def leave(self, box: Box, parcel: bytes) -> Verdict:
        """Leave a parcel in a box. Accepted: it is held there, durably. Raises Unreachable."""
        kind = ("Content-Type", "application/octet-stream")
        answer = await self._ask(box, "POST", path(box.number), [kind], body=parcel)
        if answer.status == 200:
            return ACCEPTED
        if answer.status == 413:
            return heard(552, "5.3.4", "the message is too large for the relay that holds mail there")
        raise _told(answer)

    async def listing(self, agreement: Agreement, after: str, wait: float) -> Listing:
        """What waits in the box behind a cursor (empty: all); wait up to so many seconds. Raises Unreachable."""
        where = f"{path(agreement.box.number)}?after={after}&wait={wait:.0f}"
        answer = await self._ask(agreement.box, "GET", where, [_bearer(agreement)], timeout=ANSWER_SECONDS + wait)
        if answer.status != 200:
            raise _told(answer)
        first, *lines = answer.text.splitlines() or [""]
        cursor = _AFTER.fullmatch(first)
        parcels = [_PARCEL.fullmatch(line) for line in lines[:LISTED]]
        if cursor is None or None in parcels:
            raise Unreachable("an answer that cannot be understood")
        return Listing(cursor[1], tuple((bytes.fromhex(each[1]), int(each[2])) for each in parcels if each))

    async def fetch(self, agreement: Agreement, name: bytes, octets: int) -> bytes | None:
        """A parcel, whole; where a connection breaks, the next goes on. None: it is not there.

        Raises:
            Unreachable: see there.
            Spoilt: see there.
        """
        into = Into(min(octets, OCTETS))
        tries = TRIES
        while True:
            had = len(into.octets)
            try:
                answer = await self._ask(
                    agreement.box, "GET", path(agreement.box.number, name), [_bearer(agreement), *into.range], into=into
                )
            except Unreachable:
                tries = TRIES if len(into.octets) > had else tries - 1
                if not tries:
                    raise
                continue
            if answer.status == 404:
                return None
            if answer.status not in (200, 206):
                raise _told(answer)
            break
        parcel = bytes(into.octets)
        if await digest(parcel) != name:
            raise Spoilt
        return parcel

    async def remove(self, agreement: Agreement, name: bytes) -> None:
        """Say that a parcel is here. Raises Unreachable."""
        answer = await self._ask(agreement.box, "DELETE", path(agreement.box.number, name), [_bearer(agreement)])
        if answer.status not in (204, 404):
            raise _told(answer)

    async def _ask(
        self,
        box: Box,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        *,
        body: bytes = b"",
        timeout: float = ANSWER_SECONDS,
        into: Into | None = None,
    ) -> Answer:
        try:
            return await self._client.ask(
                f"{box.host} {box.port} {box.pin!r}",
                self._connecting(box),
                method,
                host=host_header(box.host),
                path=target,
                headers=headers,
                body=body,
                timeout=timeout,
                into=into,
            )
        except NoSuchName:
            raise Unreachable("DNS does not know the holder", Fault.DNS) from None
        except (OSError, Unanswered) as error:
            raise broken(error) from None

    def _connecting(self, box: Box) -> Callable[[], Awaitable[Connection]]:
        async def connect() -> Connection:
            connection = await dial(self._addresses, box.host, box.port, timeout=CONNECT_SECONDS)
            try:
                await self._trust.begin(connection, box.host, box.host, timeout=CONNECT_SECONDS, alpn=ALPN, pin=box.pin)
            except TimeoutError:
                raise ConnectionError("TLS: no handshake in time") from None
            return connection

        return connect


def _bearer(agreement: Agreement) -> tuple[str, str]:
    return "Authorization", f"Bearer {encode(agreement.token)}"


def _told(answer: Answer) -> Unreachable:
    if answer.status == 404:
        return Unreachable("the holder has no such box, or its token is another by now: ask its keeper")
    if answer.status == 507:
        return Unreachable("the box is full until the other relay fetches what is in it")
    if answer.status == 503:
        return Unreachable("the holder asks for patience")
    return Unreachable(f"the holder answered {answer.status}")
