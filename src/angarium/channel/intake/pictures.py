"""Pictures that a feed names, fetched from where they lie: only if the keeper asks for it, and within limits.

Nothing a server says of them is believed: what they are their octets say, and they are stripped as all others. They are
not fetched from addresses of this machine's network, unless the feed itself lies at such. What was fetched once is
remembered by its address and not fetched again; one that cannot be had is counted, and the post comes without it.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping

import msgspec
import requests

from angarium.channel.archive import Archive
from angarium.channel.filetype import HEAD, filetype
from angarium.channel.guard import Guard, guarded
from angarium.channel.intake.attachments import Left
from angarium.channel.media import Media
from angarium.channel.post import Medium, MediumKind
from angarium.channel.stripping import MOST_PICTURE, STRIPPED, UNSTRIPPED, BadPicture, strip

__all__ = ["MOST_OCTETS", "MOST_PICTURES", "SECONDS", "WHOLE_SECONDS", "Fetch", "Known"]

MOST_PICTURES = 2_000
"""Of one run."""
MOST_OCTETS = 1 << 30
"""Of one run."""
SECONDS, WHOLE_SECONDS = 120.0, 3600.0
"""For one picture, and for all of a run."""
READ_SECONDS = 30
MOST_REDIRECTIONS = 5
READ = 1 << 16
SMALLEST = 2
"""Pixels: what is smaller shows nothing, but tells somebody that it was fetched."""


class Known:
    """Pictures that were fetched before."""

    def __init__(self, archive: Archive, media: Media) -> None:
        self._archive, self._media = archive, media
        self._fetched: dict[str, Medium] = {}

    def get(self, address: str) -> Medium | None:
        """The picture of an address, if it is here."""
        if address in self._fetched:
            return self._fetched[address]
        note = self._archive.note(_name(address))
        medium = msgspec.json.decode(note, type=Medium) if note else None
        return medium if medium is not None and medium.digest in self._media else None

    def chosen(self, addresses: Iterable[str]) -> Mapping[str, Medium]:
        """Those of the addresses whose pictures are here."""
        return {address: medium for address in addresses if (medium := self.get(address)) is not None}

    def add(self, address: str, medium: Medium) -> None:
        """One that was fetched now."""
        self._fetched[address] = medium

    def note(self) -> None:
        """Remember those that were fetched now. Within `Archive.writing`."""
        for address, medium in self._fetched.items():
            self._archive.put_note(_name(address), msgspec.json.encode(medium).decode())


class Fetch:
    """Fetches pictures.

    Args:
        media: where they are kept.
        most: octets of the largest that is.
        public: whether they may only lie at addresses that all the world can reach.
    """

    def __init__(self, media: Media, *, most: int, public: bool, verify: str | bool = True) -> None:
        """`verify`: as `requests` has it."""
        self._media, self._most = media, min(most, MOST_PICTURE)
        self._guard = Guard(public=public)
        self._session = guarded(self._guard)
        self._session.verify = verify
        self._session.max_redirects = MOST_REDIRECTIONS
        self.left = Left()
        self.fresh: set[str] = set()
        """Digests of what was not there before."""
        self._octets = 0

    def all(self, addresses: Iterable[str], known: Known, tell: Callable[[float], None]) -> None:
        """Fetch those that are not known, each once."""
        wanted = [each for each in dict.fromkeys(addresses) if known.get(each) is None]
        until = time.monotonic() + WHOLE_SECONDS
        for number, address in enumerate(wanted):
            if number >= MOST_PICTURES or self._octets >= MOST_OCTETS or time.monotonic() > until:
                self.left.large += len(wanted) - number
                break
            medium = self._picture(address)
            if medium is not None:
                known.add(address, medium)
            tell((number + 1) / len(wanted))
        self._session.close()

    def _picture(self, address: str) -> Medium | None:
        octets = self._octets_of(address)
        if octets is None:
            return None
        type_ = filetype(octets[:HEAD])
        if type_ in UNSTRIPPED:
            self.left.unstripped += 1
            return None
        try:
            if type_ not in STRIPPED:
                raise BadPicture("no picture")
            picture = strip(octets, type_)
        except BadPicture:
            self.left.damaged += 1
            return None
        if min(picture.width, picture.height) < SMALLEST:
            return None
        digest = hashlib.sha256(picture.octets).hexdigest()
        if digest not in self._media:
            self._media.keep([picture.octets], most=len(picture.octets))
            self.fresh.add(digest)
        size = picture.width, picture.height
        return Medium(digest, MediumKind.PHOTO, type_, len(picture.octets), "", *size)

    def _octets_of(self, address: str) -> bytes | None:
        """What lies at an address. None: it cannot be had, which was counted."""
        self._guard.begin(SECONDS)
        try:
            with self._session.get(address, stream=True, timeout=READ_SECONDS) as answer:
                if answer.status_code != 200 or answer.headers.get("Content-Encoding", "identity") != "identity":
                    self.left.missing += 1
                    return None
                octets = bytearray()
                for piece in answer.iter_content(READ):
                    octets += piece
                    self._octets += len(piece)
                    if len(octets) > self._most:
                        self.left.large += 1
                        return None
                if self._guard.late:  # the end of what was cut off looks like that of a file
                    self.left.missing += 1
                    return None
                return bytes(octets)
        except (requests.RequestException, OSError, ValueError):
            if self._guard.forbidden:
                self.left.forbidden += 1
            else:
                self.left.missing += 1
            return None
        finally:
            self._guard.end()


def _name(address: str) -> str:
    """Under which name a picture is noted."""
    return f"picture {hashlib.sha256(address.encode('utf-8', 'replace')).hexdigest()}"
