"""What counts as delivered: held exactly once at the end, whatever was seen on the way."""

import asyncio
import time
from collections import Counter

import pytest

from angarium.apps.check.ledger import Ledger


async def test_delivered_is_what_the_receiver_holds_once() -> None:
    ledger = Ledger()
    for receiver in (1, 2, 3):
        ledger.expect("texts", receiver, "hello")
    ledger.arrived(1, "hello", time.perf_counter())
    ledger.arrived(2, "hello", time.perf_counter())
    tally = ledger.tally("texts", {1: Counter(["hello"]), 2: Counter(["hello", "hello"]), 3: Counter(["other"])})
    assert (tally.expected, tally.delivered, tally.missing, tally.duplicated) == (3, 1, 1, 1)
    assert len(tally.seconds) == 2
    assert not tally.right


async def test_the_time_is_from_sending_to_arriving_sorted() -> None:
    ledger = Ledger()
    ledger.expect("texts", 1, "slow")
    ledger.expect("texts", 1, "fast")
    now = time.perf_counter()
    ledger.arrived(1, "slow", now + 9)
    ledger.arrived(1, "fast", now + 1)
    ledger.arrived(1, "fast", now + 5)  # told twice: the first counts
    seconds = ledger.tally("texts", {1: Counter(["slow", "fast"])}).seconds
    assert seconds == pytest.approx((1, 9), abs=0.5)


async def test_complete_waits_for_all_of_its_step_and_no_other() -> None:
    ledger = Ledger()
    ledger.expect("texts", 1, "a")
    ledger.expect("texts", 2, "a")
    ledger.expect("group", 1, "never")
    waiting = asyncio.create_task(ledger.complete("texts"))
    ledger.arrived(1, "a", 0)
    ledger.arrived(1, "of somebody else", 0)
    await asyncio.sleep(0)
    assert not waiting.done()
    ledger.arrived(2, "a", 0)
    await waiting
    await ledger.complete("nothing sent")


async def test_a_wait_given_up_does_not_undo_what_arrives_later() -> None:
    ledger = Ledger()
    ledger.expect("texts", 1, "late")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ledger.complete("texts"), 0)
    ledger.arrived(1, "late", time.perf_counter())
    assert len(ledger.tally("texts", {1: Counter(["late"])}).seconds) == 1


async def test_a_deed_counts_only_if_it_ends_well() -> None:
    ledger = Ledger()
    with ledger.deed("accounts"):
        pass
    with pytest.raises(RuntimeError), ledger.deed("accounts"):
        raise RuntimeError
    tally = ledger.tally("accounts", {})
    assert (tally.expected, tally.delivered, tally.missing) == (2, 1, 1)
    assert len(tally.seconds) == 1


async def test_a_step_never_tried_expects_nothing() -> None:
    assert Ledger().tally("channel", {}).expected == 0
