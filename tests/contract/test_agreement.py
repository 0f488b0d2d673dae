"""The back-ends agree: whatever is asked of one is asked of the other, and everything that can be seen is the same.

UIDVALIDITY and the numbers of mailboxes are random, so they are left out.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from angarium.store.delivery import LARGE
from angarium.store.interfaces import Copied, Letter, NoSuchAccount, Owner, Rules, StoreError, WrongPassword
from angarium.store.seal import Seal
from angarium.store.store import Store, open_memory, open_sqlite
from angarium.wire.imap.entry import Snapshot

NAMES = st.sampled_from(["alice", "bob", "carol"])
BOXES = st.sampled_from(["INBOX", "inbox", "Work", "work"])
UIDS = st.sets(st.integers(1, 8))
FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\seen", "\\Deleted", "Word", "WORD"]), max_size=3)
MESSAGES = st.sampled_from(["", "hello", "large", "larger"])
DAYS = st.integers(1, 6)
BODIES = {"": b"", "hello": b"hello", "large": b"x" * LARGE, "larger": b"y" * (LARGE + 1)}

Ask = Callable[[Store, Owner], Awaitable[Any]]


class Agreement(RuleBasedStateMachine):
    def __init__(self, seal: Seal) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.seal = seal
        self.owners: dict[str, tuple[Owner, Owner]] = {}

    @initialize()
    def open(self) -> None:
        async def both() -> tuple[Store, Store]:
            return open_memory(self.seal), open_sqlite(self.directory, self.seal)

        self.stores = self.runner.run(both())
        self.create("alice", 3, None)
        self.create("bob", 5, None)

    def teardown(self) -> None:
        for store in self.stores:
            self.runner.run(store.close())
        self.runner.close()
        shutil.rmtree(self.directory)

    def agree(self, ask: Callable[[Store, int], Awaitable[Any]]) -> Any:
        """Ask both; return what the first said, an error's type for an error."""

        async def answer(which: int) -> Any:
            try:
                return await ask(self.stores[which], which)
            except StoreError as error:
                return type(error)

        first, second = (self.runner.run(answer(which)) for which in (0, 1))
        assert seen(first) == seen(second)
        return first, second

    def agree_for(self, name: str, ask: Ask) -> None:
        if name in self.owners:
            self.agree(lambda store, which: ask(store, self.owners[name][which]))

    @rule(name=NAMES, day=DAYS, token=st.sampled_from([None, "token"]))
    def register(self, name: str, day: int, token: str | None) -> None:
        self.create(name, day, token)

    def create(self, name: str, day: int, token: str | None) -> None:
        made = self.agree(lambda store, _: store.accounts.create(name, "password", day=day, token=token))
        if isinstance(made[0], Owner):
            self.owners[name] = made

    @rule(name=NAMES, password=st.sampled_from(["password", "wrong"]), day=DAYS)
    def login(self, name: str, password: str, day: int) -> None:
        opened, _ = self.agree(lambda store, _: store.accounts.login(name, password, day=day))
        assert isinstance(opened, Owner) or opened in (NoSuchAccount, WrongPassword)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.agree_for(name, lambda store, owner: store.accounts.delete(owner))

    @rule(day=DAYS)
    def expire(self, day: int) -> None:
        self.agree(lambda store, _: store.accounts.expire(before_day=day - 3))

    @rule(uses=st.integers(0, 2), day=DAYS)
    def invite(self, uses: int, day: int) -> None:
        self.agree(lambda store, _: store.invitations.add("token", uses=uses, expires_day=day))

    @rule(day=DAYS)
    def forget(self, day: int) -> None:
        self.agree(lambda store, _: store.invitations.forget(before_day=day))

    @rule(messages=st.lists(st.tuples(MESSAGES, st.lists(NAMES, max_size=4)), max_size=3), day=DAYS)
    def deliver(self, messages: list[tuple[str, list[str]]], day: int) -> None:
        letters = [Letter(BODIES[message], tuple(names)) for message, names in messages]
        self.agree(lambda store, _: store.mailboxes.deliver(letters, day=day))

    @rule(name=NAMES, box=BOXES, message=MESSAGES, flags=FLAGS, day=DAYS)
    def append(self, name: str, box: str, message: str, flags: frozenset[str], day: int) -> None:
        async def uid(store: Store, owner: Owner) -> int:
            return (await store.mailboxes.append(owner, box, BODIES[message], flags=flags, day=day))[1]

        self.agree_for(name, uid)

    @rule(name=NAMES, box=BOXES, uids=UIDS, add=FLAGS, remove=FLAGS, since=st.none() | st.integers(1, 9))
    def flag(
        self, name: str, box: str, uids: set[int], add: frozenset[str], remove: frozenset[str], since: int | None
    ) -> None:
        self.agree_for(
            name,
            lambda store, owner: store.mailboxes.flag(owner, box, uids, add=add, remove=remove, unchanged_since=since),
        )

    @rule(name=NAMES, box=BOXES, uids=st.none() | UIDS)
    def expunge(self, name: str, box: str, uids: set[int] | None) -> None:
        self.agree_for(name, lambda store, owner: store.mailboxes.expunge(owner, box, uids))

    @rule(name=NAMES, box=BOXES, uids=UIDS, to=BOXES, move=st.booleans())
    def copy(self, name: str, box: str, uids: set[int], to: str, move: bool) -> None:
        self.agree_for(name, lambda store, owner: store.mailboxes.copy(owner, box, uids, to, move=move))

    @rule(name=NAMES, box=BOXES)
    def make_mailbox(self, name: str, box: str) -> None:
        self.agree_for(name, lambda store, owner: store.mailboxes.create(owner, box))

    @rule(name=NAMES, box=BOXES)
    def remove_mailbox(self, name: str, box: str) -> None:
        self.agree_for(name, lambda store, owner: store.mailboxes.remove(owner, box))

    @rule(name=NAMES, box=BOXES, to=BOXES)
    def rename_mailbox(self, name: str, box: str, to: str) -> None:
        self.agree_for(name, lambda store, owner: store.mailboxes.rename(owner, box, to))

    @rule(before=st.none() | DAYS, large=st.none() | DAYS, high=st.sampled_from([10**9, 2 * LARGE, 0]), young=DAYS)
    def sweep(self, before: int | None, large: int | None, high: int, young: int) -> None:
        rules = Rules(before, 1000, large, high, high // 2, young)
        self.agree(lambda store, _: store.mailboxes.sweep(rules))

    @rule(name=NAMES, token=st.sampled_from(["one", "two"]))
    def device(self, name: str, token: str) -> None:
        self.agree_for(name, lambda store, owner: store.tokens.add(owner, token))

    @rule(name=NAMES, token=st.sampled_from(["one", "two"]))
    def drop_device(self, name: str, token: str) -> None:
        self.agree(lambda store, _: store.tokens.drop(name, token))

    @invariant()
    def everything_looks_the_same(self) -> None:
        for name in self.owners:
            self.agree_for(name, whole_account)
            self.agree_for(name, lambda store, owner: store.tokens.of(owner.name))
        self.agree(lambda store, _: store.mailboxes.usage(["alice", "bob", "carol"]))
        self.agree(lambda store, _: store.mailboxes.messages())
        self.agree(lambda store, _: store.accounts.count())
        self.agree(lambda store, _: store.invitations.valid("token", day=3))


async def whole_account(store: Store, owner: Owner) -> list[tuple[str, Snapshot, list[bytes | None]]]:
    """Every mailbox with all it holds; and what it holds adds up."""
    account, size, count = [], 0, 0
    for name in await store.mailboxes.names(owner):
        snapshot = await store.mailboxes.snapshot(owner, name)
        bodies = [await store.mailboxes.body(owner, name, entry.uid) for entry in snapshot.entries]
        assert [len(body or b"") for body in bodies] == [entry.size for entry in snapshot.entries]
        account.append((name, snapshot, bodies))
        size += sum(entry.size for entry in snapshot.entries)
        count += len(bodies)
    usage = await store.mailboxes.usage([owner.name])
    if usage:
        assert size <= usage[owner.name] <= size + 1000 * count
    return account


def seen(answer: Any) -> Any:
    """An answer without what is random."""
    match answer:
        case Snapshot():
            return answer.uidnext, answer.modseq, answer.entries
        case Copied():
            return answer.source, answer.target
        case Owner():
            return answer.account, answer.name
        case list() | tuple():
            return [seen(part) for part in answer]
        case _:
            return answer


def test_the_back_ends_agree(opaque: Seal) -> None:
    run_state_machine_as_test(
        lambda: Agreement(opaque),  # type: ignore[arg-type]
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
