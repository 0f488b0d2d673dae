"""Precedence: who is patient, or has ended, waits for the others, and only so long."""

import asyncio
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from angarium.reach.readiness import Readiness
from angarium.reach.watch import PATIENT, PATIENT_ALONE

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="the loop's own watching knows no precedence")

MANY = 50
Pairs = list[tuple[socket.socket, socket.socket]]


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    with ExitStack() as opened:
        made = [socket.socketpair() for _ in range(MANY)]
        for ours, theirs in made:
            ours.setblocking(False)
            opened.enter_context(ours)
            opened.enter_context(theirs)
        yield made


def watched(pairs: Pairs, *, patient: bool) -> list[Readiness]:
    made = []
    for ours, _ in pairs:
        made.append(ready := Readiness(ours.fileno()))
        ready.patient = patient
    return made


async def told_in_each_turn(waiting: list[asyncio.Future[None]], turns: int = 200) -> list[int]:
    """How many waits ended in each turn of the loop, until all have."""
    done: list[int] = []
    while not all(one.done() for one in waiting):
        before = sum(one.done() for one in waiting)
        await asyncio.sleep(0)
        done.append(sum(one.done() for one in waiting) - before)
        assert len(done) < turns
    return done


async def test_patient_ones_are_told_a_few_at_a_time_and_all_of_them(pairs: Pairs) -> None:
    ready = watched(pairs, patient=True)
    waiting = [one.reading.wait(None) for one in ready]
    for _, theirs in pairs:
        theirs.send(b"x")
    assert max(await told_in_each_turn(waiting)) == PATIENT_ALONE
    for one in ready:
        one.stop()


async def test_others_are_told_at_once_and_the_patient_meanwhile_still_get_their_part(pairs: Pairs) -> None:
    first, patient = watched(pairs[:10], patient=False), watched(pairs[10:], patient=True)
    waiting = [one.reading.wait(None) for one in (*patient, *first)]
    for _, theirs in pairs:
        theirs.send(b"x")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert all(one.done() for one in waiting[-10:])
    assert 0 < sum(one.done() for one in waiting[:-10]) <= PATIENT + PATIENT_ALONE
    await told_in_each_turn(waiting)
    for one in (*first, *patient):
        one.stop()


async def test_those_who_have_ended_wait_for_those_who_talk(pairs: Pairs) -> None:
    ready = watched(pairs, patient=False)
    waiting = [one.reading.wait(None) for one in ready]
    for _, theirs in pairs[:-1]:
        theirs.close()
    pairs[-1][1].send(b"x")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert waiting[-1].done()
    assert sum(one.done() for one in waiting) <= 1 + PATIENT + PATIENT_ALONE
    await told_in_each_turn(waiting)
    assert all(ours.recv(1) == b"" for ours, _ in pairs[:-1])
    for one in ready:
        one.stop()


async def test_who_has_settled_has_precedence(pairs: Pairs) -> None:
    ready = watched(pairs, patient=True)
    waiting = [one.reading.wait(None) for one in ready]
    ready[-1].settle()
    ready[-1].settle()
    for _, theirs in pairs:
        theirs.send(b"x")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert waiting[-1].done()
    assert sum(one.done() for one in waiting) <= 1 + PATIENT + PATIENT_ALONE
    await told_in_each_turn(waiting)
    for one in ready:
        one.stop()
