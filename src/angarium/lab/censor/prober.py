"""The prober at work: many probes under way at a time, each in a thread, from where the naive client is.

For a process of its own: or the censor's box would wait for its threads.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from angarium.lab.censor.probes import PROBES, Probe
from angarium.lab.censor.sighting import Sighting, look
from angarium.lab.censor.topology import within

__all__ = ["Answers", "Ask", "all_kinds", "asks", "put"]

AT_ONCE = 64
"""Probes under way, where times do not count."""
PATIENCE = 0.7
"""Seconds of silence after which an answer is taken for whole where they do. nginx holds some back for a fifth."""

Answers = list[Sighting]


class Ask(NamedTuple):
    """A probe, put to some hosts for the so many-th time."""

    probe: Probe
    turn: int
    hosts: Sequence[str]


def asks(count: int, hosts: Sequence[str], seed: int) -> list[Ask]:
    """So many probes, each kind as often as the others or once more, in random order, all to the same hosts."""
    dice = random.Random(seed)  # noqa: S311 (repeatable)
    asked = [Ask(PROBES[number % len(PROBES)], number // len(PROBES), hosts) for number in range(count)]
    dice.shuffle(asked)
    return asked


def all_kinds(hosts: Sequence[str]) -> list[Answers]:
    """What each host answers to each probe; noise is each in turn, over the hosts."""
    with ThreadPoolExecutor(AT_ONCE) as prober:
        jobs = [
            [prober.submit(within, "naive", partial(look, host, probe, first)) for probe in PROBES]
            for first, host in enumerate(hosts)
        ]
        return [[job.result() for job in row] for row in jobs]


def put(asked: Sequence[Ask], *, seed: int, at_once: int) -> list[Answers]:
    """What is answered: of each ask by its first host, by its second, and so on. Who is asked first is random."""
    dice = random.Random(seed)  # noqa: S311 (repeatable)

    def ask(probe: Probe, turn: int, hosts: Sequence[str]) -> Answers:
        order = list(enumerate(hosts))
        dice.shuffle(order)
        found = {place: look(host, probe, turn, patience=PATIENCE) for place, host in order}
        return [found[place] for place in sorted(found)]

    with ThreadPoolExecutor(at_once) as prober:
        jobs = [prober.submit(within, "naive", partial(ask, *each)) for each in asked]
        return [list(row) for row in zip(*(job.result() for job in jobs), strict=True)]
