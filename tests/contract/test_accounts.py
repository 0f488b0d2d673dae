"""Accounts: made once, opened by their password, gone for good."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from angarium.store.interfaces import (
    NameTaken,
    NoSuchAccount,
    NoSuchMailbox,
    NoSuchToken,
    Owner,
    StoreError,
    WrongPassword,
)

if TYPE_CHECKING:
    from tests.contract.conftest import World


async def test_an_account_opens_with_its_password_only(world: "World") -> None:
    made = await world.account("alice")
    opened = await world.store.accounts.login("alice", "password", day=101)
    assert (opened.account, opened.name) == (made.account, "alice")
    with pytest.raises(WrongPassword):
        await world.store.accounts.login("alice", "Password", day=101)
    with pytest.raises(NoSuchAccount):
        await world.store.accounts.login("bob", "password", day=101)
    assert await world.store.accounts.count() == 1


async def test_what_login_found_out_makes_the_account(world: "World") -> None:
    accounts = world.store.accounts
    with pytest.raises(NoSuchAccount) as missing:
        await accounts.login("alice", "password", day=1)
    assert missing.value.stretched is not None
    made = await accounts.create("alice", "password", day=1, stretched=missing.value.stretched)
    await world.deliver(b"hello", "alice")
    for owner in (made, await accounts.login("alice", "password", day=1)):
        assert await world.store.mailboxes.body(owner, "INBOX", 1) == b"hello"
    with pytest.raises(WrongPassword):
        await accounts.login("alice", "another", day=1)


async def test_a_new_account_has_an_empty_inbox(world: "World") -> None:
    alice = await world.account()
    assert await world.store.mailboxes.names(alice) == ["INBOX"]
    snapshot = await world.store.mailboxes.snapshot(alice, "inbox")
    assert snapshot.uidnext == 1
    assert snapshot.modseq >= 1
    assert 0 < snapshot.uidvalidity < 2**32
    assert snapshot.entries == ()


async def test_of_several_at_once_one_makes_the_account(world: "World") -> None:
    tries = await asyncio.gather(
        *(world.store.accounts.create("alice", f"password{at}", day=1) for at in range(8)), return_exceptions=True
    )
    made = [at for at, result in enumerate(tries) if isinstance(result, Owner)]
    assert len(made) == 1
    assert sum(isinstance(result, NameTaken) for result in tries) == 7
    await world.store.accounts.login("alice", f"password{made[0]}", day=1)


async def test_what_was_made_in_a_race_is_one_whole_account(world: "World") -> None:
    tries = await asyncio.gather(
        *(world.store.accounts.create("alice", "password", day=1) for _ in range(4)), return_exceptions=True
    )
    assert any(isinstance(result, Owner) for result in tries)
    alice = await world.store.accounts.login("alice", "password", day=1)
    await world.deliver(b"hello", "alice")
    assert await world.store.mailboxes.body(alice, "INBOX", 1) == b"hello"
    assert await world.store.accounts.count() == 1


async def test_a_deleted_name_is_never_given_out_again(world: "World") -> None:
    alice = await world.account()
    await world.store.accounts.delete(alice)
    with pytest.raises(NameTaken):
        await world.store.accounts.create("alice", "password", day=200)
    with pytest.raises(NoSuchAccount):
        await world.store.accounts.login("alice", "password", day=200)
    assert await world.store.accounts.count() == 0


async def test_deletion_takes_everything_along(world: "World") -> None:
    alice = await world.account()
    await world.store.mailboxes.create(alice, "Work")
    await world.store.tokens.add(alice, "token")
    await world.deliver(b"hello", "alice")
    await world.store.mailboxes.copy(alice, "INBOX", [1], "Work")
    await world.store.accounts.delete(alice)
    assert world.bodies() == 0
    assert await world.store.mailboxes.messages() == 0
    assert await world.store.tokens.of("alice") == []
    assert await world.store.mailboxes.usage(["alice"]) == {}
    assert await world.store.mailboxes.names(alice) == []
    with pytest.raises(NoSuchMailbox):
        await world.store.mailboxes.snapshot(alice, "INBOX")
    with pytest.raises(NoSuchMailbox):
        await world.store.mailboxes.append(alice, "INBOX", b"x", flags=frozenset(), day=1)
    with pytest.raises(NoSuchMailbox):
        await world.store.mailboxes.create(alice, "New")
    await world.store.tokens.add(alice, "late")
    assert await world.store.tokens.of("alice") == []


async def test_deleting_twice_does_no_harm(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    await asyncio.gather(world.store.accounts.delete(alice), world.store.accounts.delete(alice))
    assert await world.store.accounts.count() == 1
    assert await world.uids(bob) == []


async def test_many_messages_are_deleted_in_more_than_one_piece(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    for _ in range(3):
        await asyncio.gather(*(world.deliver(b"hello", "alice", "bob") for _ in range(200)))
    await world.store.accounts.delete(alice)
    assert world.bodies() == 600
    assert len(await world.uids(bob)) == 600


async def test_accounts_expire_by_the_day_of_their_last_login(world: "World") -> None:
    await world.account("old", day=10)
    await world.account("back", day=10)
    await world.account("new", day=50)
    await world.store.accounts.login("back", "password", day=49)
    await world.deliver(b"hello", "old", "back", "new")
    assert await world.store.accounts.expire(before_day=49) == 1
    assert await world.store.accounts.count() == 2
    assert world.bodies() == 2
    with pytest.raises(NameTaken):
        await world.store.accounts.create("old", "password", day=50)
    assert await world.store.accounts.expire(before_day=49) == 0
    assert await world.store.accounts.expire(before_day=51) == 2


async def test_a_login_on_an_earlier_day_does_not_age_an_account(world: "World") -> None:
    await world.account("alice", day=50)
    await world.store.accounts.login("alice", "password", day=10)
    assert await world.store.accounts.expire(before_day=50) == 0


async def test_expiry_of_many(world: "World") -> None:
    names = [f"account{at}" for at in range(70)]
    await asyncio.gather(*(world.account(name, day=1) for name in names))
    await world.account("alice", day=2)
    assert await world.store.accounts.expire(before_day=2) == 70
    assert await world.store.accounts.count() == 1


async def test_a_token_makes_as_many_accounts_as_it_has_uses(world: "World") -> None:
    await world.store.invitations.add("token", uses=3, expires_day=100)
    tries = await asyncio.gather(
        *(world.store.accounts.create(f"name{at}", "password", day=100, token="token") for at in range(12)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Owner) for result in tries) == 3
    assert sum(isinstance(result, NoSuchToken) for result in tries) == 9
    assert await world.store.accounts.count() == 3
    assert not await world.store.invitations.valid("token", day=1)


async def test_a_name_that_is_taken_burns_no_token(world: "World") -> None:
    await world.account("alice")
    await world.store.invitations.add("token", uses=1, expires_day=100)
    with pytest.raises(NameTaken):
        await world.store.accounts.create("alice", "password", day=100, token="token")
    await world.store.accounts.create("bob", "password", day=100, token="token")


async def test_a_race_for_one_name_burns_one_use(world: "World") -> None:
    await world.store.invitations.add("token", uses=2, expires_day=100)
    await asyncio.gather(
        *(world.store.accounts.create("alice", "password", day=100, token="token") for _ in range(6)),
        return_exceptions=True,
    )
    assert await world.store.invitations.valid("token", day=100)
    await world.store.accounts.create("bob", "password", day=100, token="token")
    assert not await world.store.invitations.valid("token", day=100)


@pytest.mark.parametrize(("token", "day"), [("other", 100), ("token", 101)])
async def test_a_wrong_or_expired_token_makes_no_account(world: "World", token: str, day: int) -> None:
    await world.store.invitations.add("token", uses=3, expires_day=100)
    with pytest.raises(NoSuchToken):
        await world.store.accounts.create("alice", "password", day=day, token=token)
    assert await world.store.accounts.count() == 0
    await world.account("alice")


async def test_a_closed_store_says_so(world: "World") -> None:
    alice = await world.account()
    await world.store.close()
    for late in (
        world.deliver(b"hello", "alice"),
        world.store.mailboxes.snapshot(alice, "INBOX"),
        world.store.mailboxes.expunge(alice, "INBOX"),
        world.store.accounts.login("alice", "password", day=1),
        world.store.accounts.create("bob", "password", day=1),
    ):
        with pytest.raises(StoreError, match="closed"):
            await late
