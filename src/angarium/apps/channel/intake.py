"""`angarium channel import`: what was published elsewhere, taken over."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, BinaryIO
from zoneinfo import ZoneInfo

import msgspec
import requests
from cyclopts import Parameter

from angarium.apps.channel.options import Folder, complaining, newsroom
from angarium.apps.lab.progress import progress
from angarium.apps.options import Json
from angarium.channel.guard import leads_inside
from angarium.channel.intake.pictures import Fetch
from angarium.channel.intake.refusal import Refused
from angarium.channel.intake.run import MOST_FILE, Imported, Wanted, import_export, import_feed
from angarium.channel.intake.source import source
from angarium.channel.media import Media
from angarium.channel.newsroom import Newsroom
from angarium.edge.control import Refusal

__all__ = ["intake"]

MOST_FEED = 64 << 20
"""Octets of a feed that is fetched."""
SECONDS = 60
"""For which a server may say nothing."""
MISSING = "files are not in the export. Export once more with them, and import that"
MISSING_OF_A_FEED = "pictures could not be had at their addresses; their posts came without them"
TOO_MUCH = "files are larger than --largest, or pictures of more than 32 MiB, and were left out"
TOO_MUCH_OF_A_FEED = "pictures are too large, or too many for one run. Run it again for more of them"


def intake(
    export: Annotated[
        str,
        Parameter(
            help="Telegram Desktop's export (its folder, one of its files, or a zip), or a feed (a file or an address)."
        ),
    ],
    /,
    *,
    channel: Folder = None,
    chat: Annotated[str, Parameter(help="In the export of an account: the chat's name or number.")] = "",
    agreed: Annotated[
        bool,
        Parameter(
            name="--agreed",
            negative="",
            help="Take a chat that is not public too: all whose words it is agree that they be published.",
        ),
    ] = False,
    zone: Annotated[
        str,
        Parameter(
            help="Where the computer stood that exported, such as Asia/Tehran: old exports give local time alone "
            "[default: the channel's own]."
        ),
    ] = "",
    pins: Annotated[int, Parameter(help="How many posts stay on top: those that were pinned last.")] = 3,
    largest: Annotated[int, Parameter(help="Leave out files of more MiB than this.")] = MOST_FILE >> 20,
    pictures: Annotated[
        bool,
        Parameter(
            negative="",
            help="Of a feed: fetch its pictures too, from wherever it says they lie. Each of those servers sees this "
            "computer's address. At most 2,000 and 1 GiB in a run; what was fetched once is not fetched again.",
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Take over what was published elsewhere: a channel or group on Telegram, a site that has a feed.

    In Telegram Desktop, open the channel, then: Export chat history, with photos and whatever else is to come along,
    as "Machine-readable JSON". HTML does too, but says less: what was edited, for one.

    Text keeps its marks; pictures, albums, videos, voice, files, polls with their results, answers, and whose words
    were forwarded come along, under the dates they had. Service messages stay behind, and so do telephone numbers and
    identifiers of people: whoever wrote in a group signs with the name shown there.

    Run it again after a newer export: what is new is added, what was edited changes, what was withdrawn here stays
    withdrawn, and what was changed here later than there stays as it is.

    Pictures, videos and sound come along without what their files say of place, time, camera and author. Subtitles stay
    behind, since drones write positions into them. Files where that cannot be taken out (HEIC, AVIF, TIFF, and what is
    damaged) stay behind as a whole. Documents come along as they are.

    A damaged export is refused, with the line where it breaks. All of it is taken over, or nothing.

    Exit status: 0 done; 2 nothing was taken over, and why.
    """
    room = newsroom(channel)
    with complaining(Refused, OSError):
        room.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        at = _zone(room, zone)
        if pins < 0 or largest < 1:
            raise Refusal("--pins is 0 or more, --largest 1 or more")
        wanted = Wanted(zone=at, now=int(time.time()), chat=chat, agreed=agreed, pins=pins, most=largest << 20)
        with room.archive() as archive, progress(quiet=json) as bar:

            def tell(part: float, posts: int) -> None:
                bar(part, f"{posts} posts")

            with _feed(export) as found:
                if found is not None:
                    name = export.rpartition("/")[2] or export
                    media = room.media()
                    fetch = _fetch(export, media, wanted.most) if pictures else None
                    done = import_feed(found.read, name, archive, media, wanted.now, tell, fetch)
                else:
                    with source(Path(export)) as files:
                        done = import_export(files, archive, room.media(), wanted, tell)
    feed = found is not None
    sys.stdout.write(msgspec.json.encode(done).decode() + "\n" if json else render(done, feed=feed))
    return 0


def render(done: Imported, *, feed: bool = False) -> str:
    """What came of it, as a person reads it."""
    lines = [f"{done.title or 'Untitled'}: {done.new} new posts, {done.changed} changed, {done.same} as they were."]
    left = done.left
    for count, what in (
        (done.withdrawn, "posts came again that were withdrawn here, and stay so"),
        (done.service, "service messages were left out"),
        (done.empty, "messages hold nothing that could be taken over"),
        (left.missing, MISSING_OF_A_FEED if feed else MISSING),
        (left.damaged, "files are damaged, or not what they were sent as, and were left out"),
        (left.unstripped, "pictures may say where they were taken, which cannot be removed here, and were left out"),
        (left.large, TOO_MUCH_OF_A_FEED if feed else TOO_MUCH),
        (left.forbidden, "pictures lie at addresses of this network, where a stranger's feed may not send us"),
    ):
        if count:
            lines.append(f"  {count} {what}.")
    return "\n".join(lines) + "\n"


def _fetch(export: str, media: Media, most: int) -> Fetch:
    """What fetches the pictures of a feed: from our own network only where the feed lies there itself."""
    inside = export.startswith(("https://", "http://")) and leads_inside(export)
    return Fetch(media, most=most, public=not inside)


def _zone(room: Newsroom, name: str) -> tzinfo:
    named = name or (room.settings().zone if room.settings_file.exists() else "UTC")
    try:
        return ZoneInfo(named)
    except (ValueError, OSError, LookupError):
        raise Refusal(f"--zone: there is no time zone {named!r}: it is called like Asia/Tehran") from None


@contextmanager
def _feed(export: str) -> Iterator[BinaryIO | None]:
    """A feed, of an address or in a file; None: it is an export."""
    if export.startswith(("https://", "http://")):
        try:
            with requests.get(export, stream=True, timeout=SECONDS) as answer:
                answer.raise_for_status()
                answer.raw.decode_content = True
                yield _Bounded(answer.raw.read)  # type: ignore[misc]
        except requests.RequestException as error:
            raise Refusal(f"{export} cannot be fetched ({type(error).__name__})") from None
        return
    path = Path(export)
    if path.suffix.lower() in (".json", ".html", ".htm", ".zip") or not path.is_file():
        yield None
        return
    with path.open("rb") as file:
        head = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
        file.seek(0)
        yield file if head.startswith(b"<") and not head[:9].lower().startswith(b"<!doctype") else None


class _Bounded:
    """Octets of an answer, as long as they are not too many."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self._left = read, MOST_FEED

    def read(self, size: int) -> bytes:
        """At most so many further octets. Raises Refused."""
        octets = self._read(size)
        self._left -= len(octets)
        if self._left < 0:
            raise Refused(f"the feed has more than {MOST_FEED >> 20} MiB")
        return octets
