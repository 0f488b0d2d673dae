"""The manifest of a site: what belongs to it, with whose key it is signed, and which state of it this is.

Text, in the form that sha256sum checks: lines that begin with # say what the state is, and the others name lists by
their SHA-256. Each list names the files of one folder in the same form, so a new post brings one new list and not all,
and whoever checks needs no more memory than for one.
The signature stands beside the manifest. Whoever has both and the key can check everything, with programs of others
too:

    # Angarium site 1
    # channel: The news
    # serial: 1795689600
    # made: 2026-11-26T11:00:00+00:00
    # key: RWQf6LRC…
    # previous: 1795686000 5f3e…
    # address: https://news.example.org/
    # mirror: https://other.example/news/
    # largest: 1234567
    # files: 321
    0c1f…  proof/lists/post-0.sums

A serial number is never less than the time in seconds since 1970, so that a newsroom that lost its disk goes on where
it was, and more than the one before, so that a clock that went wrong stops nobody. The manifest before this one is
named too: two that both follow on the same one cannot both be believed. Pure: no disk, no network, no clock.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from angarium.channel.minisign import BadKey, BadSignature, PublicKey
from angarium.channel.settings import address

__all__ = [
    *("MANIFEST", "MOST_OCTETS", "OWN", "SIGNATURE", "BadManifest", "Line", "Manifest"),
    *("checked", "digest", "entries", "list_name", "listed", "listing", "parse"),
]

MANIFEST, SIGNATURE = "proof/manifest", "proof/manifest.minisig"
LISTS = "proof/lists/"
OWN = (LISTS, MANIFEST)
"""How the paths begin that no list names."""
MOST_OCTETS = 4_000_000
"""Of a manifest or a list."""
MOST_MIRRORS = 100
MOST_NAME = 200
"""Letters of a path."""
FIRST = "# Angarium site 1"
LINE = re.compile(r"([0-9a-f]{64})  ([a-z0-9_.-]+(?:/[a-z0-9_.-]+){0,5})")
HEAD = re.compile(r"# ([a-z]+): ([^\r\n]*)")
PREVIOUS = re.compile(r"(\d{1,12}) ([0-9a-f]{64})")
NUMBER = re.compile(r"\d{1,12}")
ONCE = ("channel", "serial", "made", "key", "previous", "address", "largest", "files")


class BadManifest(Exception):
    """This is no manifest, no list, or not signed as it must be; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A file: its SHA-256 in hexadecimal, and its path in the site."""

    digest: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a manifest says."""

    channel: str
    serial: int
    made: str
    key: PublicKey
    previous: tuple[int, str] | None = None
    """Serial number and SHA-256 of the manifest before."""
    address: str = ""
    mirrors: tuple[str, ...] = ()
    largest: int = 0
    """Octets of the largest file."""
    files: int = 0
    lists: tuple[Line, ...] = ()

    def text(self) -> str:
        """The file."""
        before = [f"# previous: {self.previous[0]} {self.previous[1]}"] if self.previous else []
        where = [f"# address: {self.address}"] if self.address else []
        return "\n".join(
            [
                FIRST,
                f"# channel: {' '.join(self.channel.split())}",
                f"# serial: {self.serial}",
                f"# made: {self.made}",
                f"# key: {self.key}",
                *before,
                *where,
                *(f"# mirror: {mirror}" for mirror in self.mirrors),
                f"# largest: {self.largest}",
                f"# files: {self.files}",
                *written(self.lists),
                "",
            ]
        )


def parse(text: str) -> Manifest:
    """A manifest, of which nothing is believed yet. Raises BadManifest."""
    lines = text.splitlines()
    if not lines or lines[0] != FIRST:
        raise BadManifest("this is no manifest of a site, or one of a later release")
    said: dict[str, str] = {}
    mirrors: list[str] = []
    at = 1
    while at < len(lines) and (head := HEAD.fullmatch(lines[at])):
        name, value = head.groups()
        if name == "mirror":
            mirrors.append(value)
        elif name in said:
            raise BadManifest(f"the manifest says twice what its {name} is")
        else:
            said[name] = value
        at += 1
    lists = tuple(entries("\n".join(lines[at:])))
    if not all(line.path.startswith(LISTS) for line in lists):
        raise BadManifest("the manifest names something that is no list")
    return gathered(said, mirrors, lists)


def gathered(said: dict[str, str], mirrors: list[str], lists: tuple[Line, ...]) -> Manifest:
    """A manifest from what its lines say. Raises BadManifest."""
    for name in ("serial", "largest", "files"):
        if not NUMBER.fullmatch(said.get(name, "")):
            raise BadManifest(f"the manifest does not say what its {name} is")
    previous = PREVIOUS.fullmatch(said["previous"]) if "previous" in said else None
    if "previous" in said and not previous:
        raise BadManifest("the manifest does not say which one was before")
    where = [said.get("address", ""), *mirrors]
    if len(mirrors) > MOST_MIRRORS or any(each and address(each) != each for each in where):
        raise BadManifest("the manifest names an address that is none")
    try:
        key = PublicKey.parse(said.get("key", ""))
    except BadKey as error:
        raise BadManifest(f"the manifest's key: {error}") from None
    return Manifest(
        channel=said.get("channel", ""),
        serial=int(said["serial"]),
        made=said.get("made", ""),
        key=key,
        previous=(int(previous[1]), previous[2]) if previous else None,
        address=where[0],
        mirrors=tuple(mirrors),
        largest=int(said["largest"]),
        files=int(said["files"]),
        lists=lists,
    )


def checked(text: bytes, signature: bytes) -> Manifest:
    """A manifest that the key it names has signed. Whether that is the right key is another question.

    Raises:
        BadManifest: it is none, or the key has not.
    """
    try:
        manifest = parse(text.decode())
        manifest.key.verify(text, signature.decode("utf-8", "replace"))
    except UnicodeDecodeError:
        raise BadManifest("this is no manifest of a site") from None
    except BadSignature as error:
        raise BadManifest(f"the manifest's signature: {error}") from None
    return manifest


def entries(text: str) -> Iterator[Line]:
    """The files that a list names.

    Raises:
        BadManifest: a line is none, or names a place outside of the site, or a file twice.
    """
    seen = set()
    for line in text.splitlines():
        found = LINE.fullmatch(line)
        if found is None or len(found[2]) > MOST_NAME or any(map(_hidden, found[2].split("/"))):
            raise BadManifest("a list has a line that names no file of a site")
        if found[2] in seen:
            raise BadManifest("a list names a file twice")
        seen.add(found[2])
        yield Line(*found.groups())


def _hidden(part: str) -> bool:
    return part.startswith(".") or part.endswith(".")


def listing(entry: Line, content: bytes) -> Iterator[Line]:
    """The files that a list of a manifest names, all of them in the one folder that it is called by.

    Raises:
        BadManifest: it is no such list.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise BadManifest("a list is none") from None
    for line in entries(text):
        if line.path.startswith(OWN) or list_name(line.path.rpartition("/")[0]) != entry.path:
            raise BadManifest("a list names a file that is not of its folder")
        yield line


def listed(lines: Iterable[Line]) -> bytes:
    """A list as a file."""
    return "\n".join([*written(lines), ""]).encode()


def written(lines: Iterable[Line]) -> list[str]:
    """Lines as sha256sum writes them."""
    return [f"{line.digest}  {line.path}" for line in lines]


def list_name(folder: str) -> str:
    """Where the list of a folder lies."""
    return f"{LISTS}{folder.replace('/', '_') or '_'}.sums"


def digest(content: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
