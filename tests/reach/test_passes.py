"""Passes: whom they admit, that they outlive a start, and what is kept of them."""

import pytest

from angarium.reach.passes import Passes
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory


@pytest.fixture
def store() -> Store:
    return open_memory(Clear(bytes(32)))


def choose(length: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[:length]


async def test_a_pass_admits_until_it_is_taken_back(store: Store) -> None:
    passes = Passes(store.papers)
    user, password = await passes.issue("for the library", day=20_000, choose=choose)
    assert (len(user), len(password)) == (10, 22)
    assert passes.admits(user, password)
    assert not passes.admits(user, password[:-1])
    assert not passes.admits("nobody", password)
    assert not passes.admits("nobody", "")

    again = Passes(store.papers)
    assert not again.admits(user, password)
    await again.load()
    assert again.admits(user, password)
    assert [(made.user, made.day, made.remark) for made in again.all()] == [(user, 20_000, "for the library")]

    assert await again.revoke(user)
    assert not again.has(user)
    assert not again.admits(user, password)
    assert not await again.revoke(user)
    await (third := Passes(store.papers)).load()
    assert third.all() == []


async def test_the_password_is_not_kept(store: Store) -> None:
    user, password = await Passes(store.papers).issue("", day=1, choose=choose)
    (kept,) = (await store.papers.all("pass")).values()
    assert user.encode() in kept
    assert password.encode() not in kept


async def test_what_both_sides_know_is_another_password_for_each_pass_and_goes_with_it(store: Store) -> None:
    passes = Passes(store.papers)
    user, password = await passes.issue("", day=1, choose=choose)
    other, _ = await passes.issue("", day=1, choose=lambda length: "x" * length)
    shared = passes.shared(user)
    assert len(shared) == 43
    assert len({shared, password, passes.shared(other)}) == 3
    assert not passes.admits(user, shared)
    await (again := Passes(store.papers)).load()
    assert again.shared(user) == shared
    await again.revoke(user)
    assert again.users() == {other}
    with pytest.raises(KeyError):
        again.shared(user)


async def test_a_word_gives_one_pass_which_is_told_again_and_only_where_the_secret_is(store: Store) -> None:
    passes = Passes(store.papers)
    assert passes.drawn("invitation one") is None
    drawn = await passes.draw("invitation one", "with an invitation", day=20_000)
    assert drawn is not None
    assert (len(drawn[0]), len(drawn[1])) == (10, 22)
    assert passes.admits(*drawn)
    assert passes.drawn("invitation one") == drawn
    assert passes.drawn("invitation two") is None
    assert await passes.draw("invitation one", "", day=20_001) == drawn
    assert await passes.draw("invitation two", "", day=20_000) != drawn
    await (again := Passes(store.papers)).load()
    assert again.drawn("invitation one") == drawn
    assert [made.remark for made in again.all() if made.user == drawn[0]] == ["with an invitation"]
    other = await Passes(open_memory(Clear(bytes(32))).papers).draw("invitation one", "", day=20_000)
    assert other != drawn
    assert drawn[1].encode() not in b"".join((await store.papers.all("pass")).values())


async def test_one_that_was_taken_back_stays_so_whatever_is_asked(store: Store) -> None:
    passes = Passes(store.papers)
    drawn = await passes.draw("page /secret", "", day=20_000)
    assert drawn is not None
    assert await passes.revoke(drawn[0])
    for known in (passes, again := Passes(store.papers)):
        if known is again:
            await again.load()
        assert not known.admits(*drawn)
        assert known.drawn("page /secret") is None
        assert await known.draw("page /secret", "", day=20_001) is None
        assert known.all() == []
        assert not known.users()
        assert not await known.revoke(drawn[0])
