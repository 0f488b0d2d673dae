"""The duress password: one login, and the account is empty, under another key, and nobody else is in it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from angarium.store.interfaces import NoSuchAccount, NoSuchMailbox, Owner, StoreFull, WrongPassword

if TYPE_CHECKING:
    from tests.contract.conftest import World

DURESS = "give me that"
LARGE = b"x" * 100_000


async def armed(world: "World", name: str = "alice") -> Owner:
    """An account with a duress password, and mail in it."""
    owner = await world.account(name)
    await world.store.accounts.set_duress(name, "password", DURESS, day=100)
    await world.deliver(b"a secret", name)
    return owner


async def emptied(world: "World", name: str = "alice") -> Owner:
    owner = await world.store.accounts.login(name, DURESS, day=100)
    assert owner.emptied
    return owner


async def cleared(world: "World") -> None:
    """Wait until nothing is left of what was emptied."""
    await asyncio.gather(*world.store.accounts._clearing)


async def test_it_opens_an_empty_account_of_the_same_name(world: "World") -> None:
    before = await armed(world)
    await world.store.mailboxes.create(before, "Work")
    await world.store.mailboxes.copy(before, "INBOX", [1], "Work")
    await world.store.tokens.add(before, "a phone")
    validity = (await world.store.mailboxes.snapshot(before, "INBOX")).uidvalidity
    after = await emptied(world)
    assert (after.account, after.name) == (before.account, "alice")
    assert await world.store.mailboxes.names(after) == ["INBOX"]
    snapshot = await world.store.mailboxes.snapshot(after, "INBOX")
    assert snapshot.entries == ()
    assert snapshot.uidvalidity > validity
    assert await world.store.tokens.of("alice") == []
    assert await world.store.mailboxes.usage(["alice"]) == {"alice": 0}
    await cleared(world)
    assert world.bodies() == 0
    assert await world.store.accounts.count() == 1


async def test_from_then_on_it_is_the_password_and_the_old_one_is_wrong(world: "World") -> None:
    await armed(world)
    await emptied(world)
    await world.deliver(b"new", "alice")
    with pytest.raises(WrongPassword):
        await world.store.accounts.login("alice", "password", day=101)
    again = await world.store.accounts.login("alice", DURESS, day=101)
    assert not again.emptied
    assert await world.store.mailboxes.body(again, "INBOX", (await world.uids(again))[0]) == b"new"
    await world.store.accounts.set_duress("alice", DURESS, "another one", day=101)
    assert (await world.store.accounts.login("alice", "another one", day=101)).emptied


async def test_it_is_set_with_the_password_only_and_can_be_taken_away(world: "World") -> None:
    await world.account()
    with pytest.raises(WrongPassword):
        await world.store.accounts.set_duress("alice", "wrong", DURESS, day=100)
    with pytest.raises(NoSuchAccount):
        await world.store.accounts.set_duress("nobody", "password", DURESS, day=100)
    with pytest.raises(WrongPassword):
        await world.store.accounts.login("alice", DURESS, day=100)
    await world.store.accounts.set_duress("alice", "password", DURESS, day=100)
    await world.store.accounts.set_duress("alice", "password", "another one", day=100)
    for late in (DURESS, "another one"):
        with pytest.raises(WrongPassword):
            await world.store.accounts.login("alice", late, day=100)
        await world.store.accounts.set_duress("alice", "password", None, day=100)
    assert not (await world.store.accounts.login("alice", "password", day=100)).emptied


async def test_it_empties_wherever_a_password_is_asked_for(world: "World") -> None:
    """Who is made to take the duress password away, or to change it, gives the duress password."""
    await armed(world)
    owner = await world.store.accounts.set_duress("alice", DURESS, None, day=100)
    assert owner.emptied
    assert await world.uids(owner) == []


async def test_of_an_apps_two_logins_at_once_one_empties_and_both_are_in(world: "World") -> None:
    await armed(world)
    owners = await asyncio.gather(*(world.store.accounts.login("alice", DURESS, day=100) for _ in range(4)))
    assert sorted(owner.emptied for owner in owners) == [False, False, False, True]
    await world.deliver(b"new", "alice")
    for owner in owners:
        assert await world.store.mailboxes.body(owner, "INBOX", (await world.uids(owner))[0]) == b"new"


async def test_everybody_else_hears_that_it_is_over(world: "World") -> None:
    before, other = await armed(world), await armed(world, "bob")
    left: list[str] = []
    mailbox, _ = await world.store.changes.open(before, "INBOX")
    await world.store.changes.attend(before, lambda: left.append("alice"))
    await world.store.changes.attend(other, lambda: left.append("bob"))
    gone = await world.store.changes.attend(before, lambda: left.append("who left before"))
    gone.close()
    after = await emptied(world)
    assert mailbox.gone
    assert left == ["alice"]
    with pytest.raises(NoSuchAccount):
        await world.store.changes.attend(before, lambda: None)
    here = await world.store.changes.attend(after, lambda: left.append("alice again"))
    await world.store.accounts.delete(after)
    assert left == ["alice", "alice again"]
    here.close()


async def test_who_was_in_before_reaches_nothing_of_the_new_account(world: "World") -> None:
    before = await armed(world)
    after = await emptied(world)
    await world.deliver(b"new", "alice")
    mailboxes = world.store.mailboxes
    (uid,) = await world.uids(after)
    assert await mailboxes.names(before) == []
    refused: tuple[Callable[[], Awaitable[Any]], ...] = (
        lambda: mailboxes.snapshot(before, "INBOX"),
        lambda: mailboxes.body(before, "INBOX", uid),
        lambda: mailboxes.append(before, "INBOX", b"x", flags=frozenset(), day=1),
        lambda: mailboxes.flag(before, "INBOX", [uid], add=frozenset({"\\Deleted"})),
        lambda: mailboxes.expunge(before, "INBOX"),
        lambda: mailboxes.copy(before, "INBOX", [uid], "INBOX"),
        lambda: mailboxes.create(before, "Work"),
        lambda: world.store.changes.open(before, "INBOX"),
    )
    for attempt in refused:
        with pytest.raises(NoSuchMailbox):
            await attempt()
    await world.store.tokens.add(before, "an old phone")
    assert await world.store.tokens.of("alice") == []
    await world.store.accounts.delete(before)
    assert await world.uids(after) == [uid]


@pytest.mark.parametrize("message", [b"hello", LARGE])
async def test_mail_sealed_before_and_stored_after_is_sealed_again(world: "World", message: bytes) -> None:
    """Nothing that was accepted is lost, and nothing lies there that its owner cannot open."""
    await armed(world)
    bob = await world.account("bob")
    found: list[Owner] = []
    meanwhile(world, lambda: emptied(world), found)
    await world.deliver(message, "alice", "bob")
    (alice,) = found
    for owner in (alice, bob):
        (uid,) = await world.uids(owner)
        assert await world.store.mailboxes.body(owner, "INBOX", uid) == message


async def test_a_copy_under_way_finds_the_mailbox_gone(world: "World") -> None:
    before = await armed(world)
    found: list[Owner] = []
    meanwhile(world, lambda: emptied(world), found)
    with pytest.raises(NoSuchMailbox):
        await world.store.mailboxes.append(before, "INBOX", b"hello", flags=frozenset(), day=1)
    assert await world.uids(found[0]) == []


async def test_a_mailbox_made_anew_while_something_is_stored_in_it_gets_it(world: "World") -> None:
    alice = await world.account()
    await world.store.mailboxes.create(alice, "Work")

    async def anew() -> Owner:
        await world.store.mailboxes.remove(alice, "Work")
        await world.store.mailboxes.create(alice, "Work")
        return alice

    meanwhile(world, anew, [])
    validity, uid = await world.store.mailboxes.append(alice, "Work", b"hello", flags=frozenset(), day=1)
    snapshot = await world.store.mailboxes.snapshot(alice, "Work")
    assert (snapshot.uidvalidity, [entry.uid for entry in snapshot.entries]) == (validity, [uid])
    assert await world.store.mailboxes.body(alice, "Work", uid) == b"hello"


def meanwhile(world: "World", something: Callable[[], Awaitable[Owner]], found: list[Owner]) -> None:
    """Before what is written next, let something else happen."""
    backend = cast("Any", world.store._backend)
    write = backend.write

    async def interrupted(job: Any, **how: bool) -> Any:
        backend.write = write
        found.append(await something())
        return await write(job, **how)

    backend.write = interrupted


async def test_where_it_cannot_be_done_nothing_is_answered(world: "World") -> None:
    """No OK before all is destroyed for good."""
    before = await armed(world)
    backend = cast("Any", world.store._backend)
    write = backend.write

    async def full(_job: Any, **_how: bool) -> Any:
        raise StoreFull("no room")

    backend.write = full
    with pytest.raises(StoreFull):
        await world.store.accounts.login("alice", DURESS, day=100)
    backend.write = write
    assert await world.store.mailboxes.body(before, "INBOX", (await world.uids(before))[0]) == b"a secret"
    await emptied(world)


async def test_a_duress_password_set_while_the_account_is_emptied_is_not_set(world: "World") -> None:
    await armed(world)
    found: list[Owner] = []
    meanwhile(world, lambda: emptied(world), found)
    with pytest.raises(WrongPassword):
        await world.store.accounts.set_duress("alice", "password", "another one", day=100)
    with pytest.raises(WrongPassword):
        await world.store.accounts.login("alice", "another one", day=100)


async def test_an_emptied_account_is_as_young_as_its_last_login(world: "World") -> None:
    await armed(world)
    await world.store.accounts.login("alice", DURESS, day=150)
    assert await world.store.accounts.expire(before_day=150) == 0
    assert await world.store.accounts.expire(before_day=151) == 1


async def test_it_outlives_a_restart(durable: "tuple[World, Callable[[], Awaitable[None]]]") -> None:
    world, reopen = durable
    await armed(world)
    await reopen()
    await emptied(world)
    await reopen()
    with pytest.raises(WrongPassword):
        await world.store.accounts.login("alice", "password", day=100)
    after = await world.store.accounts.login("alice", DURESS, day=100)
    assert not after.emptied
    assert await world.uids(after) == []
