"""The gate: who gets in, who gets an address, and what a failure costs."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from angarium.mail import settings
from angarium.mail.accounts import FAILURE_SECONDS, LONGEST_PASSWORD, Gate, Refused
from angarium.mail.recent import Recent
from angarium.store.interfaces import AccountId, NoSuchAccount, Owner, StoreFull
from angarium.store.seal import Clear
from angarium.store.sealed import Sealed
from angarium.store.store import Store, open_memory

TODAY = 100
Make = Callable[..., Gate]


class Sleeper:
    """Notes how long it was to sleep, and does not."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = open_memory(Clear(bytes(32)))
    yield store
    await store.close()


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@pytest.fixture
def make(store: Store, sleeper: Sleeper) -> Make:
    def make(*, today: Callable[[], int] = lambda: TODAY, **chosen: Any) -> Gate:
        return Gate(
            settings.Accounts(**chosen),
            store.accounts,
            store.invitations,
            lambda domain: domain in ("relay.example", "[192.0.2.1]"),
            today,
            sleep=sleeper,
        )

    return make


async def refusal(attempt: Any) -> str:
    with pytest.raises(Refused) as refused:
        await attempt
    assert "@" not in refused.value.text.replace("before the @", "")
    return refused.value.text


async def test_the_first_login_makes_the_account(make: Make, store: Store, sleeper: Sleeper) -> None:
    gate = make()
    owner = await gate.login("alice1234@relay.example", "password9")
    assert owner.name == "alice1234"
    assert (await gate.login("alice1234@relay.example", "password9")).account == owner.account
    assert await store.accounts.count() == 1
    assert sleeper.slept == []


async def test_two_connections_of_one_app_make_one_account(make: Make, store: Store) -> None:
    gate = make()
    owners = await asyncio.gather(*(gate.login("alice1234@relay.example", "password9") for _ in range(6)))
    assert len({owner.account for owner in owners}) == 1
    assert await store.accounts.count() == 1


async def test_two_people_with_one_name_at_once(make: Make, store: Store) -> None:
    gate = make()
    answers = await asyncio.gather(
        *(gate.login("alice1234@relay.example", f"password{at}") for at in range(4)), return_exceptions=True
    )
    assert sum(isinstance(answer, Owner) for answer in answers) == 1
    assert all("authentication" in answer.text for answer in answers if isinstance(answer, Refused))
    assert await store.accounts.count() == 1


async def test_one_name_whatever_the_case_and_the_domain(make: Make, store: Store) -> None:
    gate = make()
    owners = [
        await gate.login(address, "password9")
        for address in ("Alice1234@relay.example", "alice1234@RELAY.example", "ALICE1234@[192.0.2.1]")
    ]
    assert len({owner.account for owner in owners}) == 1


@pytest.mark.parametrize(
    "username",
    [
        "alice1234",
        "",
        "@relay.example",
        "alice1234@elsewhere.example",
        "alice1234@",
        "alice 1234@relay.example",
        "alice+1234@relay.example",
        "alice1234@x@relay.example",
        "al\u0131ce1234@relay.example",
        "\u212aalice123@relay.example",
        "a" * 65 + "@relay.example",
        "alice1234\n@relay.example",
    ],
)
async def test_what_is_no_address_here(make: Make, store: Store, sleeper: Sleeper, username: str) -> None:
    assert "authentication" in await refusal(make().login(username, "password9"))
    assert len(sleeper.slept) == 1
    assert await store.accounts.count() == 0


@pytest.mark.parametrize("password", ["wrong-password", "", "Password9", "x" * 5000, "\ud800password"])
async def test_a_wrong_password_costs_time(make: Make, sleeper: Sleeper, password: str) -> None:
    gate = make()
    await gate.login("alice1234@relay.example", "password9")
    assert "authentication" in await refusal(gate.login("alice1234@relay.example", password))
    (slept,) = sleeper.slept
    assert 0 < slept <= FAILURE_SECONDS
    await gate.login("alice1234@relay.example", "password9")


async def test_every_failure_takes_equally_long_from_its_beginning(make: Make, sleeper: Sleeper) -> None:
    assert FAILURE_SECONDS >= 1
    gate = make(registration="closed")
    clock = asyncio.get_running_loop().time
    for attempt in (
        gate.login("nobody123@relay.example", "password9"),
        gate.login("nobody123@elsewhere.example", "password9"),
        gate.delete("nobody123@relay.example", "password9"),
    ):
        began = clock()
        await refusal(attempt)
        took = clock() - began
        assert FAILURE_SECONDS <= sleeper.slept.pop() + took <= FAILURE_SECONDS + took


@pytest.mark.parametrize(
    ("name", "password", "needs"),
    [
        ("alice123", "password9", "9 to 12 characters before"),
        ("alice12345678", "password9", "9 to 12 characters before"),
        ("alice1234", "12345678", "at least 9 characters"),
    ],
)
async def test_rules_of_a_new_account(make: Make, store: Store, name: str, password: str, needs: str) -> None:
    text = await refusal(make(name_max_length=12).login(f"{name}@relay.example", password))
    assert needs in text
    assert "authentication" not in text
    assert await store.accounts.count() == 0


async def test_rules_that_were_made_stricter_lock_nobody_out(make: Make) -> None:
    await make(name_min_length=3, password_min_length=3).login("bob@relay.example", "abc")
    await make(name_min_length=20, password_min_length=20).login("bob@relay.example", "abc")
    await make(registration="closed").login("bob@relay.example", "abc")


async def test_the_longest_password(make: Make) -> None:
    await make().login("alice1234@relay.example", "x" * LONGEST_PASSWORD)
    await refusal(make().login("alice4321@relay.example", "x" * (LONGEST_PASSWORD + 1)))


async def test_a_closed_relay_makes_no_accounts(make: Make, store: Store) -> None:
    await make().login("alice1234@relay.example", "password9")
    gate = make(registration="closed")
    await store.invitations.add("token", uses=1, expires_day=TODAY)
    stranger = await refusal(gate.login("stranger1@relay.example", "token.password9"))
    assert stranger == await refusal(gate.login("alice1234@relay.example", "wrong-password"))
    assert "authentication" in stranger
    assert "no new addresses" in await refusal(gate.create(token="token"))
    assert await store.accounts.count() == 1


async def test_an_invitation_in_the_password(make: Make, store: Store) -> None:
    gate = make(registration="invite")
    await store.invitations.add("TOKEN", uses=1, expires_day=TODAY)
    address = "alice1234@relay.example"
    for password in ("password9", "other.password9", ".password9", "TOKEN", "TOKEN.x"):
        await refusal(gate.login(address, password))
    owners = await asyncio.gather(*(gate.login(address, "TOKEN.password9") for _ in range(4)))
    assert len({owner.account for owner in owners}) == 1
    assert not await store.invitations.valid("TOKEN", day=TODAY)
    await make(registration="invite").login(address, "TOKEN.password9")
    assert "authentication" in await refusal(gate.login("bobby1234@relay.example", "TOKEN.password9"))


async def test_strangers_cannot_tell_who_has_an_account(make: Make) -> None:
    await make().login("alice1234@relay.example", "password9")
    gate = make(registration="invite")
    assert await refusal(gate.login("alice1234@relay.example", "token.wrong99")) == await refusal(
        gate.login("nobody123@relay.example", "token.wrong99")
    )


async def test_an_expired_invitation(make: Make, store: Store) -> None:
    await store.invitations.add("TOKEN", uses=5, expires_day=TODAY - 1)
    gate = make(registration="invite")
    await refusal(gate.login("alice1234@relay.example", "TOKEN.password9"))
    assert "ask for a new one" in await refusal(gate.create(token="TOKEN"))


async def test_an_account_out_of_nothing(make: Make) -> None:
    gate = make()
    made = [await gate.create() for _ in range(5)]
    assert len({name for name, _ in made}) == 5
    for name, password in made:
        assert len(name) == 9
        assert len(password) == 22
        assert (name + password).isalnum()
        assert name == name.lower()
        assert (await gate.login(f"{name}@relay.example", password)).name == name


async def test_a_created_account_keeps_the_relays_own_rules(make: Make) -> None:
    name, password = await make(name_min_length=12, password_min_length=30).create()
    assert (len(name), len(password)) == (12, 30)
    name, _ = await make(name_min_length=2, name_max_length=5).create()
    assert len(name) == 5


async def test_when_every_short_name_is_taken(make: Make, store: Store) -> None:
    for name in "abcdefghijklmnopqrstuvwxyz0123456789":
        await store.accounts.create(name, "password9", day=TODAY)
    assert "later" in await refusal(make(name_min_length=1, name_max_length=1).create())


async def test_creation_by_invitation(make: Make, store: Store) -> None:
    await store.invitations.add("TOKEN", uses=2, expires_day=TODAY)
    gate = make(registration="invite")
    assert "invitation" in await refusal(gate.create())
    tries = await asyncio.gather(*(gate.create(token="TOKEN") for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, Refused) for result in tries) == 3
    assert await store.accounts.count() == 2


async def test_an_open_relay_burns_no_invitation(make: Make, store: Store) -> None:
    await store.invitations.add("TOKEN", uses=1, expires_day=TODAY)
    await make().create(token="TOKEN")
    await make().login("alice1234@relay.example", "TOKEN.password9")
    assert await store.invitations.valid("TOKEN", day=TODAY)


async def test_deletion_is_for_good(make: Make, store: Store, sleeper: Sleeper) -> None:
    gate = make()
    address = "alice1234@relay.example"
    await gate.login(address, "password9")
    assert "authentication" in await refusal(gate.delete(address, "wrong-password"))
    assert "authentication" in await refusal(gate.delete("nobody123@relay.example", "password9"))
    assert len(sleeper.slept) == 2
    await gate.delete(address, "password9")
    assert await store.accounts.count() == 0
    assert "deleted" in await refusal(gate.login(address, "password9"))
    assert "deleted" in await refusal(gate.login(address, "another-password"))
    assert await store.accounts.count() == 0


async def test_a_login_during_a_deletion_is_not_remembered(make: Make) -> None:
    gate = make()
    address = "alice1234@relay.example"
    await gate.login(address, "password9")
    await asyncio.gather(gate.delete(address, "password9"), gate.login(address, "password9"), return_exceptions=True)
    assert "deleted" in await refusal(gate.login(address, "password9"))


DURESS = "give me that"


async def test_a_duress_password_is_a_login_like_any_other(make: Make, sleeper: Sleeper) -> None:
    gate = make()
    address = "alice1234@relay.example"
    before = await gate.login(address, "password9")
    await gate.set_duress(address, "password9", DURESS)
    await gate.login(address, "password9")
    emptied = await gate.login(address, DURESS)
    assert (emptied.account, emptied.name) == (before.account, before.name)
    assert sleeper.slept == []
    assert "wrong password" in await refusal(gate.login(address, "password9"))
    assert not (await gate.login(address, DURESS)).emptied


async def test_what_was_remembered_of_an_account_does_not_outlive_it(
    make: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what was known before, nor a login that was under way; and the new one is remembered like any other."""
    gate = make()
    address = "alice1234@relay.example"
    await gate.login(address, "password9")
    await gate.set_duress(address, "password9", DURESS)
    real = store.accounts.login
    opened, emptied = asyncio.Event(), asyncio.Event()
    asked = []

    async def login(name: str, password: str, *, day: int) -> Owner:
        asked.append(password)
        owner = await real(name, password, day=day)
        if password == "password9":
            opened.set()
            await emptied.wait()
        return owner

    monkeypatch.setattr(store.accounts, "login", login)
    gate._recent.forget("alice1234")
    under_way = asyncio.create_task(gate.login(address, "password9"))
    await opened.wait()
    await gate.login(address, DURESS)
    emptied.set()
    late = await under_way
    with pytest.raises(NoSuchAccount):
        await store.changes.attend(late, lambda: None)
    assert "wrong password" in await refusal(gate.login(address, "password9"))
    asked.clear()
    await gate.login(address, DURESS)
    assert asked == []


async def test_an_apps_two_logins_with_a_duress_password(make: Make, store: Store) -> None:
    gate = make()
    address = "alice1234@relay.example"
    await gate.login(address, "password9")
    await gate.set_duress(address, "password9", DURESS)
    for owner in await asyncio.gather(gate.login(address, DURESS), gate.login(address, DURESS)):
        assert await store.mailboxes.names(owner) == ["INBOX"]


@pytest.mark.parametrize(
    ("duress", "why"),
    [("password9", "another one"), ("8 chars.", "9 to 1024"), ("x" * 1025, "9 to 1024"), ("\ud800 password", "9 to")],
)
async def test_a_duress_password_that_will_not_do(make: Make, sleeper: Sleeper, duress: str, why: str) -> None:
    gate = make()
    await gate.login("alice1234@relay.example", "password9")
    text = await refusal(gate.set_duress("alice1234@relay.example", "password9", duress))
    assert why in text
    assert "authentication" not in text
    assert len(sleeper.slept) == 1
    assert (await gate.login("alice1234@relay.example", "password9")).name == "alice1234"


async def test_a_duress_password_takes_the_password_and_costs_time(make: Make, sleeper: Sleeper, store: Store) -> None:
    gate = make()
    await gate.login("alice1234@relay.example", "password9")
    for address, password in (("alice1234", "wrong-password"), ("nobody123", "password9")):
        for duress in (DURESS, None):
            text = await refusal(gate.set_duress(f"{address}@relay.example", password, duress))
            assert "authentication" in text
    assert len(sleeper.slept) == 4
    assert await store.accounts.count() == 1
    await refusal(gate.login("alice1234@relay.example", DURESS))


async def test_whoever_has_to_take_a_duress_password_away_may_use_it_for_that(make: Make, store: Store) -> None:
    gate = make()
    address = "alice1234@relay.example"
    await gate.login(address, "password9")
    await gate.set_duress(address, "password9", DURESS)
    await gate.set_duress(address, DURESS, None)
    assert "wrong password" in await refusal(gate.login(address, "password9"))
    await gate.set_duress(address, DURESS, "another one")
    await gate.delete(address, "another one")
    assert await store.accounts.count() == 0


async def test_a_full_disk_does_not_pretend_that_an_account_was_emptied(
    make: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = make()
    address = "alice1234@relay.example"
    await gate.login(address, "password9")
    await gate.set_duress(address, "password9", DURESS)

    async def full(_job: object) -> None:
        raise StoreFull("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(store._backend, "write", full)
        for attempt in (gate.login(address, DURESS), gate.set_duress(address, "password9", None)):
            assert "later" in await refusal(attempt)
    assert (await gate.login(address, DURESS)).emptied


async def test_a_login_is_remembered_for_the_day(make: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    days = [TODAY]
    gate = make(today=lambda: days[0])
    asked = []
    login = store.accounts.login

    async def counted(name: str, password: str, *, day: int) -> Owner:
        asked.append(day)
        return await login(name, password, day=day)

    monkeypatch.setattr(store.accounts, "login", counted)
    for _ in range(3):
        await gate.login("alice1234@relay.example", "password9")
    assert asked == [TODAY]
    days[0] += 1
    for _ in range(3):
        await gate.login("alice1234@relay.example", "password9")
    assert asked == [TODAY, TODAY + 1]
    assert await store.accounts.expire(before_day=TODAY + 1) == 0


async def test_a_full_disk_is_not_the_persons_fault(make: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object, **__: object) -> None:
        raise StoreFull("the disk is full")

    monkeypatch.setattr(store.accounts, "create", full)
    gate = make()
    for attempt in (gate.login("alice1234@relay.example", "password9"), gate.create()):
        text = await refusal(attempt)
        assert "later" in text
        assert "authentication" not in text


def owner(name: str) -> Owner:
    return Owner(AccountId(name.encode()), name, Clear(bytes(32)).lock("x")[1])


def test_only_so_many_logins_are_remembered() -> None:
    recent = Recent(kept=3)
    alice = owner("alice")
    for name in ("alice", "bob", "carol"):
        recent.remembering(name, "password", 1)(alice)
    assert recent.find("alice", "password", 1) == alice
    recent.remembering("dave", "password", 1)(alice)
    assert len(recent) == 3
    assert recent.find("bob", "password", 1) is None
    assert recent.find("alice", "password", 1) == alice


def test_what_is_remembered_is_one_password_of_one_name_on_one_day() -> None:
    recent = Recent()
    alice = owner("alice")
    recent.remembering("alice", "password", 1)(alice)
    assert recent.find("alice", "password", 1) == alice
    assert recent.find("alice", "Password", 1) is None
    assert recent.find("bob", "password", 1) is None
    assert recent.find("alice", "password", 2) is None
    recent.forget("alice")
    assert recent.find("alice", "password", 1) is None


def test_what_was_forgotten_meanwhile_is_not_remembered() -> None:
    recent = Recent()
    remember = recent.remembering("alice", "password", 1)
    recent.forget("alice")
    remember(owner("alice"))
    assert len(recent) == 0


def test_no_password_is_kept() -> None:
    recent = Recent()
    recent.remembering("alice", "the-password", 1)(owner("alice"))
    assert "the-password" not in repr(vars(recent))


def test_no_account_is_open_between_its_sessions() -> None:
    seal = Sealed(bytes(32), memory=8)
    lock, key = seal.lock("password")
    sealed = seal.seal(lock, b"record")
    recent = Recent()
    recent.remembering("alice", "password", 1)(Owner(AccountId(b"alice"), "alice", key))
    watched = weakref.ref(key)
    del key
    gc.collect()
    assert watched() is None
    again = recent.find("alice", "password", 1)
    assert again is not None
    assert again.key.open(sealed) == b"record"
    assert recent.find("alice", "Password", 1) is None


@pytest.mark.parametrize("how", ["delete", "duress at a login", "duress where one is set"])
async def test_nobody_is_answered_before_all_processes_have_forgotten_an_account(
    store: Store, sleeper: Sleeper, how: str
) -> None:
    address, asked, forgotten = "alice1234@relay.example", asyncio.Event(), asyncio.Event()

    async def forget(name: str) -> None:
        other.forget(name)
        asked.set()
        await forgotten.wait()

    def gate(forget_elsewhere: Callable[[str], Any] | None = None) -> Gate:
        return Gate(
            settings.Accounts(),
            store.accounts,
            store.invitations,
            lambda domain: True,
            lambda: TODAY,
            forget_elsewhere=forget_elsewhere,
            sleep=sleeper,
        )

    this, other = gate(forget), gate()
    for each in (this, other):
        await each.login(address, "password9")
        assert len(each._recent) == 1
    await this.set_duress(address, "password9", DURESS)
    assert not asked.is_set()
    ways: dict[str, Callable[[], Any]] = {
        "delete": lambda: this.delete(address, "password9"),
        "duress at a login": lambda: this.login(address, DURESS),
        "duress where one is set": lambda: this.set_duress(address, DURESS, None),
    }
    answering = asyncio.create_task(ways[how]())
    await asyncio.wait_for(asked.wait(), 5)
    await asyncio.sleep(0.01)
    assert not answering.done()
    assert len(this._recent) == len(other._recent) == 0
    forgotten.set()
    await answering
