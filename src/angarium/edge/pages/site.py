"""All that the pages may know of the relay: values and callables that whoever starts it passes in."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from angarium.edge.pages.exchange import Handler, Inlet, Request
from angarium.edge.settings import Limits
from angarium.edge.tunnel import Onward
from angarium.mail.accounts import Gate
from angarium.mail.invitation import Offer, Way

__all__ = ["HttpSite", "nobody", "nowhere"]


async def nowhere(request: Request) -> Onward | None:
    """Leads nowhere, whoever asks."""
    return None


async def nobody(address: str) -> Sequence[str]:
    """Gives nothing, whoever asks."""
    return ()


@dataclass(frozen=True)
class HttpSite:
    """The relay as seen from its pages. Callables are asked at every request: names and certificates change."""

    limits: Limits
    gate: Gate
    registration: Literal["open", "invite", "closed"]
    domain: Callable[[], str]
    """What stands behind the @ of its addresses."""
    invite: Callable[[str | None], str]
    """A fresh invitation link, with a token or without."""
    valid_token: Callable[[str], Awaitable[bool]]
    """Whether a token still makes an account; asking does not use it up."""
    ways: Callable[[], Sequence[Way]]
    """Every way to reach the relay, best first, for autoconfig."""
    challenge: Callable[[str], str | None]
    """What an ACME authority expects to read for this token (RFC 8555, 8.3); None: it did not ask."""
    https_port: Callable[[], int | None]
    """Where the pages are served over TLS; None: nowhere."""

    others: Callable[[str | None, str], Sequence[Offer]] = lambda token, link: ()
    """The other ways in, for whoever was given the link that `invite` made for this token."""

    account: Callable[[str, str, str | None], Sequence[Offer]] = lambda address, password, token: ()
    """Links for an account that there is, by all ways that who was given this token is shown."""

    by_proxy: Callable[[], bool] = lambda: False
    """Whether apps come in through the relay's own proxy and not otherwise."""

    proxies: Callable[[str | None], Sequence[str]] = lambda token: ()
    """Links, best first, that make the relay the app's proxy: of an invitation, or of the page for everybody."""

    personal_proxies: Callable[[str], Awaitable[Sequence[str]]] = nobody
    """The same, for who has shown that the account with this address is theirs."""

    inlets: Mapping[str, Inlet] = field(default_factory=dict)
    """Paths to which other relays bring mail; one that ends in `/*` stands for all one level below."""

    routes: Mapping[str, Mapping[str, Handler]] = field(default_factory=dict)
    """What else other relays ask for, by path and method."""

    base: str = ""
    """What the path of every page begins with, such as "/SECRET"; those of other relays do not."""

    tunnel: Callable[[Request], Awaitable[Onward | None]] = nowhere
    """Where a CONNECT leads; None: it is answered as any request for what is not there."""

    head_bytes: int = 16_384
    """Longest request line and headers together."""
    request_seconds: float = 20
    """From the first byte of a request to its last."""
    quiet_seconds: float = 15
    """Silence before a request, after which the connection is ended."""
    breath: int = 0
    """Bytes that one connection may carry to the client; 0: no limit. A page that is larger is sent all the same."""
    requests: int = 100
    """Requests answered on one connection."""

    def address(self, name: str) -> str:
        """The address of who calls themselves that: a name of this relay, or a whole address."""
        return name if "@" in name else f"{name}@{self.domain()}"
