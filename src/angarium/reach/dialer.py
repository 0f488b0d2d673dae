"""From a host's name to a connection in clear: every address in turn, and of all that went wrong what tells most.

Addresses are asked of the relay's own resolver, which tells "there is none" from "nobody answered". Names that DNS does
not know by their nature (`_names`, `localhost` and what is below it, names of one label) are this machine's to look up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from angarium.reach.connect import connect
from angarium.reach.failure import NoRoute
from angarium.reach.transport import Connection

__all__ = ["Addresses", "dial"]

MOST = 4
"""Addresses of one host that are tried."""
SECONDS_EACH = 10.0

Addresses = Callable[[str], Awaitable[Sequence[str]]]
"""The IP addresses of a name (`Resolver.addresses`); raises NoSuchName, Unanswered."""


async def dial(addresses: Addresses, host: str, port: int, *, timeout: float) -> Connection:
    """Connect to a host, in clear.

    Raises:
        NoSuchName, Unanswered: the name has no address, or nobody could be asked.
        NoRoute: there is no way to any of its addresses.
        TimeoutError: nobody answered within `timeout` seconds.
        ConnectionError: somebody did, and refused.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout
    found = [host] if _of_this_machine(host) else (await addresses(host))[:MOST]
    worst: OSError = NoRoute("no address")
    for address in found:
        try:
            return await connect(address, port, timeout=min(SECONDS_EACH, max(0.0, deadline - clock())))
        except OSError as error:
            worst = max(worst, error, key=_tells)
    raise worst


def _tells(error: OSError) -> int:
    """How much an error shows of a road: whoever refuses was reached."""
    if isinstance(error, NoRoute):
        return 0
    return 1 if isinstance(error, TimeoutError) else 2


def _of_this_machine(host: str) -> bool:
    return ":" not in host and (host.startswith("_") or host.endswith(".localhost") or "." not in host)
