"""A copy of a site where it lies: its parts as they are read, and the whole of it checked."""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

from angarium.channel import proof, successor
from angarium.channel.minisign import PublicKey
from angarium.channel.proof import BadManifest, Line, Manifest
from angarium.channel.roll import Refused
from angarium.channel.source import Folder, Source, SourceError, SourceMissing

__all__ = ["INCOMING", "SIGNATURE_OCTETS", "STATE", "entries", "hashed", "octets_of", "read", "statements", "verify"]

STATE, INCOMING = ".mirror", ".incoming"
"""What a copy remembers, and what is on its way into it."""
SIGNATURE_OCTETS = 16_384


def verify(folder: Path, key: PublicKey | None = None) -> Manifest:
    """Check a copy where it lies, every file of it, and that there is nothing else.

    Raises:
        Refused: something is wrong; the text says what.
    """
    source = Folder(folder)
    try:
        manifest = proof.checked(read(source, proof.MANIFEST), read(source, proof.SIGNATURE, SIGNATURE_OCTETS))
        if key and manifest.key != key and not successor.leads(key, statements(source), manifest.key):
            raise Refused(f"it is signed by another key, {manifest.key}")
        paths: set[str] = {proof.MANIFEST, proof.SIGNATURE}
        for entry in manifest.lists:
            for line in (entry, *entries(read(source, entry.path))):
                if line.path in paths:
                    raise Refused(f"{line.path} is named twice")
                paths.add(line.path)
                if (folder / line.path).is_symlink() or hashed(folder / line.path) != line.digest:
                    raise Refused(f"{line.path} is not the file that the channel signed")
    except (BadManifest, SourceError) as error:
        raise Refused(str(error)) from None
    if len(paths) != manifest.files + len(manifest.lists) + 2:
        raise Refused("the lists do not name as many files as the manifest says")
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if (
            (path.is_symlink() or not path.is_dir())
            and str(inside) not in paths
            and inside.parts[0] not in {STATE, INCOMING}
        ):
            raise Refused(f"{inside} does not belong to the site")
    return manifest


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


def entries(content: bytes) -> Iterator[Line]:
    """The files that a list names. Raises Refused."""
    try:
        yield from proof.entries(content.decode())
    except (UnicodeDecodeError, BadManifest) as error:
        raise Refused(str(error)) from None


def hashed(path: Path) -> str:
    """A file's SHA-256; empty: there is none, or it is no plain file."""
    if octets_of(path) is None:
        return ""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def octets_of(path: Path) -> int | None:
    """How many octets a file has; None: there is none, or it is no plain file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
