"""The whole measurement, small: a relay that seals is searched in vain, one that does not gives everything away."""

import contextlib
import sqlite3
import sys
from itertools import combinations
from pathlib import Path

import pytest

from angarium.lab.seizure.clues import CLUES
from angarium.lab.seizure.disk import merged
from angarium.lab.seizure.drive import RelayFailed, drive
from angarium.lab.seizure.estimate import Pair
from angarium.lab.seizure.evidence import examine
from angarium.lab.seizure.left import DOMAIN, GONE, Left
from angarium.lab.seizure.measure import Hits, Judged, Round, judge, report
from angarium.lab.seizure.population import people
from angarium.store.seal import Clear
from angarium.store.sealed import Sealed

UP = (sys.executable, "-m", "angarium", "up", "--listen", "127.0.0.1", "--ports", "any", "--json", "--data")
UNSEALED = (sys.executable, "-m", "angarium.apps.unsealed")
COMMON = CLUES.index("bytes in common")
KINDS = ("", "settled_", "root_", "plain_")


async def test_a_sealed_disk_names_nobody(tmp_path: Path) -> None:
    left = await drive(tmp_path, UP, accounts=10, mails=120, seed=3)
    found, pairs = judge(left, Sealed)
    assert len(left.taken) >= 72
    assert found.known > 150
    assert len(left.waiting()) > 20
    assert found.readable > 20
    assert (found.disk.found, found.settings.found, found.readable_found) == (0, 0, 0)
    assert found.root.kinds.keys() <= {"push token"}
    assert found.names_confirmed == found.users_counted == 10
    waiting = [mail for mail in left.taken if mail.gone and not mail.foreign]
    assert found.queued_found > len(waiting) > 0, "what waits for another relay opens with the root key"
    with merged(tmp_path / "data/store.db") as copy, contextlib.closing(sqlite3.connect(copy)) as rows:
        assert rows.execute("SELECT count(*) FROM queue").fetchone()[0] >= len(waiting)
        assert rows.execute("SELECT count(*) FROM marks").fetchone()[0] > 0, "mail from abroad has arrived"
        assert rows.execute("SELECT count(*) FROM peers").fetchone()[0] > 0, "the other relay's key is remembered"
    assert {pair.clues[COMMON] for pair in pairs} == {0}


async def test_at_rest_no_message_is_anybodys_without_the_root_key(tmp_path: Path) -> None:
    left = await drive(tmp_path, UP, accounts=10, mails=60, seed=5)
    seal = Sealed((tmp_path / "data/root.key").read_bytes())
    assert left.waiting()
    with merged(tmp_path / "data/store.db") as rested:
        assert examine(rested).bound == 0
        assert examine(rested, seal.gather).bound > 0


async def test_an_unsealed_disk_gives_everything_away(tmp_path: Path) -> None:
    left = await drive(tmp_path, UNSEALED, accounts=12, mails=120, seed=12)
    found, pairs = judge(left, Clear)
    assert found.readable_found == found.readable > 20
    assert found.disk.kinds.keys() >= {"address", "name", "display name", "Message-ID", "push token"}
    assert not found.disk.kinds.keys() & {"password", "IP address", "invitation", "failed login"}
    common = {pair[:2]: pair.clues[COMMON] for pair in pairs}
    away = {person.number for person in left.population.people if not person.online} - left.deleted
    shared = [pair for mail in left.waiting() for pair in combinations(sorted(away & {*mail.recipients}), 2)]
    assert shared
    assert all(common[pair] > 0 for pair in shared if pair in common)
    assert report([Judged(found, pairs)], control=True).rounds == [found]


async def test_a_relay_that_does_not_start_says_why(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no such thing')")
    with pytest.raises(RelayFailed, match="no such thing"):
        await drive(tmp_path, command, accounts=6, mails=10, seed=1)


def test_people_are_drawn_the_same_again() -> None:
    assert people(50, 7, ["token"]) == people(50, 7, ["token"])
    population = people(50, 7, ["token"])
    assert population != people(50, 8, ["token"])
    assert list(population.mails(20)) == list(population.mails(20))
    known = population.known("relay.example", "abroad.example", "gone.example")
    elsewhere = 3 * len(population.abroad) + 2 * len(population.gone)
    assert len({one.value for one in known}) == len(known) == 50 * 6 + elsewhere + len(population.strangers) + 1


def test_mails_go_to_those_who_talk_to_each_other() -> None:
    population = people(50, 7, ["token"])
    talks = [(set(group), set(visit)) for group, visit in zip(population.groups, population.visits, strict=True)]
    talks += [(set(chat), set[int]()) for chat in population.chats]
    talks += [({*talk.members}, {*talk.abroad}) for talk in population.letters]
    mails = list(population.mails(400))
    for mail in mails:
        here, abroad = set(mail.recipients), set(mail.abroad)
        assert mail.sender not in (abroad if mail.foreign else here)
        (abroad if mail.foreign else here).add(mail.sender)
        assert any(here <= members and abroad <= visitors for members, visitors in talks)
    assert any(mail.foreign for mail in mails)
    assert any(mail.abroad for mail in mails)
    assert any(mail.gone for mail in mails)


def test_what_waits_is_what_somebody_away_has_not_fetched(tmp_path: Path) -> None:
    population = people(20, 1)
    left = Left(tmp_path, population, taken=list(population.mails(100)))
    away = {person.number for person in population.people if not person.online}
    assert left.waiting() == [mail for mail in left.taken if not mail.foreign and away & set(mail.recipients)]
    sender = population.people[left.waiting()[0].sender]
    assert {left.waiting()[0].mark, f"{sender.local}@{DOMAIN}", sender.name} <= left.readable()
    left.deleted = away
    assert left.waiting() == []
    queued = {f"{population.gone[place]}@{GONE}" for mail in left.taken for place in mail.gone}
    assert left.readable() == {person.token for person in population.people if person.online} | queued


def test_what_waits_for_other_relays_the_relay_can_read(tmp_path: Path) -> None:
    population = people(20, 1)
    left = Left(tmp_path, population, begun=list(population.mails(400)))
    waiting = next(mail for mail in left.begun if mail.gone)
    sender, there = population.people[waiting.sender], population.gone[waiting.gone[0]]
    assert {waiting.mark, sender.name, sender.local, there, f"{there}@{GONE}"} <= left.queued()
    within = next(mail for mail in left.begun if not mail.foreign and not mail.gone and not mail.abroad)
    assert within.mark not in left.queued()


def disk(**changed: object) -> Judged:
    """What a round without fault says."""
    nothing = Hits(0, {}, {}, {})
    whole: dict[str, object] = dict.fromkeys(Round.__struct_fields__, 10)
    whole |= {"disk": nothing, "settings": nothing, "root": Hits(1, {"push token": 1}, {}, {}), "readable_found": 0}
    whole |= {f"{kind}area": 0.5 for kind in KINDS} | {f"{kind}error": 0.01 for kind in KINDS}
    whole |= {"clues": {}, "root_clues": {}}
    return Judged(Round(**{**whole, **changed}), [])  # type: ignore[arg-type]


def test_the_goals() -> None:
    name = Hits(1, {"name": 1}, {"raw": 1}, {"store.db": 1})
    assert report([disk(), disk()], control=False).ok
    assert report([disk(root_area=0.9)], control=False).ok
    assert not report([disk(), disk(settings=name)], control=False).ok
    assert not report([disk(), disk(root=name)], control=False).ok
    assert not report([disk(area=0.56)], control=False).ok
    assert not report([disk(error=0.06)], control=False).ok


def test_the_goals_hold_only_if_who_practised_fails_too() -> None:
    told = [Pair(at, at + 1, at % 3 == 0, [float(at % 3 == 0)]) for at in range(60)]
    assert not report([disk()._replace(pairs=told)] * 3, control=False).ok
    blind = [pair._replace(clues=[0.0]) for pair in told]
    assert report([disk()._replace(pairs=blind)] * 3, control=False).ok


def test_a_control_must_find_all_and_guess_clearly_where_the_evidence_is_plain() -> None:
    assert report([disk(readable_found=10, plain_area=0.95)], control=True).ok
    assert not report([disk(readable_found=9, plain_area=0.95)], control=True).ok
    assert not report([disk(readable_found=10, plain_area=0.91)], control=True).ok
    assert not report([disk(readable_found=10, area=0.95)], control=True).ok
