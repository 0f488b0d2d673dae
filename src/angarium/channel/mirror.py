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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from angarium.channel import proof, successor
from angarium.channel.minisign import PublicKey
from angarium.channel.proof import BadManifest, Line, Manifest
from angarium.channel.roll import Limits, Roll
from angarium.channel.site.staging import INCOMING
from angarium.channel.source import Folder, Source, SourceMissing, SourceTooLarge
from angarium.channel.verification import (
    SIGNATURE_OCTETS,
    STATE,
    Refused,
    entries,
    hashed,
    octets_of,
    read,
    statements,
    strangers,
)
from angarium.reach.files import write_whole

__all__ = ["Copied", "Mirror", "NoCopy", "NoRoom", "Older"]

RESERVE = 32 << 20
"""Octets of the disk that are left to others."""
OFTEN = 16 << 20
"""Octets of a file after which it is looked again whether there is room."""
TRIES = 3
"""How often it is begun again when the site changed under our hands."""
FIRST = ("media/", "static/", "post/")
"""What other pages lead to."""
LAST = ("index.html", "list.js")
"""What leads to other pages."""

Progress = Callable[[int, int], None]
Before = Callable[[Line], Iterator[tuple[str, str]]]


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
        incoming, before = self.folder / INCOMING, self._lists_before()
        if sum(octets_of(each) or 0 for each in files_in(incoming)) > self._limits.octets:
            shutil.rmtree(incoming)  # left by states that were refused
        incoming.mkdir(exist_ok=True)
        roll = Roll(manifest, self._limits)
        touched = [entry for entry in manifest.lists if self._read(entry, source, roll, before)]
        roll.close()
        self._no_file_is_a_folder(manifest, roll)
        for left in files_in(incoming):
            if not roll.wants(left.name):
                left.unlink()
        fetched = self._fetch_all(touched, source, roll, before, progress)
        self._remember(state)
        self.manifest, self._key = manifest, manifest.key
        removed = self._place(touched, manifest, state, roll, before)
        os.sync()  # files are on the disk before it is said that they are
        self._remember(State(state.manifest, state.signature, True))
        shutil.rmtree(incoming)
        self._sweep()
        return Copied(manifest, fetched, removed, followed, apart)

    def _read(self, entry: Line, source: Source, roll: Roll, before: Before) -> bool:
        """Read a list, and count what it names; whether it names files that are not known to be here."""
        self._fetch(entry, source, proof.MOST_OCTETS, roll)
        known, touched = dict(before(entry)), False
        for line in self._lines(entry):
            roll.name(line.path)
            size = octets_of(self._in_place(line)) if known.get(line.path) == line.digest else None
            if size is None:
                roll.want(line.digest)
                touched = True
            else:
                roll.weigh(size)
        return touched

    def _new(self, entry: Line, before: Before) -> Iterator[Line]:
        """Of the files that a list names, those that are not known to be here."""
        known = dict(before(entry))
        for line in self._lines(entry):
            if known.get(line.path) != line.digest or octets_of(self._in_place(line)) is None:
                yield line

    def _no_file_is_a_folder(self, manifest: Manifest, roll: Roll) -> None:
        for entry in manifest.lists:
            if entry.path in roll.folders:
                for line in self._lines(entry):
                    if line.path in roll.folders[entry.path]:
                        raise Refused(f"{line.path} is named as a file and as a folder")

    def _fetch_all(self, lists: list[Line], source: Source, roll: Roll, before: Before, progress: Progress) -> int:
        """Have all that is new beside the copy, and room for it; how many files had to be fetched."""
        fetched = more = 0
        new = (line for entry in lists for line in self._new(entry, before))
        for done, line in enumerate(new, 1):
            fetched += self._fetch(line, source, roll.largest, roll)
            if line.digest in roll.several:  # lies beside the copy and in its places
                more += octets_of(self._staged(line)) or 0
            progress(done, roll.new)
        self._room(more)
        return fetched

    def _room(self, octets: int = 0) -> None:
        """Raises NoRoom."""
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

    def _lists_before(self) -> Before:
        """What a list said when the copy was whole, as path and SHA-256: such files need not be read again."""
        lists = {line.path: line.digest for line in self.manifest.lists} if self.manifest else {}
        whole = self._state is not None and self._state.whole

        def before(entry: Line) -> Iterator[tuple[str, str]]:
            if whole and entry.path in lists:
                try:
                    old = (self.folder / entry.path).read_bytes()
                except OSError:
                    return
                if proof.digest(old) == lists[entry.path]:
                    yield from ((line.path, line.digest) for line in entries(entry, old))

        return before

    def _fetch(self, line: Line, source: Source, most: int, roll: Roll) -> int:
        """Have a file's octets beside the copy, or in it already; whether they had to be fetched."""
        staged = self._staged(line)
        for there in (staged, self._in_place(line)):
            if hashed(there) == line.digest:
                roll.weigh(octets_of(there) or 0)
                return 0
            staged.unlink(missing_ok=True)
        self._room()
        staged.parent.mkdir(exist_ok=True)
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

    def _lines(self, entry: Line) -> Iterator[Line]:
        """What a list names, where the list is at the time."""
        staged = self._staged(entry)
        yield from entries(entry, (staged if staged.exists() else self._in_place(entry)).read_bytes())

    def _staged(self, line: Line) -> Path:
        """Where a file lies before it takes its place."""
        return self.folder / INCOMING / line.digest[:2] / line.digest

    def _in_place(self, line: Line) -> Path:
        return self.folder / line.path

    def _place(self, touched: list[Line], manifest: Manifest, state: State, roll: Roll, before: Before) -> int:
        """Put everything in its place, the manifest last, and remove what does not belong; how much that was."""
        for stage in range(3):
            for entry in reversed(touched):
                for line in self._new(entry, before):
                    if when(line.path) == stage:
                        self._move(line, roll)
        for entry in manifest.lists:
            self._move(entry, roll)
        for path, content in ((proof.SIGNATURE, state.signature), (proof.MANIFEST, state.manifest)):
            (part := self.folder / f"{path}.part").write_bytes(content)
            part.replace(self.folder / path)
        removed = 0
        for stranger in strangers(self.folder, manifest):
            (self.folder / stranger).unlink()
            removed += 1
        return removed

    def _move(self, line: Line, roll: Roll) -> None:
        """Put a file into its place, if it came."""
        staged, place = self._staged(line), self._in_place(line)
        if staged.exists() and hashed(place) != line.digest:
            clear(place, self.folder)
            if line.digest in roll.several:
                shutil.copyfile(staged, part := place.with_name(f".{place.name}.part"))
                staged = part
            staged.replace(place)

    def _sweep(self) -> None:
        """Remove empty folders."""
        for above, folders, names in os.walk(self.folder, topdown=False):
            if not names and not any(os.path.lexists(os.path.join(above, name)) for name in folders):
                os.rmdir(above)

    def _remember(self, state: State) -> None:
        write_whole(self.folder / STATE, msgspec.msgpack.encode(state))
        self._state = state


def when(path: str) -> int:
    """At which stage a file takes its place: nothing leads to what is not there yet."""
    if path.startswith(FIRST):
        return 0
    return 2 if "/" not in path or path.endswith(LAST) else 1


def clear(place: Path, folder: Path) -> None:
    """Make way for a file: what is in its place and none, and what is in the place of a folder above it and is none."""
    for above in reversed([each for each in place.parents if folder in each.parents]):
        if above.is_symlink() or (above.exists() and not above.is_dir()):
            above.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)


def files_in(folder: Path) -> Iterator[Path]:
    """All files in a folder and the folders in it."""
    for above, _, names in os.walk(folder):
        yield from (Path(above, name) for name in names)
