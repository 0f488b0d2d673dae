"""Invitations: valid to the end of a day, forgotten after it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contract.conftest import World


async def test_a_token_is_valid_up_to_and_including_its_last_day(world: "World") -> None:
    await world.store.invitations.add("token", uses=1, expires_day=100)
    assert await world.store.invitations.valid("token", day=1)
    assert await world.store.invitations.valid("token", day=100)
    assert not await world.store.invitations.valid("token", day=101)
    assert not await world.store.invitations.valid("other", day=1)


async def test_asking_burns_nothing(world: "World") -> None:
    await world.store.invitations.add("token", uses=1, expires_day=100)
    for _ in range(3):
        assert await world.store.invitations.valid("token", day=1)
    await world.store.accounts.create("alice", "password", day=1, token="token")
    assert not await world.store.invitations.valid("token", day=1)


async def test_a_token_made_again_has_the_new_uses(world: "World") -> None:
    await world.store.invitations.add("token", uses=1, expires_day=10)
    await world.store.invitations.add("token", uses=2, expires_day=20)
    assert await world.store.invitations.valid("token", day=20)
    await world.store.invitations.add("token", uses=0, expires_day=20)
    assert not await world.store.invitations.valid("token", day=20)


async def test_expired_tokens_are_forgotten(world: "World") -> None:
    for last in (9, 10, 11):
        await world.store.invitations.add(f"token{last}", uses=1, expires_day=last)
    assert await world.store.invitations.forget(before_day=10) == 1
    assert not await world.store.invitations.valid("token9", day=1)
    assert await world.store.invitations.valid("token10", day=1)
    assert await world.store.invitations.forget(before_day=100) == 2
