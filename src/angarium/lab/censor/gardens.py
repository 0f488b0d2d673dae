"""The sites of `sites` in the lab: their files and certificates, and an nginx for each.

The twenty; one for each relay that shows the same, as a control; and two twins of the first relay, in namespaces of
their own as it is. What a relay hands requests on to is beside it, in its namespace.
"""

import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TypedDict

from angarium.lab.censor.certificates import certified
from angarium.lab.censor.enclosure import WORK
from angarium.lab.censor.nginx import (
    FILES_SERVED,
    GARDEN,
    PAIR,
    behind,
    furnish_site,
    handed_on,
    running,
    site,
    write_pair,
    write_site,
)
from angarium.lab.censor.scenarios import DOMAIN
from angarium.lab.censor.sites import DECOYS, LIKES, STOCK, Site, pages
from angarium.lab.censor.topology import Ground, through

__all__ = ["TWINS", "Shown", "decoy", "furnish_sites", "gardens", "settle"]

TWINS = ("203.0.113.60", "203.0.113.61")
BEHIND_A_RELAY = 8080
HANDED_ON = 8000
"""... and by an nginx: to this port and so many more as the last part of its address says."""


def settle(ground: Ground) -> None:
    """Give all of them a place."""
    ground.add("nginx", "outside", [*(one.address for one in STOCK), *LIKES])
    for number, address in enumerate(TWINS):
        ground.add(f"twin{number}", "outside", [address])


def furnish_sites() -> None:
    """Make the files and the certificates of all sites."""
    furnish_site()
    for one in (*STOCK, *DECOYS[1:]):
        files, age = pages(one.name)
        root, pair = _places(one)
        write_site(root, {} if one.sort.serves == "nothing" else files)
        write_pair(pair, *certified(one.name, one.sort.key, chained=one.chained))
        for path in root.rglob("*"):
            os.utime(path, (time.time() - age,) * 2)


class Shown(TypedDict):
    """What a relay is told of its decoy."""

    site: str
    pair: Path
    """Where its certificate is."""


def decoy(one: Site) -> Shown:
    """What a relay is told to show."""
    root, pair = _places(one)
    shown = {"files": str(root), "handed on": f"http://127.0.0.1:{BEHIND_A_RELAY}", "nothing": "default"}
    return {"site": shown[one.sort.serves], "pair": pair}


@contextlib.asynccontextmanager
async def gardens(*, decoys: bool) -> AsyncIterator[None]:
    """Serve all of them, and what is behind the relays if these have `decoys`. Raises NoNginx."""
    async with contextlib.AsyncExitStack() as stack:
        for name, namespace, text in [*_sites(), *(_behind() if decoys else ())]:
            await stack.enter_async_context(running(WORK / "nginx" / name, text, through(namespace)))
        yield


def _sites() -> Iterator[tuple[str, str, str]]:
    """Name, namespace and configuration of each."""
    for one in STOCK:
        yield one.name, "nginx", _configured(one, one.address)
    for one, address in zip(DECOYS, LIKES, strict=True):
        yield f"like{one.name}", "nginx", _configured(one, address)
    for number, address in enumerate(TWINS):
        yield f"twin{number}", f"twin{number}", site(address, DOMAIN, GARDEN, PAIR)


def _behind() -> Iterator[tuple[str, str, str]]:
    for one in DECOYS:
        if one.sort.serves == "handed on":
            namespace = "relay" if one is DECOYS[0] else one.name
            yield f"behind{one.name}", namespace, behind(BEHIND_A_RELAY, _places(one)[0])


def _configured(one: Site, address: str) -> str:
    root, pair = _places(one)
    port = HANDED_ON + int(address.rpartition(".")[2])
    onward = one.sort.serves == "handed on"
    serves = handed_on(port, host=one.host) if onward else FILES_SERVED
    text = site(address, one.name, root, pair, serves=serves, clear=one.clear, http2=one.http2)
    return text + behind(port, root) if onward else text


def _places(one: Site) -> tuple[Path, Path]:
    """Its folder, and where its certificate is."""
    if one is DECOYS[0]:
        return GARDEN, PAIR
    return WORK / "sites" / one.name / "root", WORK / "sites" / one.name / "pair"
