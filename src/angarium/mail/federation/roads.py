"""How mail gets to another relay: which roads there are, in which order they are tried, and what they come to.

HTTPS first: it passes where port 25 does not, and its certificate is for the destination itself. SMTP second, which
every mail server speaks. A box third, where the relay's card names one: a holder in between sees when something goes to
which box, which the direct roads show to nobody but the network. What worked last is tried first the next time, so a
relay that cannot be reached costs the patience of the first two roads once. The keeper may say where a relay is
(`via`), by which transport, and with which relays there is no mail at all.

Refuses to know when to try again, and how bytes travel.
"""

from collections import OrderedDict
from collections.abc import Mapping

from angarium.mail import settings
from angarium.mail.checks.destination import IMPOSSIBLE, possible
from angarium.mail.checks.peers import NOT_TO_THEM, Peers
from angarium.mail.federation.attempt import Road
from angarium.mail.federation.consignment import Consignment, Fault, Unreachable
from angarium.mail.federation.via import parse_via
from angarium.mail.verdict import Verdict
from angarium.reach.names import canonical
from angarium.reach.resolver import NoSuchName, NullMx

__all__ = ["NO_SUCH", "UNASKED", "Consignment", "Fault", "Roads", "Unreachable"]

REMEMBERED = 4096
"""Destinations of which it is remembered what worked."""

NO_SUCH = Verdict.reject(550, "5.1.2", "there is no such relay")
_TAKES_NONE = Verdict.reject(556, "5.1.10", "that domain takes no mail")
_NO_FEDERATION = Verdict.reject(550, "5.7.1", "this relay has no mail with other relays")

UNASKED = (NO_SUCH, _TAKES_NONE, NOT_TO_THEM, IMPOSSIBLE, _NO_FEDERATION)
"""Verdicts that are this relay's own, or what DNS says: they show nobody at the other end."""


class Roads:
    """All roads of one relay."""

    def __init__(self, federation: settings.Federation, roads: Mapping[str, Road]) -> None:
        """`roads` are those there are, by transport (`https`, `smtp`, `box`), in the order in which they are tried."""
        self._enabled = federation.enabled
        self._peers = Peers(federation.allow, federation.deny)
        self._routes = {canonical(name) or name: route for name, route in federation.routes.items()}
        self._roads = dict(roads)
        self._worked: OrderedDict[str, str] = OrderedDict()

    def policy(self, destination: str) -> Verdict:
        """Whether there is mail with a relay at all, and whether what is said to be one can be one."""
        if not self._enabled:
            return _NO_FEDERATION
        allowed = self._peers.outgoing(destination)
        return possible(destination) if allowed.accepted else allowed

    async def carry(self, destination: str, consignment: Consignment) -> list[Verdict]:
        """Make one attempt to bring a message to a destination; return a verdict for each recipient, in order.

        Args:
            destination: the domain part of the recipients' addresses, in lower case; an IP address without brackets.
            consignment: the message. Accepted means that the destination answers for it.

        Raises:
            Unreachable: by no road now; try again later.
        """
        allowed = self.policy(destination)
        if not allowed.accepted:
            return [allowed] * len(consignment.recipients)
        route = self._routes.get(destination, settings.Route())
        via = parse_via(route.via)
        failures: list[tuple[str, Unreachable | NoSuchName]] = []
        for transport in self._order(destination, route.transport):
            try:
                verdicts = await self._roads[transport].carry(destination, via, consignment)
            except (Unreachable, NoSuchName) as failure:
                failures.append((transport, failure))
            else:
                self._remember(destination, transport)
                return verdicts
        return self._without(destination, failures, len(consignment.recipients))

    def _order(self, destination: str, transport: str) -> list[str]:
        if transport != "any":
            return [transport]
        last = self._worked.get(destination)
        return sorted(self._roads, key=lambda each: each != last)

    def _remember(self, destination: str, transport: str) -> None:
        self._worked[destination] = transport
        self._worked.move_to_end(destination)
        if len(self._worked) > REMEMBERED:
            self._worked.popitem(last=False)

    def _without(
        self, destination: str, failures: list[tuple[str, Unreachable | NoSuchName]], recipients: int
    ) -> list[Verdict]:
        """What no road at all comes to: for good only where DNS says so, and mail has never come through."""
        if destination not in self._worked and any(isinstance(failure, NullMx) for _, failure in failures):
            return [_TAKES_NONE] * recipients
        open_ = [(transport, failure) for transport, failure in failures if isinstance(failure, Unreachable)]
        if open_:
            direct = [failure.fault for transport, failure in open_ if transport != "box"]
            faults = direct or [failure.fault for _, failure in open_]  # a holder's answer is not the destination's
            fault = Fault.OTHER if Fault.OTHER in faults else faults[0]
            raise Unreachable("; ".join(f"{transport}: {failure}" for transport, failure in open_), fault)
        if destination in self._worked:
            raise Unreachable("DNS knows the name no more", Fault.DNS)
        return [NO_SUCH] * recipients
