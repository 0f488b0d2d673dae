"""The web sites of the lab's world: what each of them is. Twenty stock sites, and eight that relays show as decoys.

All twenty are Debian's nginx with Debian's nginx.conf as it comes: versions and ciphers of TLS, tickets, compression,
the server's name in its answers. They differ in what keepers say themselves:

* what is served: files; nothing, from an empty folder; or requests are handed on (`proxy_pass`) to an application on
  the machine, which is told the host that was asked for, as most recipes have it, or is not;
* the key, P-256 (certbot's default since 2022) or RSA with 2,048 bits, half of them each; and whether the certificate
  comes alone, as one's own does, or with its issuer's;
* what is on port 80: the way to the port with TLS, which certbot makes, or for four of them the site itself;
* HTTP/2 for four, which is a word in the line `listen`, and not in Debian's example;
* pages and a picture, of sizes from some hundred octets to 60 kB; their dates and so their tags; and their names.

Four sorts are seen at a glance, and are nothing to be suspected for (`SORTS`): five of the twenty are of each, and two
of the relays, which can show all four. Beyond that a relay can do less than nginx: it does not speak HTTP/2, and leads
port 80 always to the other. That may tell it, and counts.

Left out is whatever changes Debian's own settings of TLS, above all what certbot's plugin for nginx writes (tickets
that last a day, other ciphers, no TLS 1.1), and other modules. One handshake tells a stock nginx from such a site, and
a relay with it; that says nothing of relays.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from angarium.lab.censor.certificates import Key
from angarium.lab.censor.scenarios import DOMAIN, RELAY, TWINS

__all__ = ["DECOYS", "GARDEN_FILES", "LIKES", "PARTS", "SORTS", "STOCK", "Site", "Sort", "pages"]


@dataclass(frozen=True, slots=True)
class Sort:
    """What anybody sees of a site at a glance."""

    serves: Literal["files", "handed on", "nothing"]
    key: Key

    def __str__(self) -> str:
        return f"{self.serves}, {self.key}"


SORTS: Sequence[Sort] = (
    Sort("files", "P-256"),
    Sort("files", "RSA"),
    Sort("handed on", "P-256"),
    Sort("nothing", "RSA"),
)
PARTS = 4
"""Into so many parts sites and relays are divided; each in turn is held out, see `twenty`."""


@dataclass(frozen=True, slots=True)
class Site:
    """One of them."""

    address: str
    name: str
    sort: Sort
    part: int
    """In which of PARTS it is: five of the twenty and two relays are in each, of two sorts that others have too."""
    chained: bool = False
    """Whether the certificate of who signed its own comes with it."""
    clear: bool = False
    """Whether port 80 shows the site itself."""
    http2: bool = False
    host: bool = False
    """Whether the application behind it is told which host was asked for."""


def _stock(number: int) -> Site:
    member, sort = divmod(number, len(SORTS))
    return Site(
        f"203.0.113.{100 + number}",
        f"site{number}.example",
        SORTS[sort],
        _part(sort, first=member < (3 if sort < 2 else 2)),
        chained=(member + sort) % 2 == 0,
        clear=member == (sort + 1) % 5,
        http2=member == (sort + 3) % 5,
        host=member % 2 == 0,
    )


def _decoy(number: int, name: str, address: str) -> Site:
    again, sort = divmod(number, len(SORTS))
    return Site(address, name, SORTS[sort], _part(sort, first=not again), chained=(again + sort) % 2 == 1)


def _part(sort: int, *, first: bool) -> int:
    return 2 * (sort % 2) + (not first)


STOCK: Sequence[Site] = [_stock(number) for number in range(20)]
DECOYS: Sequence[Site] = [
    _decoy(number, name, address) for number, (name, address) in enumerate([(DOMAIN, RELAY), *TWINS.items()])
]
"""What relays show, each at its own address; the first is the one that is compared with its twin."""
LIKES: Sequence[str] = [f"203.0.113.{70 + number}" for number in range(len(DECOYS))]
"""Where an nginx shows the same as each of the relays, by the same certificate."""

GARDEN_FILES = {
    "index.html": b"<!doctype html><title>Garden</title><p>Roses and tulips, and a good deal more of it.</p>\n",
    "long.html": b"<!doctype html>" + b"".join(b"<p>Roses and tulips by the water wall, %d" % n for n in range(900)),
    "photo.jpg": bytes(range(256)) * 40,
    "dir/index.html": b"hello\n",
}
"""The site of the first relay and its twins."""
SIZES = {"index.html": (100, 20_000), "long.html": (4_000, 60_000), "dir/index.html": (20, 4_000)}
"""Octets of a page, from and to; as many are between 1 and 2 kB as between 10 and 20."""
PICTURE = (4_000, 60_000)
OLDEST = 3 * 365 * 86_400.0
WORDS = b"the of and garden open hours we our on in monday news by contact a members street read more for photo".split()


def pages(name: str) -> tuple[dict[str, bytes], float]:
    """The files of a site, by path, and how many seconds ago they were written: always the same for a name."""
    dice = random.Random(name)  # noqa: S311 (repeatable)

    def size(least: int, most: int) -> int:
        return int(least * (most / least) ** dice.random())

    def page(octets: int) -> bytes:
        text = f"<!doctype html><title>{name}</title><p>".encode()
        while len(text) < octets:
            text += dice.choice(WORDS) + (b"</p>\n<p>" if dice.random() < 0.02 else b" ")
        return text

    files = {path: page(size(*sizes)) for path, sizes in SIZES.items()}
    files["photo.jpg"] = dice.randbytes(size(*PICTURE))
    return files, dice.uniform(86_400, OLDEST)
