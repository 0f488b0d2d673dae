"""Many rounds, several at once: each drives a relay, kills it, and has a process of its own judge what is left.

All relays are driven by one event loop, since a relay is busier than its clients; judging is work for a processor. Each
round's directory is gone as soon as it is judged. Whoever cancels a series leaves nothing behind: relays and processes
are ended, then the directory under which they all write is removed.
"""

import asyncio
import multiprocessing
import signal
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from angarium.lab.seizure.drive import drive
from angarium.lab.seizure.left import Left
from angarium.lab.seizure.measure import Judged, judge
from angarium.store.seal import Seal

__all__ = ["Plan", "Tell", "series"]

JUDGING = 0.3
"""What judging a round takes, in parts of what driving it takes, about."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    relay: Sequence[str]
    """Its command, to which the path of the data directory is added."""
    seal: Callable[[bytes], Seal]
    """Makes its seal from its root key; a name that another process can import."""
    rounds: int
    accounts: int
    mails: int
    seed: int
    """Of the first round; each has one more than the one before, so that it can be repeated alone."""
    at_once: int


class Tell(Protocol):
    """Hears how far a series has come."""

    def __call__(self, part: float, doing: str) -> None:
        """`part` of all is done (0 to 1); these rounds are under way."""


def series(plan: Plan, tell: Tell) -> list[Judged]:
    """Measure; the rounds in their order.

    Raises:
        RelayFailed: a relay did not start.
        KeyboardInterrupt: this process was told to end (SIGINT, SIGTERM). Nothing is left behind.
    """
    with tempfile.TemporaryDirectory(prefix="angarium-seizure-") as name:
        try:
            return asyncio.run(_series(plan, tell, name))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


async def _series(plan: Plan, tell: Tell, directory: str) -> list[Judged]:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    slots, doing, done = asyncio.Semaphore(plan.at_once), dict[int, str](), [0.0] * plan.rounds

    def note(number: int, what: str, part: float) -> None:
        done[number] = part
        doing[number] = what
        under_way = (f"round {at + 1}: {doing[at]}" for at in sorted(doing) if doing[at])
        tell(sum(done) / plan.rounds, "; ".join(under_way))

    async def one(number: int) -> Judged:
        async with slots:
            return await _round(plan, number, directory, note)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number)) for number in range(plan.rounds)]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


async def _round(plan: Plan, number: int, directory: str, note: Callable[[int, str, float], None]) -> Judged:
    driving = 1 / (1 + JUDGING)

    def tell(taken: int) -> None:
        note(number, f"{taken} of at most {plan.mails} mails", driving * taken / plan.mails)

    tell(0)
    with tempfile.TemporaryDirectory(prefix=f"{number + 1}-", dir=directory) as name:
        here, seed = Path(name), plan.seed + number
        left = await drive(here, plan.relay, accounts=plan.accounts, mails=plan.mails, seed=seed, tell=tell)
        note(number, "searched", driving)
        judged = await _apart(left, plan.seal, directory)
    note(number, "", 1.0)
    return judged


async def _apart(left: Left, seal: Callable[[bytes], Seal], scratch: str) -> Judged:
    """Judge in another process, which ends with this one, and when this is cancelled."""
    context = multiprocessing.get_context("spawn")
    mine, others = context.Pipe(duplex=False)
    process = context.Process(target=_judge, args=(others, left, seal, scratch), daemon=True)
    process.start()
    others.close()
    try:
        judged: Judged = await asyncio.to_thread(mine.recv)
    finally:
        process.kill()
        process.join()
    return judged


def _judge(answer: Connection, left: Left, seal: Callable[[bytes], Seal], scratch: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    tempfile.tempdir = scratch
    answer.send(judge(left, seal))
