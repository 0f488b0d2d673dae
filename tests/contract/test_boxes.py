"""Parcels held for other relays, and papers: the same in every back-end, and hidden in every row."""

import hashlib
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from angarium.store.boxes import Held
from angarium.store.interfaces import StoreError

if TYPE_CHECKING:
    from tests.contract.conftest import World

Durable = tuple["World", Callable[[], Awaitable[None]]]

ONE, TWO = b"\1" * 16, b"\2" * 16


def name(parcel: bytes) -> bytes:
    return hashlib.sha256(parcel).digest()


async def put(world: "World", box: bytes, parcel: bytes, day: int = 100) -> bool:
    return await world.store.boxes.put(box, name(parcel), parcel, day=day)


def by_name(held: list[Held]) -> list[Held]:
    return sorted(held, key=lambda each: (each.box, each.name))


async def test_a_parcel_is_held_once_in_each_box(world: "World") -> None:
    assert [await put(world, ONE, b"a"), await put(world, ONE, b"a", 101), await put(world, TWO, b"a", 102)] == [
        True,
        False,
        True,
    ]
    assert by_name(await world.store.boxes.all()) == [Held(ONE, name(b"a"), 1, 100), Held(TWO, name(b"a"), 1, 102)]
    assert await world.store.boxes.parcel(ONE, name(b"a")) == b"a"
    assert await world.store.boxes.parcel(ONE, name(b"b")) is None


async def test_what_was_removed_is_gone_and_may_come_again(world: "World") -> None:
    for parcel in (b"a", b"b" * 100_000, b"c"):
        await put(world, ONE, parcel)
    await world.store.boxes.remove(ONE, [name(b"a"), name(b"b" * 100_000), name(b"never there")])
    await world.store.boxes.remove(TWO, [name(b"c")])
    assert [each.name for each in await world.store.boxes.all()] == [name(b"c")]
    assert await world.store.boxes.parcel(ONE, name(b"a")) is None
    assert await put(world, ONE, b"a", 105)
    assert Held(ONE, name(b"a"), 1, 105) in await world.store.boxes.all()


async def test_two_parcels_for_one_place_do_not_take_each_others_room(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(world.store.boxes), "_place", lambda self, box, name: 7)
    await put(world, ONE, b"a")
    with pytest.raises(StoreError, match="sealed anew"):
        await put(world, ONE, b"b")
    assert await world.store.boxes.parcel(ONE, name(b"b")) is None
    assert await world.store.boxes.parcel(ONE, name(b"a")) == b"a"


async def test_papers(world: "World") -> None:
    papers = world.store.papers
    await papers.put("card", "b.example", b"one")
    await papers.put("card", "a.example", b"two")
    await papers.put("box", "a.example", b"three" * 500)
    await papers.put("card", "b.example", b"four")
    assert await papers.all("card") == {"a.example": b"two", "b.example": b"four"}
    assert list(await papers.all("card")) == ["a.example", "b.example"]
    assert await papers.get("box", "a.example") == b"three" * 500
    assert await papers.get("box", "b.example") is None
    for _ in range(2):
        await papers.put("card", "a.example", None)
    assert await papers.all("card") == {"b.example": b"four"}


async def test_all_of_it_is_there_again(durable: Durable) -> None:
    world, reopen = durable
    await put(world, ONE, b"a" * 70_000)
    await world.store.papers.put("card", "a.example", b"one")
    await reopen()
    assert await world.store.boxes.all() == [Held(ONE, name(b"a" * 70_000), 70_000, 100)]
    assert await world.store.boxes.parcel(ONE, name(b"a" * 70_000)) == b"a" * 70_000
    assert await world.store.papers.get("card", "a.example") == b"one"


async def test_the_disk_says_neither_whose_nor_what(durable: Durable) -> None:
    world, _ = durable
    if world.seal.form == "clear":
        pytest.skip("this seal hides nothing")
    for box in (ONE, TWO):
        await put(world, box, b"\1parcel" + bytes(3_833))
    await world.store.papers.put("card", "a.example", b"a line of text")
    await world.store.papers.put("box", "b.example", b"a line of text" * 60)
    assert world.directory is not None
    with closing(sqlite3.connect(world.directory / "store.db")) as database:
        parcels = database.execute("SELECT place, day, note, body FROM parcels JOIN parcel_bodies USING (place)")
        rows = parcels.fetchall()
        papers = database.execute("SELECT paper, content FROM papers").fetchall()
    assert len({len(note) for _, _, note, _ in rows}) == 1
    assert {len(body) for _, _, _, body in rows} == {4_064}  # as long as a text's
    assert len({len(content) for _, content in papers}) == 1
    whole = b"".join(b"".join(piece for piece in row if isinstance(piece, bytes)) for row in (*rows, *papers))
    for clear in (ONE, TWO, b"parcel", b"a.example", b"card", b"a line", name(b"\1parcel" + bytes(3_833))):
        assert clear not in whole
