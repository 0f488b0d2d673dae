"""What a manifest says of the files in a folder, and whether it is so: for who copies a site, and for who checks one.

A list names the files of the one folder that it is called by, so each folder can be looked at by itself: a site of
any size takes the memory of its largest list.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from angarium.channel import proof, successor
from angarium.channel.minisign import PublicKey
from angarium.channel.proof import BadManifest, Line, Manifest
from angarium.channel.site.staging import INCOMING
from angarium.channel.source import Folder, Source, SourceError, SourceMissing

__all__ = [
    *("SIGNATURE_OCTETS", "STATE", "Refused"),
    *("entries", "hashed", "octets_of", "read", "statements", "strangers", "verify"),
]

STATE = ".mirror"
"""What a copy remembers, in its folder."""
SIGNATURE_OCTETS = 16_384


class Refused(Exception):
    """What is there is not the channel's, or not as the channel left it, or more than may be taken; the text says what
    is wrong. Nothing of it was taken over."""


def verify(folder: Path, key: PublicKey | None = None) -> Manifest:
    """Check a copy where it lies, every file of it, and that there is nothing else.

    Raises:
        Refused: something is wrong; the text says what.
    """
    source, files = Folder(folder), 0
    try:
        manifest = proof.checked(read(source, proof.MANIFEST), read(source, proof.SIGNATURE, SIGNATURE_OCTETS))
        if key and manifest.key != key and not successor.leads(key, statements(source), manifest.key):
            raise Refused(f"it is signed by another key, {manifest.key}")
        for entry in manifest.lists:
            compare(folder, entry)
            for line in entries(entry, read(source, entry.path)):
                compare(folder, line)
                files += 1
    except (BadManifest, SourceError) as error:
        raise Refused(str(error)) from None
    if files != manifest.files:
        raise Refused("the lists do not name as many files as the manifest says")
    for stranger in strangers(folder, manifest):
        raise Refused(f"{stranger} does not belong to the site")
    return manifest


def compare(folder: Path, line: Line) -> None:
    """Whether a file is what was signed. Raises Refused."""
    place = f"{folder}/{line.path}"
    if os.path.islink(place) or hashed(place) != line.digest:
        raise Refused(f"{line.path} is not the file that the channel signed")


def strangers(folder: Path, manifest: Manifest) -> Iterator[str]:
    """What is in a copy's folder and belongs neither to the site nor to the copy itself.

    The lists that the manifest names have to be there.
    """
    lists = {entry.path: entry for entry in manifest.lists}
    for above, folders, names in os.walk(folder):
        inside = "" if Path(above) == folder else Path(above).relative_to(folder).as_posix()
        if not inside:
            folders[:] = [name for name in folders if name not in {STATE, INCOMING}]
            names = [name for name in names if name not in {STATE, INCOMING}]
        entry = lists.get(proof.list_name(inside))
        belonging = {line.path for line in entries(entry, (folder / entry.path).read_bytes())} if entry else set()
        if inside == "proof":
            belonging |= {proof.MANIFEST, proof.SIGNATURE}
        if f"{inside}/" == proof.LISTS:
            belonging |= lists.keys()
        links = [name for name in folders if os.path.islink(os.path.join(above, name))]
        for name in (*names, *links):
            path = f"{inside}/{name}" if inside else name
            if path not in belonging:
                yield path


def statements(source: Source) -> list[successor.Handover]:
    """What a site has of statements about its keys, up to the first that is missing or not good."""
    found: list[successor.Handover] = []
    while len(found) < successor.MOST:
        place = f"{successor.KEYS}{len(found) + 1}"
        try:
            pieces = [read(source, place + ending, SIGNATURE_OCTETS) for ending in ("", ".minisig", ".new.minisig")]
            found.append(successor.parse(*pieces))
        except (SourceMissing, successor.BadHandover):
            break
    return found


def read(source: Source, path: str, most: int = proof.MOST_OCTETS) -> bytes:
    """A whole file. Raises SourceError."""
    return b"".join(source.pieces(path, most))


def entries(entry: Line, content: bytes) -> Iterator[Line]:
    """The files that a list names. Raises Refused."""
    try:
        yield from proof.listing(entry, content)
    except BadManifest as error:
        raise Refused(str(error)) from None


def hashed(path: Path | str) -> str:
    """A file's SHA-256; empty: there is none, or it is no plain file."""
    if octets_of(path) is None:
        return ""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def octets_of(path: Path | str) -> int | None:
    """How many octets a file has; None: there is none, or it is no plain file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
