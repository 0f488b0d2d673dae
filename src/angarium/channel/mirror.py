"""A copy of a channel's site, of which every file is checked before it is shown, and which only ever goes forward.

What is remembered lies in the copy: the manifest that was accepted last. A new one has to be signed by the same key, or
by one that the same key has handed over to (`successor`), and to come after it. All that is new is fetched beside the
copy, under the name of its SHA-256, and checked; only when all of it is there does it take its place, and the manifest
last. Cut short at any time, the next run fetches what is missing. While files take their places, a reader may see old
and new together; the copy says so itself until it is done, since its manifest does not fit.

A folder that is to become a copy must be empty, or be one. What is in it and not in the manifest is removed.
"""

import errno
import fcntl
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from angarium.channel import proof, successor
from angarium.channel.copies import INCOMING, SIGNATURE_OCTETS, STATE, entries, hashed, octets_of, read, statements
from angarium.channel.minisign import PublicKey
from angarium.channel.proof import BadManifest, Line, Manifest
from angarium.channel.roll import Limits, Refused, Roll
from angarium.channel.source import Folder, Source, SourceMissing, SourceTooLarge
from angarium.reach.files import write_whole

__all__ = ["Copied", "Mirror", "NoCopy", "NoRoom", "Older"]

RESERVE = 32 << 20
"""Octets of the disk that are left to others."""
OFTEN = 16 << 20
"""Octets of a file after which it is looked again whether there is room."""
TRIES = 3
"""How often it is begun again when the site changed under our hands."""

Progress = Callable[[int, int], None]


class Older(Refused):
    """It is the channel's, and not the latest."""


class NoRoom(Exception):
    """The disk is full, or would be; the text says how much is left. The copy is as it was."""


class NoCopy(Exception):
    """The folder cannot hold a copy; the text says why."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a run did."""

    manifest: Manifest
    fetched: int
    removed: int
    followed: bool
    """The channel has another key than before."""
    apart: bool
    """It does not come after the state that was here: a backup was restored, or somebody else has the key."""


class State(msgspec.Struct):
    """The manifest that was accepted last."""

    manifest: bytes
    signature: bytes
    whole: bool
    """Everything in it has its place."""


class Mirror:
    """A copy in a folder, made or brought up to date. For one process at a time.

    Raises:
        NoCopy: the folder holds something else, or another process is at work in it.
        Refused: what is remembered in it does not come from `key`.
    """

    def __init__(self, folder: Path, key: PublicKey | None = None, limits: Limits = Limits()) -> None:  # noqa: B008 (frozen)
        """`key`: whose copy it is to be; None: whoever signs the first one. `limits`: what it takes at most."""
        self.folder = folder
        self._limits = limits
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder, os.O_RDONLY)
        try:
            self._seize(key)
        except BaseException:
            os.close(self._lock)
            raise

    def _seize(self, key: PublicKey | None) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NoCopy(f"another process is at work in {self.folder}") from None
        self._state = self._remembered()
        self.manifest = proof.checked(self._state.manifest, self._state.signature) if self._state else None
        self._key = self.manifest.key if self.manifest else key
        if self.manifest and key and not successor.leads(key, statements(Folder(self.folder)), self.manifest.key):
            raise Refused(f"{self.folder} holds a copy of another channel: it is signed by {self.manifest.key}")

    def _remembered(self) -> State | None:
        try:
            return msgspec.msgpack.decode((self.folder / STATE).read_bytes(), type=State)
        except FileNotFoundError:
            pass
        except msgspec.DecodeError:
            raise NoCopy(f"{self.folder / STATE} is damaged. Delete it, and give the key with --key") from None
        inside = [path for path in self.folder.iterdir() if path.name != INCOMING]
        if not inside:
            return None
        try:
            state = State(
                (self.folder / proof.MANIFEST).read_bytes(), (self.folder / proof.SIGNATURE).read_bytes(), False
            )
            proof.checked(state.manifest, state.signature)
        except (OSError, BadManifest):
            raise NoCopy(f"{self.folder} is not empty, and no copy of a site. Take an empty folder") from None
        return state

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._lock)

    def __enter__(self) -> "Mirror":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update(self, source: Source, progress: Progress = lambda done, of: None) -> Copied:
        """Bring the copy to the state that `source` has.

        Raises:
            Refused: what it has is forged, damaged or older. The copy is as it was.
            SourceError: it could not be had. What was fetched is kept for the next time.
            NoRoom: the disk is full. The copy is as it was.
            OSError: the disk.
        """
        try:
            return self._tried(source, progress)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoRoom(f"the disk of {self.folder} is full") from None
            raise

    def _tried(self, source: Source, progress: Progress) -> Copied:
        for left in reversed(range(TRIES)):
            text, signature = read(source, proof.MANIFEST), read(source, proof.SIGNATURE, SIGNATURE_OCTETS)
            try:
                manifest = self._accept(text, signature, source)
                return self._take(State(text, signature, False), manifest, source, progress)
            except Refused:
                if not left or read(source, proof.MANIFEST) == text:
                    raise
        raise AssertionError("the last try returns or raises")

    def _accept(self, text: bytes, signature: bytes, source: Source) -> Manifest:
        """Whether the copy may go on to a manifest."""
        try:
            manifest = proof.checked(text, signature)
        except BadManifest as error:
            raise Refused(str(error)) from None
        if self._key and manifest.key != self._key and not successor.leads(self._key, statements(source), manifest.key):
            raise Refused(
                f"it is signed by another key, {manifest.key}, and nothing by the known one says that it follows"
            )
        if self.manifest and self._state and text != self._state.manifest:
            if manifest.serial < self.manifest.serial:
                here = self.manifest.serial
                raise Older(f"it is older than the copy: serial number {manifest.serial}, and here is {here} already")
            if manifest.serial == self.manifest.serial:
                raise Refused("the key has signed two states of the same number: somebody else may have it")
        return manifest

    def _take(self, state: State, manifest: Manifest, source: Source, progress: Progress) -> Copied:
        followed = self.manifest is not None and manifest.key != self.manifest.key
        if self._state and self._state.whole and state.manifest == self._state.manifest:
            return Copied(manifest, 0, 0, followed=False, apart=False)
        apart = self.manifest is not None and self._state is not None and self._apart(manifest)
        roll, uses, moves = Roll(manifest, self._limits), Counter(line.digest for line in manifest.lists), list[Line]()
        incoming = self.folder / INCOMING
        if sum(octets_of(each) or 0 for each in incoming.glob("*")) > self._limits.octets:
            shutil.rmtree(incoming)  # left by states that were refused
        incoming.mkdir(exist_ok=True)
        for line in self._new(manifest, source, roll):
            moves.append(line)
            uses[line.digest] += 1
        roll.close()
        for left in incoming.iterdir():
            if left.name not in uses:
                left.unlink()
        fetched = 0
        for done, line in enumerate(moves):
            fetched += self._fetch(line, source, roll.largest, roll)
            progress(done + 1, len(moves))
        self._room_for(moves, uses)
        self._remember(state)
        self.manifest, self._key = manifest, manifest.key
        removed = self._place([*moves, *manifest.lists], uses, state, roll.paths)
        os.sync()  # files are on the disk before it is said that they are
        self._remember(State(state.manifest, state.signature, True))
        shutil.rmtree(incoming)
        return Copied(manifest, fetched, removed, followed, apart)

    def _new(self, manifest: Manifest, source: Source, roll: Roll) -> Iterator[Line]:
        """The files that are not known to be here already."""
        before = self._lists_before()
        for entry in manifest.lists:
            content = self._list(entry, source, roll)
            known = dict(before(entry, content))
            for line in entries(content):
                roll.name(line.path)
                size = octets_of(self.folder / line.path) if known.get(line.path) == line.digest else None
                if size is None:
                    yield line
                else:
                    roll.weigh(size)

    def _room_for(self, moves: list[Line], uses: Counter[str]) -> None:
        """Files that are in several places are there several times. Raises NoRoom."""
        seen: Counter[str] = Counter()
        more = 0
        for line in moves:
            seen[line.digest] += 1
            if seen[line.digest] > 1:
                more += octets_of(self.folder / INCOMING / line.digest) or 0
        self._room(more)

    def _room(self, octets: int = 0) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < octets + RESERVE:
            raise NoRoom(f"the disk of {self.folder} has {free >> 20} MiB left, and that is too little")

    def _apart(self, manifest: Manifest) -> bool:
        """Whether a later manifest is known not to come after the one here."""
        assert self.manifest is not None
        assert self._state is not None
        previous, own = manifest.previous, (self.manifest.serial, proof.digest(self._state.manifest))
        if self._state.manifest == manifest.text().encode():
            return False
        return previous is None or previous[0] < own[0] or (previous[0] == own[0] and previous != own)

    def _lists_before(self) -> Callable[[Line, bytes], Iterator[tuple[str, str]]]:
        """What a list said when the copy was whole, as path and SHA-256: such files need not be read again."""
        lists = {line.path: line.digest for line in self.manifest.lists} if self.manifest else {}
        whole = self._state is not None and self._state.whole

        def before(entry: Line, content: bytes) -> Iterator[tuple[str, str]]:
            if whole and entry.path in lists:
                try:
                    old = (self.folder / entry.path).read_bytes()
                except OSError:
                    return
                if proof.digest(old) == lists[entry.path]:
                    yield from ((line.path, line.digest) for line in proof.entries(old.decode()))

        return before

    def _list(self, entry: Line, source: Source, roll: Roll) -> bytes:
        self._fetch(entry, source, proof.MOST_OCTETS, roll)
        staged = self.folder / INCOMING / entry.digest
        return (staged if staged.exists() else self.folder / entry.path).read_bytes()

    def _fetch(self, line: Line, source: Source, most: int, roll: Roll) -> int:
        """Have a file's octets beside the copy, or in it already; whether they had to be fetched."""
        staged = self.folder / INCOMING / line.digest
        for there in (staged, self.folder / line.path):
            if hashed(there) == line.digest:
                roll.weigh(there.stat().st_size)
                return 0
        self._room()
        part, found, size = staged.with_suffix(".part"), hashlib.sha256(), 0
        try:
            with part.open("wb") as file:
                for piece in source.pieces(line.path, most):
                    roll.weigh(len(piece))
                    if size // OFTEN != (size + len(piece)) // OFTEN:
                        self._room()
                    size += len(piece)
                    found.update(piece)
                    file.write(piece)
        except (Refused, NoRoom):
            part.unlink()
            raise
        except (SourceMissing, SourceTooLarge) as error:
            raise Refused(str(error)) from None
        if found.hexdigest() != line.digest:
            part.unlink()
            raise Refused(f"{line.path} is not the file that the channel signed")
        part.replace(staged)
        return 1

    def _place(self, moves: list[Line], uses: Counter[str], state: State, paths: set[str]) -> int:
        """Put everything in its place, the manifest last, and remove what does not belong; how much that was."""
        for line in moves:
            staged, place = self.folder / INCOMING / line.digest, self.folder / line.path
            if hashed(place) != line.digest:
                clear(place, self.folder)
                if uses[line.digest] > 1:
                    shutil.copyfile(staged, part := place.with_name(f".{place.name}.part"))
                    staged = part
                staged.replace(place)
            uses[line.digest] -= 1
        for path, content in ((proof.SIGNATURE, state.signature), (proof.MANIFEST, state.manifest)):
            (self.folder / path).write_bytes(content)
        removed = 0
        for there in sorted(self.folder.rglob("*"), reverse=True):
            inside = there.relative_to(self.folder)
            if inside.parts[0] in {STATE, INCOMING}:
                continue
            if there.is_dir() and not there.is_symlink():
                if not any(there.iterdir()):
                    there.rmdir()
            elif str(inside) not in paths:
                there.unlink()
                removed += 1
        return removed

    def _remember(self, state: State) -> None:
        write_whole(self.folder / STATE, msgspec.msgpack.encode(state))
        self._state = state


def clear(place: Path, folder: Path) -> None:
    """Make way for a file: what is in its place and none, and what is in the place of a folder above it and is none."""
    for above in reversed([each for each in place.parents if folder in each.parents]):
        if above.is_symlink() or (above.exists() and not above.is_dir()):
            above.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
