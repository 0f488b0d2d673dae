"""Those who come besides: at our relay each visit ends as it has to; at one that lets everybody in, that is told."""

import random
from collections.abc import Iterator

import pytest

from angarium.lab.load import visitors
from angarium.lab.load.meter import Meter
from angarium.lab.load.stage import Stage
from angarium.lab.load.target import Account, Target, throwaway
from angarium.lab.load.visitors import Visitors
from tests.lab.load.bad_relay import BadRelay, good, running


@pytest.fixture(scope="module")
def relay() -> Iterator[Target]:
    with throwaway() as target:
        yield target


def silent(_: float, __: str) -> None:
    """Nobody looks."""


def come(target: Target, known: list[Account]) -> tuple[Stage, Visitors]:
    stage = Stage(target, Meter(target.pids), silent)
    return stage, Visitors(stage, known, random.Random(1))


def test_each_visit_ends_as_it_has_to(relay: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "SILENT", 0.5)
    stage, people = come(relay, relay.people(1))
    stage.receivers(1)
    people.guess()
    people.join()
    people.pass_through()
    people.stray()
    for _ in range(20):
        people.offend()
        people.stall()
    assert people.silent
    wanted = {
        "wrong passwords": 1,
        "new accounts": 2,
        "deletions": 1,
        "logins to deleted accounts": 1,
        "messages to nobody": 1,
        "protocol errors": 20,
        "silent connections": 20,
    }
    assert stage.poll.run(lambda: all(people.done[name] >= count for name, count in wanted.items()), 30), people.done
    assert (people.wrong, people.why) == (0, "")
    assert people.done["returned messages"] + people.done["refused messages"] == 1
    stage.poll.rest(1)
    assert not people.silent
    people.leave()
    stage.close()


def test_who_was_let_in_with_a_wrong_password_is_told() -> None:
    with running(BadRelay(good)) as target:
        stage, people = come(target, target.people(1))
        people.guess()
        assert stage.poll.run(lambda: bool(people.done), 10)
        stage.close()
    assert (people.wrong, people.why) == (1, "wrong passwords: they were let in")


def test_who_gets_no_answer_is_told(relay: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "PATIENCE", 0.2)
    stage, people = come(relay, relay.people(1))
    people.guess()  # a failed login takes longer
    stage.poll.rest(0.5)
    people.leave()
    stage.close()
    assert (people.wrong, people.why) == (1, "wrong passwords: no end after 0 s")
