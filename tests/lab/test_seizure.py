"""The whole measurement, small: a relay that seals is searched in vain, one that does not gives everything away."""

import sys
from pathlib import Path

import pytest

from angarium.lab.seizure.drive import Left, RelayFailed, drive
from angarium.lab.seizure.measure import Hits, Round, judge, report
from angarium.lab.seizure.population import people
from angarium.store.seal import Clear
from angarium.store.sealed import Sealed

UP = (sys.executable, "-m", "angarium", "up", "--listen", "127.0.0.1", "--ports", "any", "--json", "--data")
UNSEALED = (sys.executable, "-m", "angarium.apps.unsealed")


async def test_a_sealed_disk_names_nobody(tmp_path: Path) -> None:
    left = await drive(tmp_path, UP, accounts=10, mails=150, seed=3)
    found = judge(left, Sealed)
    assert len(left.taken) >= 90
    assert found.known > 150
    assert found.waiting > 20
    assert (found.disk.found, found.settings.found, found.waiting_found) == (0, 0, 0)
    assert found.root.kinds.keys() <= {"push token"}
    assert found.names_confirmed == found.users_counted == 10


async def test_an_unsealed_disk_gives_everything_away(tmp_path: Path) -> None:
    left = await drive(tmp_path, UNSEALED, accounts=12, mails=150, seed=4)
    found = judge(left, Clear)
    assert found.waiting_found == found.waiting > 20
    assert found.disk.kinds.keys() >= {"address", "name", "display name", "Message-ID", "push token"}
    assert not found.disk.kinds.keys() & {"password", "IP address", "invitation", "failed login"}
    assert max(found.clues.values()) > 0.8
    assert report([found], control=True).rounds == [found]


async def test_a_relay_that_does_not_start_says_why(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no such thing')")
    with pytest.raises(RelayFailed, match="no such thing"):
        await drive(tmp_path, command, accounts=6, mails=10, seed=1)


def test_people_are_drawn_the_same_again() -> None:
    assert people(50, 7, ["token"]) == people(50, 7, ["token"])
    population = people(50, 7, ["token"])
    assert population != people(50, 8, ["token"])
    assert list(population.mails(20)) == list(population.mails(20))
    known = population.known("relay.example")
    assert len({one.value for one in known}) == len(known) == 50 * 6 + len(population.strangers) + 1
    for mail in population.mails(200):
        together = {mail.sender, *mail.recipients}
        assert any(together <= set(members) for members in [*population.groups, *population.chats])
        assert mail.sender not in mail.recipients


def test_what_waits_is_what_somebody_away_has_not_fetched(tmp_path: Path) -> None:
    population = people(20, 1)
    left = Left(tmp_path, population, taken=list(population.mails(100)))
    away = {person.number for person in population.people if not person.online}
    assert left.waiting() == {mail.mark for mail in left.taken if away & set(mail.recipients)}
    left.deleted = away
    assert left.waiting() == set()


def disk(**changed: object) -> Round:
    """What a round without fault says."""
    nothing = Hits(0, {}, {}, {})
    whole: dict[str, object] = dict.fromkeys(Round.__struct_fields__, 10)
    whole |= {"disk": nothing, "settings": nothing, "root": Hits(1, {"push token": 1}, {}, {}), "clues": {}}
    whole |= {
        "waiting_found": 0,
        "area": 0.5,
        "error": 0.01,
        "settled_area": 0.5,
        "settled_error": 0.01,
        "common_area": 0.5,
    }
    return Round(**{**whole, **changed})  # type: ignore[arg-type]


def test_the_goals() -> None:
    name = Hits(1, {"name": 1}, {"raw": 1}, {"store.db": 1})
    assert report([disk(), disk()], control=False).ok
    assert not report([disk(), disk(settings=name)], control=False).ok
    assert not report([disk(), disk(root=name)], control=False).ok
    assert not report([disk(area=0.56)], control=False).ok
    assert not report([disk(error=0.06)], control=False).ok
    assert report([disk(waiting_found=10, area=0.95)], control=True).ok
    assert not report([disk(waiting_found=9, area=0.95)], control=True).ok
    assert not report([disk(waiting_found=10, area=0.61)], control=True).ok
