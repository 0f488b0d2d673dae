"""One attempt over HTTPS: `POST /mxdeliv`, as the relays of this network take mail from each other (`edge.mxdeliv`).

An answer is for the whole of a request, unless the other relay tells each recipient apart, which it is asked for. Where
one that does not refuses a list, each recipient is tried alone, since nobody can tell whom the refusal means.

What is no relay's answer (no such page, a wall in between) says nothing of the message: the road is not there.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence

from angarium.mail.federation.attempt import broken, heard, host_header
from angarium.mail.federation.consignment import Consignment, Unreachable
from angarium.mail.federation.via import Via
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.client import Answer, HttpClient
from angarium.reach.dialer import Addresses, dial
from angarium.reach.resolver import Unanswered
from angarium.reach.transport import Connection
from angarium.reach.trust import Trust

__all__ = ["HttpsRoad"]

PORT = 443
PATH = "/mxdeliv"
ALPN = ("http/1.1",)
EACH = "X-MAIL-VERDICTS"
HEAD_BYTES = 10_000
"""Recipients of one request, in octets: servers take heads of 16 KiB or more."""
CONNECT_SECONDS = 20.0
ANSWER_SECONDS = 120.0
"""The other relay may have to ask DNS, and to wait for a disk."""

Post = Callable[[Sequence[str]], Awaitable[Answer]]

_LINE = re.compile(r"([245][0-9]{2}) ([245]\.[0-9]{1,3}\.[0-9]{1,3}) (.*)")
_INTERRUPTED = Verdict.defer(451, "4.4.2", "the connection broke")


class HttpsRoad:
    """See `Road`."""

    def __init__(self, addresses: Addresses, trust: Trust, client: HttpClient | None = None) -> None:
        self._addresses = addresses
        self._trust = trust
        self._client = client or HttpClient()

    def close(self) -> None:
        """End the connections that are kept."""
        self._client.close()

    async def carry(self, destination: str, via: Via | None, consignment: Consignment) -> list[Verdict]:
        """See `Road.carry`."""
        host, port = (via.host, via.port or PORT) if via else (destination, PORT)

        async def connect() -> Connection:
            connection = await dial(self._addresses, host, port, timeout=CONNECT_SECONDS)
            try:
                await self._trust.begin(connection, destination, destination, timeout=CONNECT_SECONDS, alpn=ALPN)
            except TimeoutError:
                raise ConnectionError("TLS: no handshake in time") from None
            return connection

        async def post(recipients: Sequence[str]) -> Answer:
            try:
                return await self._client.post(
                    f"{destination} {host} {port}",
                    connect,
                    host=host_header(destination),
                    path=PATH,
                    headers=_headers(consignment.sender, recipients),
                    body=consignment.message,
                    timeout=ANSWER_SECONDS,
                )
            except (OSError, Unanswered) as error:
                raise broken(error) from None

        verdicts: list[Verdict] = []
        for some in _portions(consignment.recipients):
            try:
                verdicts += await _deliver(post, some)
            except Unreachable:
                if not verdicts:
                    raise
                verdicts += [_INTERRUPTED] * (len(consignment.recipients) - len(verdicts))
                break
        return verdicts


async def _deliver(post: Post, recipients: Sequence[str]) -> list[Verdict]:
    answer = await post(recipients)
    if answer.headers.get(EACH.lower()) == "each":
        return _each(answer, len(recipients))
    verdict = _whole(answer)
    if verdict.accepted or len(recipients) == 1 or answer.status != 400:
        return [verdict] * len(recipients)
    alone: list[Verdict] = []
    for recipient in recipients:
        try:
            alone += await _deliver(post, [recipient])
        except Unreachable:
            alone.append(_INTERRUPTED)
    return alone


def _headers(sender: str, recipients: Sequence[str]) -> list[tuple[str, str]]:
    envelope = [("X-MAIL-FROM", sender), *(("X-MAIL-TO", recipient) for recipient in recipients)]
    return [("Content-Type", "message/rfc822"), (EACH, "each"), *envelope]


def _portions(recipients: Sequence[str]) -> Iterator[list[str]]:
    """As many recipients at a time as a head may hold."""
    portion: list[str] = []
    octets = 0
    for recipient in recipients:
        size = len(recipient.encode()) + 13
        if portion and octets + size > HEAD_BYTES:
            yield portion
            portion, octets = [], 0
        portion.append(recipient)
        octets += size
    yield portion


def _each(answer: Answer, recipients: int) -> list[Verdict]:
    lines = [_LINE.fullmatch(line) for line in answer.text.splitlines()]
    if len(lines) != recipients or answer.status != 200:
        raise Unreachable("an answer that cannot be understood")
    return [heard(int(line[1]), line[2], line[3]) if line else _INTERRUPTED for line in lines]


def _whole(answer: Answer) -> Verdict:
    """What the answer says of the message. Raises Unreachable where it says nothing of it."""
    if answer.status == 200:
        return ACCEPTED
    first = answer.text.partition("\n")[0]
    line = _LINE.fullmatch(first)
    if answer.status == 413:
        return heard(552, "5.3.4", line[3] if line else "the message is too large")
    if answer.status == 400 and line is not None and line[1].startswith("5"):
        return heard(int(line[1]), line[2], line[3])
    if answer.status == 400:
        return heard(554, "5.0.0", first)
    if answer.status == 503 and line is not None and line[1].startswith("4"):
        return heard(int(line[1]), line[2], line[3])
    raise Unreachable(f"answered {answer.status}")
