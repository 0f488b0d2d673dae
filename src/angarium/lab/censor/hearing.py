"""All that a prober hears: from the twenty sites, from relays and from nginx that show the same, near and far.

Probes are put in random order, few at a time, so that times count. All come over the lab's own line, which is next to
none: only the box stands between. Where the prober is `far`, the probes are put again over lines to another country.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from angarium.lab.censor.gardens import TWINS, gardens, settle
from angarium.lab.censor.link import FAR, JUDGED, Line
from angarium.lab.censor.place import Place
from angarium.lab.censor.prober import Answers, Ask, all_kinds, asks, put
from angarium.lab.censor.probes import PROBES
from angarium.lab.censor.scenarios import ECHO, RELAY
from angarium.lab.censor.sites import PARTS, STOCK
from angarium.lab.censor.twenty import Round, rounds

__all__ = ["Afar", "Heard", "Kinds", "heard", "heard_kinds"]

FEW, MORE, FEW_FAR = 8, 16, 24
"""Rounds under way: to the relay and its twins; to all, which take turns; and over a line that takes long, when they
mostly wait."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Afar:
    """What comes over a line to another country."""

    line: Line
    twins: list[Answers]
    twenty: list[Answers] | None
    """Where the relay is judged by that line: all, asked again."""
    asked: Sequence[Round]


@dataclass(frozen=True, slots=True)
class Heard:
    """All answers. In order those of the first that are asked, of the second, and so on."""

    kinds: list[Answers]
    """Of each of the twenty, each probe once."""
    echo: Answers
    """Of who sends everything back, each probe once."""
    twins: list[Answers]
    """Of the relay and of two twins."""
    asked: Sequence[Round]
    twenty: list[Answers]
    """Of relays, of nginx that show the same, and of the twenty, to each round of `asked`."""
    echoed: Answers
    """The echo's, to the first of these rounds."""
    afar: list[Afar]


@dataclass(frozen=True, slots=True)
class Kinds:
    """What is heard of a relay that shows no site of the lab's."""

    sites: list[Answers]
    """Of each of the twenty, each probe once."""
    echo: Answers
    relay: Answers


async def heard_kinds(place: Place, probes: int) -> Kinds:
    """Put so many probes to the relay, and each kind to the twenty and the echo. Raises NoNginx."""
    settle(place.ground)
    seed = place.job.seed
    async with gardens(decoys=False):
        *sites, echo = await asyncio.to_thread(all_kinds, [*(one.address for one in STOCK), ECHO])
        to_relay = asks(max(probes, len(PROBES)), (RELAY,), seed)
        (relay,) = await asyncio.to_thread(put, to_relay, seed=seed, at_once=FEW)
    return Kinds(sites, echo, relay)


async def heard(place: Place, probes: int) -> Heard:
    """Put so many probes to the relay and its twins, and as many to all relays and the twenty. Raises NoNginx."""
    settle(place.ground)
    probes, seed = max(probes, len(PROBES)), place.job.seed
    to_twins, asked = asks(probes, (RELAY, *TWINS), seed), rounds(probes, seed)
    to_all = [one.ask for one in asked]
    to_echo = [ask._replace(hosts=(ECHO,)) for ask in to_all[: PARTS * len(PROBES)]]
    async with gardens(decoys=True):
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:  # or the box would wait for the prober's threads

            async def do(work: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
                return await asyncio.wrap_future(apart.submit(work, *given, **named))

            async def hear(put_to: Sequence[Ask], at_once: int) -> list[Answers]:
                return await do(put, put_to, seed=seed, at_once=at_once)

            kinds = await do(all_kinds, [*(one.address for one in STOCK), ECHO])
            twins, twenty = await hear(to_twins, FEW), await hear(to_all, MORE)
            (echoed,) = await hear(to_echo, MORE)
            afar = []
            for line in FAR if place.job.far else ():
                place.box.censor((), line)
                more = await hear(to_all, FEW_FAR) if line == JUDGED else None
                afar.append(Afar(line, await hear(to_twins, FEW_FAR), more, asked))
    return Heard(kinds[:-1], kinds[-1], twins, asked, twenty, echoed, afar)
