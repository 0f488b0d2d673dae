"""`angarium channel mirror`: a copy of a channel's site, made and kept current."""

import random
import re
import sys
import time
from pathlib import Path
from typing import Annotated, NamedTuple

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from angarium.apps.channel.options import complaining
from angarium.channel.minisign import BadKey, PublicKey
from angarium.channel.mirror import Copied, Mirror, NoCopy, NoRoom, Older
from angarium.channel.roll import Limits
from angarium.channel.source import Folder, Source, SourceError, Web
from angarium.channel.verification import Refused

__all__ = ["Key", "mirror"]

LIMITS = Limits()
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Key = Annotated[
    str,
    Parameter(help="The channel's key, as you were told it by another way: RW…. Without it the first one is believed."),
]


class How(NamedTuple):
    """How a source is asked."""

    proxy: str
    seconds: int
    """For all of an attempt."""


def mirror(
    source: Annotated[str, Parameter(help="An address, https://… or http://….onion/, or the folder of another copy.")],
    /,
    *,
    to: Annotated[Path, Parameter(help="The folder of the copy: empty, or a copy of this channel.")],
    key: Key = "",
    every: Annotated[
        str, Parameter(help="Keep it current: look again after so long, such as 10m. Without: once.")
    ] = "",
    proxy: Annotated[str, Parameter(help="Go through this proxy, such as socks5h://127.0.0.1:9050 for tor.")] = "",
    within: Annotated[
        str,
        Parameter(
            help="End an attempt after so long, such as 6h. What was fetched stays, and the next one goes on there."
        ),
    ] = "6h",
    total: Annotated[float, Parameter(help="Take no more than so many GiB in all.")] = LIMITS.octets / (1 << 30),
    largest: Annotated[int, Parameter(help="Take no file of more than so many MiB.")] = LIMITS.largest >> 20,
    files: Annotated[int, Parameter(help="Take no more than so many files.")] = LIMITS.files,
    follow: Annotated[
        bool, Parameter(help="Look at the addresses that the channel itself names too, one of them each time.")
    ] = True,
) -> int:
    """Make a verified copy of a channel's site, or bring one up to date.

    Every file is checked against the channel's key before it takes its place; what is forged, damaged, cut short or
    older than the copy is refused, and the copy stays as it was. When the channel changes its key or its address by a
    signed statement, the copy follows. Serve the folder with any web server.

    A channel or a server that means harm could fill the disk or hold the copy up: --within, --total, --largest and
    --files bound that, and 32 MiB of the disk are left free in any case.

    Exit status: 0 the copy is as current as could be had; 1 nothing that is the channel's could be had; 2 it could not
    be tried.
    """
    with complaining(BadKey, NoCopy, Refused, ValueError, OSError):
        pause = seconds(every) if every else 0
        limits = Limits(octets=int(total * (1 << 30)), largest=largest << 20, files=files)
        how = How(proxy, seconds(within))
        with Mirror(to, PublicKey.parse(key) if key else None, limits) as copy:
            while True:
                had = attempt(copy, source, how, follow=follow)
                if not pause:
                    return 0 if had else 1
                time.sleep(pause)


def attempt(copy: Mirror, source: str, how: How, *, follow: bool) -> bool:
    """Look at the source, and if it has nothing new, at another; whether either had what is the channel's."""
    given = look(copy, source, how)
    if (given and given.fetched) or not follow or copy.manifest is None:
        return given is not None
    others = [each for each in (copy.manifest.address, *copy.manifest.mirrors) if each and each != source]
    if not how.proxy:
        others = [each for each in others if ".onion/" not in each]
    other = look(copy, random.choice(others), how) if others else None  # noqa: S311 (no secret)
    return given is not None or other is not None


def look(copy: Mirror, place: str, how: How) -> Copied | None:
    """Bring the copy to what is there; None: it could not be had, or is not the channel's."""
    known = copy.manifest is not None
    try:
        source = opened(place, how)
        try:
            with Progress(console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task("files", total=None)
                done = copy.update(source, lambda had, of: bar.update(task, completed=had, total=of))
        finally:
            source.close()
    except (NoRoom, Refused, SourceError) as error:
        word = "not used" if isinstance(error, NoRoom | Older | SourceError) else "refused"
        sys.stderr.write(f"angarium: {place}: {word}: {error}\n")
        return None
    if not known:
        sys.stderr.write(f"angarium: the channel's key is {done.manifest.key}: compare it with what you were told\n")
    if done.followed:
        sys.stderr.write(f"angarium: the channel has handed over to another key, {done.manifest.key}\n")
    if done.apart:
        sys.stderr.write(
            "angarium: this state does not come after the one that was here: a backup was restored, or somebody else"
            " has the channel's key. Ask the newsroom\n"
        )
    sys.stdout.write(
        f"{place}: serial number {done.manifest.serial} of {done.manifest.made}; "
        f"{done.fetched} files fetched, {done.removed} removed\n"
    )
    sys.stdout.flush()
    return done


def opened(place: str, how: How) -> Source:
    """A source by what was typed."""
    if re.match(r"https?://", place):
        return Web(place if place.endswith("/") else f"{place}/", proxy=how.proxy, seconds=how.seconds)
    return Folder(Path(place))


def seconds(text: str) -> int:
    """How long that is. Raises ValueError."""
    found = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if found is None:
        raise ValueError(f"{text} is no length of time: write 10m, or 1h")
    return int(found[1]) * UNITS[found[2]]
