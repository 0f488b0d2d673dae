"""`angarium invite`: an invitation as a QR code and a link, made by the running relay."""

import asyncio
import re
import sys
from collections.abc import Sequence
from typing import Annotated

import msgspec
from cyclopts import Parameter
from msgspec import Struct

from angarium.apps.options import Data, Json, existing
from angarium.apps.terminal import qr
from angarium.edge.control import Refusal, ask

__all__ = ["Invited", "Other", "alternatives", "days", "invite"]

LABELS = {
    "direct": "directly, by {host}",
    "port": "by another port, {port}",
    "all": "all ways at once",
    "front": "through the front {host}",
    "onion": "through Tor (the app needs it as its proxy), by {host}",
}

PROXIES = {
    "https": "by another name, or a front",
    "http": "as an HTTP proxy (in clear: who watches sees the pass, and that this is a relay)",
    "socks5": "as a SOCKS5 proxy (in clear: who watches sees the pass, and that this is a relay)",
    "ss": "by Shadowsocks (experimental; blocked in China)",
}
"""What is said of a link, by its scheme."""


class Other(Struct, frozen=True):
    """Another way in."""

    kind: str
    """`direct`, `port`, `all`, `front` or `onion`."""
    host: str
    port: int
    """Where the app connects for IMAP."""
    verified: bool
    """Whether the app checks the certificate there."""
    link: str


class Invited(Struct, frozen=True):
    """What the relay made."""

    links: list[str]
    """Links for the app. One that begins with `dcaccount:` is good for all uses, one with `dclogin:` for one person."""
    page: str
    """The page that shows the same to a browser; empty where the relay has none."""
    uses: int
    """Accounts that can be made; 0: as many as come."""
    expires_days: int
    """Days from today on which it still works; 0: for ever."""
    others: list[list[Other]] = []
    """For each link: what else leads to the same account, in the order to try it in."""
    proxy: str = ""
    """A link that makes the relay the app's proxy, where one was asked for or is needed."""
    proxies: list[str] = []
    """Links for the same pass by other doors."""
    by_proxy: bool = False
    """Whether the links lead nowhere without the proxy."""
    ways: str = ""
    """The page that shows people who have an account already what else leads to it."""


def invite(
    *,
    data: Data = None,
    uses: Annotated[int | None, Parameter(help="How many accounts it is good for [default: 1].")] = None,
    expires: Annotated[
        str | None, Parameter(help="How long it is good for, in days or weeks: 7d, 2w [default: 7d].")
    ] = None,
    front_group: Annotated[
        str, Parameter(name="--front-group", help="Show the fronts of this group (angarium front) before all else.")
    ] = "",
    proxy: Annotated[
        bool, Parameter(name="--proxy", negative="", help="Add a link that makes the relay the app's proxy too.")
    ] = False,
    json: Json = False,
) -> int:
    """Print an invitation: a QR code to scan with Delta Chat, and the same as a link.

    On a relay that is open to everybody the invitation is good for all who see it, for ever. On one with
    `registration = "invite"` it carries a token that is used up; the relay does not remember who used which.

    Other ways to the same account follow as links, to be tried where the first does not work: other ports, fronts, Tor.
    The page shows each of them as a QR code.

    With `--proxy`, and where the relay has a decoy and no port of mail, there is a second code, to be scanned first,
    for people whose network lets HTTPS through and nothing else: see `angarium proxy`. It can be taken back by the
    user's name that stands in it.

    Exit status: 0 made; 2 refused, or no relay runs.
    """
    if uses is not None and not 1 <= uses <= 10_000:
        raise Refusal("--uses: expected a number from 1 to 10000")
    span = None if expires is None else days(expires)
    details = {"uses": uses, "days": span, "group": front_group, "proxy": proxy}
    home = existing(data)
    made = msgspec.convert(asyncio.run(ask(home.control, "invitation", **details)), Invited)
    sys.stdout.write(msgspec.json.encode(made).decode() + "\n" if json else render(made))
    return 0


def days(text: str) -> int:
    """A span like `7d` or `2w` in days. Raises Refusal."""
    found = re.fullmatch(r"([1-9]\d{0,4})([dw])", text)
    if not found:
        raise Refusal("--expires: expected days or weeks, such as 7d or 2w")
    return int(found[1]) * (7 if found[2] == "w" else 1)


def render(made: Invited) -> str:
    """The invitation as a person sees it in the terminal."""
    parts: list[str] = []
    if made.proxy:
        parts += ["First, the proxy:", qr(made.proxy), made.proxy, "", *alternatives(made.proxies)]
        parts.append("Then, the invitation:")
    for number, link in enumerate(made.links, 1):
        if len(made.links) > 1:
            parts.append(f"Invitation {number} of {len(made.links)}, for one person:")
        parts += [qr(link), link, ""]
        if number <= len(made.others):
            parts += _others(made.others[number - 1])
    if made.page:
        span = f", for {_span(made.expires_days)}" if made.expires_days and not made.uses else ""
        parts.append(f"As a page{span}: {made.page}")
    if made.ways:
        parts.append(f"For who has an account here already: {made.ways}")
    if made.uses:
        last = f"{_span(made.expires_days)} from today"
        parts.append(f"Good for {made.uses} account{'s' if made.uses > 1 else ''}, until {last}.")
    elif made.links[0].startswith("dclogin:"):
        parts.append("This code is for one person. Ask for another one with the same command.")
    else:
        parts.append("Good for everybody who sees it.")
    return "\n".join(parts) + "\n"


def _span(length: int) -> str:
    return f"{length} day{'s' if length > 1 else ''}"


def alternatives(links: Sequence[str]) -> list[str]:
    """Lines that show the other links of a pass."""
    lines = ["Where that does not get through, the same pass by another door:"] if links else []
    for link in links:
        label = PROXIES[link.partition(":")[0]]
        lines += [f"* {label}:", *([qr(link)] if link.startswith(("https:", "ss:")) else []), link, ""]
    return lines


def _others(others: list[Other]) -> list[str]:
    parts = ["If that does not work, in this order:"] if others else []
    for other in others:
        label = LABELS[other.kind].format(host=other.host, port=other.port)
        unchecked = "" if other.verified or other.kind == "onion" else ", certificate not checked"
        parts += [f"* {label}{unchecked}:", other.link, ""]
    return parts
