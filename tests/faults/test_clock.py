"""A clock that jumps, or is wrong when the relay starts: nothing is lost for it, and numbers only ever grow."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.apps.home import Home
from angarium.edge.control import ask
from angarium.mail import settings
from angarium.mail.accounts import Gate, Refused
from angarium.mail.calendar import DAY_SECONDS, Believed, Calendar
from angarium.mail.retention import Retention
from angarium.store.interfaces import Letter
from angarium.store.sealed import Sealed
from angarium.store.store import open_sqlite
from tests.faults.conftest import House

TODAY = 20_000
FAR = 10_000


class Machine:
    """A clock, the time that really passed, and a relay's rooms that go by them."""

    day = TODAY
    passed = 0.0

    def __init__(self, directory: Path) -> None:
        self.store = open_sqlite(directory, Sealed(bytes(32)))
        self.start(None)

    def start(self, kept: Believed | None) -> None:
        """As after a start of the relay."""
        store = self.store
        self.calendar = calendar = Calendar(kept, lambda: self.day, lambda: self.passed)
        self.retention = Retention(
            settings.Retention(), store.accounts, store.mailboxes, store.invitations, store.marks, calendar.due
        )
        self.gate = Gate(
            settings.Accounts(registration="invite"),
            *(store.accounts, store.invitations, lambda domain: True, calendar.today),
            due=calendar.due,
        )

    async def deliver(self) -> None:
        await self.store.mailboxes.deliver([Letter(b"hello", ("alice-and-her-phone",))], day=self.calendar.today())

    async def sweeps(self) -> tuple[int, int]:
        """A few hours of forgetting; messages and accounts that are left."""
        for _ in range(3):
            await self.retention.sweep()
            self.passed += 3600
        return await self.store.mailboxes.messages(), await self.store.accounts.count()


async def test_a_wild_clock_deletes_nothing_and_a_right_one_does(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    await machine.store.accounts.create("alice-and-her-phone", "password", day=TODAY)
    await machine.deliver()
    for machine.day in (TODAY + FAR, 0, TODAY + 91, TODAY):
        assert await machine.sweeps() == (1, 1)
    machine.day, machine.passed = TODAY + 21, machine.passed + 21 * DAY_SECONDS
    assert await machine.sweeps() == (0, 1)
    await machine.store.close()


@pytest.mark.parametrize("wrong", [FAR, -TODAY, 91, 30])
async def test_a_clock_that_is_wrong_at_the_start_costs_nobody_anything(tmp_path: Path, wrong: int) -> None:
    machine = Machine(tmp_path)
    invitations = machine.store.invitations
    await machine.store.accounts.create("alice-and-her-phone", "password", day=TODAY)
    await machine.deliver()
    await invitations.add("token", uses=2, expires_day=TODAY + 7)
    kept = machine.calendar.believed

    machine.day = TODAY + wrong
    machine.start(kept)
    await machine.deliver()
    assert await machine.sweeps() == (2, 1)
    await machine.gate.login("bobby-and-his-phone@relay.example", "token.and-a-password")
    assert await machine.sweeps() == (2, 2)

    machine.day = TODAY + 1
    machine.start(machine.calendar.believed)
    assert await machine.sweeps() == (2, 2)
    await machine.gate.login("carol-and-her-phone@relay.example", "token.and-a-password")
    machine.day, machine.passed = TODAY + 19, machine.passed + 18 * DAY_SECONDS
    assert await machine.sweeps() == (2, 3)
    await machine.store.close()


async def test_an_invitation_runs_out_all_the_same(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    await machine.store.invitations.add("token", uses=2, expires_day=TODAY + 7)
    machine.day, machine.passed = TODAY + 8, 8 * DAY_SECONDS
    with pytest.raises(Refused, match="used up"):
        await machine.gate.create(token="token")
    await machine.store.close()


async def test_what_waited_while_the_relay_was_off_can_be_fetched_first(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    await machine.store.accounts.create("alice-and-her-phone", "password", day=TODAY)
    await machine.deliver()
    kept, machine.day = machine.calendar.believed, TODAY + 40
    machine.start(kept)
    await machine.deliver()
    assert await machine.sweeps() == (2, 1)
    machine.day, machine.passed = TODAY + 42, machine.passed + 2 * DAY_SECONDS
    assert await machine.sweeps() == (1, 1), "what came since is not forty days old"
    await machine.store.close()


async def test_the_day_outlasts_the_relay_and_a_wrong_clock_is_told(house: House) -> None:
    async with house.up():
        pass
    home = Home(house.data)
    believed = home.calendar()
    assert believed is not None
    assert believed.doubted is None
    assert set(msgspec.json.decode(home.calendar_file.read_bytes(), type=list[Any])) == {believed.day, None}
    for wrong, told in ((-30, "jumped ahead by 30 days"), (30, "30 days behind")):
        home.remember_calendar(Believed(believed.day + wrong))
        async with house.up():
            answer: Any = await ask(home.control, "status")
            assert told in answer["last_error"]
        after = home.calendar()
        assert after is not None
        assert after.day - believed.day - wrong in (0, 1), "midnight may come"


async def test_numbers_grow_though_days_do_not(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, Sealed(bytes(32)))
    alice = await store.accounts.create("alice", "password", day=TODAY)
    days = [TODAY, TODAY + 10_000, 0, TODAY]
    for day in days:
        await store.mailboxes.deliver([Letter(b"hello", ("alice",))], day=day)
    entries = (await store.mailboxes.snapshot(alice, "INBOX")).entries
    assert [entry.uid for entry in entries] == sorted(entry.uid for entry in entries)
    assert [entry.modseq for entry in entries] == sorted({entry.modseq for entry in entries})
    assert [entry.day for entry in entries] == days
    for day in (0, TODAY):
        await store.accounts.login("alice", "password", day=day)
    assert await store.accounts.expire(before_day=TODAY) == 0, "the latest login counts"
    await store.close()
