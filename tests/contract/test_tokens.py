"""Push tokens: several for each account, the newest sixteen."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contract.conftest import World


async def test_an_account_has_the_tokens_of_its_phones(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    await world.store.tokens.add(alice, "one")
    await world.store.tokens.add(alice, "two")
    await world.store.tokens.add(bob, "one")
    assert await world.store.tokens.of("alice") == ["one", "two"]
    assert await world.store.tokens.of("bob") == ["one"]
    assert await world.store.tokens.of("carol") == []


async def test_the_same_token_again_is_the_newest_once(world: "World") -> None:
    alice = await world.account()
    for token in ("one", "two", "one"):
        await world.store.tokens.add(alice, token)
    assert await world.store.tokens.of("alice") == ["two", "one"]


async def test_the_oldest_of_more_than_sixteen_is_forgotten(world: "World") -> None:
    alice = await world.account()
    for at in range(18):
        await world.store.tokens.add(alice, f"token{at}")
    assert await world.store.tokens.of("alice") == [f"token{at}" for at in range(2, 18)]


async def test_a_dropped_token_is_dropped_for_that_name_only(world: "World") -> None:
    for name in ("alice", "bob"):
        await world.store.tokens.add(await world.account(name), "shared")
    await world.store.tokens.drop("alice", "shared")
    await world.store.tokens.drop("alice", "shared")
    await world.store.tokens.drop("nobody", "shared")
    assert await world.store.tokens.of("alice") == []
    assert await world.store.tokens.of("bob") == ["shared"]
