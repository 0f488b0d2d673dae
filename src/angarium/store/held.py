"""Parcels held for other relays, and papers: each a hidden row in a place that looks like chance.

A parcel lies where its box and its own hash say, keyed: the same parcel comes to lie in the same place, and no column
says in which box it is. It is wrapped once more, under a key in its hidden row: what lies there is like nothing that
was ever on the wire, and with its row destroyed it is noise, for the relay it was for too.
"""

import asyncio
from collections.abc import Collection

import msgspec

from angarium.store.boxes import Held
from angarium.store.interfaces import StoreError
from angarium.store.rows import Backend, News, Reading, Writing
from angarium.store.seal import Seal

__all__ = ["StoredBoxes", "StoredPapers"]

LARGE = 262_144
"""Parcels above this are wrapped in a thread."""
_PAPER = 1_024
"""Papers up to so many bytes look alike."""


class _Note(msgspec.Struct, array_like=True, frozen=True):
    """What is hidden of a parcel."""

    box: bytes
    name: bytes
    octets: int
    key: bytes


class _Paper(msgspec.Struct, array_like=True, frozen=True):
    """What is hidden of a paper."""

    kind: str
    name: str
    content: bytes


_note = msgspec.msgpack.Decoder(_Note)
_paper = msgspec.msgpack.Decoder(_Paper)


class StoredBoxes:
    """See `store.boxes.Boxes`."""

    def __init__(self, backend: Backend, seal: Seal) -> None:
        self._backend = backend
        self._seal = seal

    async def put(self, box: bytes, name: bytes, parcel: bytes, *, day: int) -> bool:
        """See `Boxes.put`."""
        place = self._place(box, name)
        if len(parcel) <= LARGE:
            key, body = self._seal.wrap(parcel)
        else:
            key, body = await asyncio.to_thread(self._seal.wrap, parcel)
        note = _Note(box, name, len(parcel), key)
        hidden = self._seal.hide(msgspec.msgpack.encode(note), bound=_bound(place))

        def job(rows: Writing, news: News) -> bool:
            there = rows.parcel(place)
            if there is None:
                rows.add_parcel(place, day, hidden, body)
            elif self._shown(place, there).name != name:
                raise StoreError("two parcels for one place: it must be sealed anew")
            return there is None

        return await self._backend.write(job, heavy=len(parcel) > LARGE)

    async def all(self) -> list[Held]:
        """See `Boxes.all`."""

        def look(rows: Reading) -> list[Held]:
            shown = ((day, self._shown(place, note)) for place, day, note in rows.parcels())
            return [Held(note.box, note.name, note.octets, day) for day, note in shown]

        return await self._backend.read(look, heavy=True)

    async def parcel(self, box: bytes, name: bytes) -> bytes | None:
        """See `Boxes.parcel`."""
        place = self._place(box, name)

        def look(rows: Reading) -> bytes | None:
            note, body = rows.parcel(place), rows.parcel_body(place)
            if note is None or body is None:
                return None
            shown = self._shown(place, note)
            return self._seal.unwrap(shown.key, body) if shown.name == name else None

        return await self._backend.read(look, heavy=True)

    async def remove(self, box: bytes, names: Collection[bytes]) -> None:
        """See `Boxes.remove`."""
        places = [self._place(box, name) for name in names]
        await self._backend.write(lambda rows, news: rows.remove_parcels(places), heavy=True)

    def _place(self, box: bytes, name: bytes) -> int:
        return int.from_bytes(self._seal.name("parcel", f"{box.hex()} {name.hex()}")[:8], signed=True)

    def _shown(self, place: int, note: bytes) -> _Note:
        return _note.decode(self._seal.reveal(note, bound=_bound(place)))


class StoredPapers:
    """See `store.boxes.Papers`."""

    def __init__(self, backend: Backend, seal: Seal) -> None:
        self._backend = backend
        self._seal = seal

    async def get(self, kind: str, name: str) -> bytes | None:
        """See `Papers.get`."""
        paper = self._paper(kind, name)
        hidden = await self._backend.read(lambda rows: rows.paper(paper))
        return None if hidden is None else self._shown(paper, hidden).content

    async def put(self, kind: str, name: str, content: bytes | None) -> None:
        """See `Papers.put`."""
        paper = self._paper(kind, name)
        hidden = None
        if content is not None:
            packed = msgspec.msgpack.encode(_Paper(kind, name, content))
            hidden = self._seal.hide(packed, bound=paper, least=_PAPER)
        await self._backend.write(lambda rows, news: rows.put_paper(paper, hidden))

    async def all(self, kind: str) -> dict[str, bytes]:
        """See `Papers.all`."""
        rows = await self._backend.read(lambda rows: rows.papers())
        shown = sorted((self._shown(*row) for row in rows), key=lambda paper: paper.name)
        return {paper.name: paper.content for paper in shown if paper.kind == kind}

    def _paper(self, kind: str, name: str) -> bytes:
        return self._seal.name("paper", f"{kind} {name}")

    def _shown(self, paper: bytes, hidden: bytes) -> _Paper:
        return _paper.decode(self._seal.reveal(hidden, bound=paper))


def _bound(place: int) -> bytes:
    return b"parcel %d" % place
