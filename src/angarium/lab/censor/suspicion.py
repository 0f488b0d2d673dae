"""Whether a prober tells a relay from web sites, in two ways.

By kind: a host is told if it answers any probe as none of twenty sites does; then one probe is enough for whoever knows
which. Controls: one of the sites must not be told from the other nineteen, and a server that echoes must be.
Of a relay without the decoy's site that is all: no nginx shows the same.

By all that is to be seen: a classifier is trained on answers of the relay and of an nginx that has the same site and
the same certificate, and tried on other answers of both: octets, TLS, ends, times. Control: two such nginx, of which
it must not do better than it may of the relay. Probes are put to all three in random order, few at a time, so that
times count. This is judged over the lab's own line, which is next to none: only the box stands between.

Beside it, and judged by nobody: each time alone; two nginx that differ as hosts of the world do; and, where the prober
is `far`, the times again over lines with a delay that varies. How much a line varies shows in the time to connect,
which is the kernels' and the line's only.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from statistics import quantiles

from angarium.lab.censor.classifier import Accuracy, told_apart
from angarium.lab.censor.enclosure import WORK
from angarium.lab.censor.link import FAR, Line
from angarium.lab.censor.nginx import PROXIED, SITES, TWINS, nginx, twins
from angarium.lab.censor.place import Place
from angarium.lab.censor.probes import PROBES, Probe
from angarium.lab.censor.report import Run
from angarium.lab.censor.scenarios import ECHO, RELAY
from angarium.lab.censor.sighting import Sighting, look
from angarium.lab.censor.topology import within

__all__ = ["suspected"]

AT_ONCE = 64
"""Probes under way, where times do not count."""
FEW, FEW_FAR = 8, 24
"""... and where they do; over a line that takes long they mostly wait."""
PATIENCE = 0.7
"""Seconds of silence after which an answer is taken for whole then. nginx holds some back for a fifth of one."""
MOST = 0.55
"""Of 1: how often the classifier may be right about a single answer."""
SHOWN = 12
"""Probes that are named in the reason."""

Answers = list[Sighting]


async def suspected(place: Place, probes: int) -> Run:
    """Put so many probes to the relay, and judge. Raises NoNginx."""
    place.ground.add("nginx", "outside", SITES)
    probes = max(probes, len(PROBES))
    if place.attempt.way != "decoy":
        return await _suspected_by_kind(place, probes)
    for name, address in zip(("twin0", "twin1", "proxied"), (*TWINS, PROXIED), strict=True):
        place.ground.add(name, "outside", [address])
    compared = partial(_compared, probes=probes, seed=place.job.seed)
    async with nginx("nginx", WORK / "nginx"), twins():
        sites = await asyncio.to_thread(_answers, SITES)
        (echo,) = await asyncio.to_thread(_answers, [ECHO])
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:  # or the box would wait for the prober's threads
            put = partial(asyncio.get_running_loop().run_in_executor, apart)
            relay, one, other, second_hand = await put(partial(compared, (RELAY, *TWINS, PROXIED)))
            afar = []
            for line in FAR if place.job.far else ():
                place.box.censor((), line)
                afar.append((line, await put(partial(compared, (RELAY, *TWINS), at_once=FEW_FAR))))
    held_out, known = sites[0], _known(sites[1:])
    unlike = _unlike(relay, _known(sites))
    mail = sum(seen.mail for seen in relay)
    told, wordless, timeless, control, crowd = await asyncio.gather(
        asyncio.to_thread(told_apart, relay, one),
        asyncio.to_thread(told_apart, relay, one, words=False),
        asyncio.to_thread(told_apart, relay, one, times=()),
        asyncio.to_thread(told_apart, other, one),
        asyncio.to_thread(told_apart, second_hand, one, words=False),
    )
    why = _why(unlike, mail)
    if told.share > MOST:
        why.append(f"a classifier is right about {100 * told.share:.1f} % of its answers")
    return Run(
        ok=not why,
        open=not _unlike(held_out, known) and control.share <= MOST,
        shut=bool(_unlike(echo, known)),
        why="; ".join(why),
        notes={
            "probes": len(relay),
            "kinds": len(PROBES),
            "kinds answered unlike any site": len(unlike),
            "octets of mail protocols": mail,
            **_told("classifier", told),
            **_told("by times alone", wordless),
            **_told("without times", timeless),
            **_told("two nginx", control),
            **_told("two nginx, one at second hand, by times alone", crowd),
            **await asyncio.to_thread(_by_each_time, relay, one),
            "connecting varies by, ms": _spread(relay),
            **await asyncio.to_thread(_afar, afar),
        },
    )


async def _suspected_by_kind(place: Place, probes: int) -> Run:
    async with nginx("nginx", WORK / "nginx"):
        sites = await asyncio.to_thread(_answers, SITES)
        (echo,) = await asyncio.to_thread(_answers, [ECHO])
        (relay,) = await asyncio.to_thread(_compared, [RELAY], probes=probes, seed=place.job.seed)
    known, unlike = _known(sites[1:]), _unlike(relay, _known(sites))
    mail = sum(seen.mail for seen in relay)
    why = _why(unlike, mail)
    return Run(
        ok=not why,
        open=not _unlike(sites[0], known),
        shut=bool(_unlike(echo, known)),
        why="; ".join(why),
        notes={
            "probes": len(relay),
            "kinds": len(PROBES),
            "kinds answered unlike any site": len(unlike),
            "octets of mail protocols": mail,
        },
    )


def _why(unlike: Collection[str], mail: int) -> list[str]:
    why = []
    if unlike:
        more = f", and {len(unlike) - SHOWN} more" if len(unlike) > SHOWN else ""
        why.append(f"told by {', '.join(sorted(unlike)[:SHOWN])}{more}")
    if mail:
        why.append(f"{mail} octets of mail protocols said to a stranger")
    return why


def _afar(afar: Sequence[tuple[Line, list[Answers]]]) -> dict[str, float]:
    notes: dict[str, float] = {}
    for line, (relay, one, other) in afar:
        name = f"{1000 * line.delay:g} ± {1000 * line.variation:g} ms"
        notes |= _told(f"{name}, by times alone", told_apart(relay, one, words=False))
        notes |= _told(f"{name}, two nginx", told_apart(other, one, words=False))
        notes[f"{name}, connecting varies by, ms"] = _spread(relay)
    return notes


def _by_each_time(relay: Answers, one: Answers) -> dict[str, float]:
    """How often the classifier is right by one time alone, of the answers that have it."""
    notes: dict[str, float] = {}
    for name in sorted({name for seen in relay for name in seen.took}):
        ours, theirs = ([seen for seen in answers if name in seen.took] for answers in (relay, one))
        notes |= _told(f"by {name} alone", told_apart(ours, theirs, words=False, times=(name,)))
    return notes


def _spread(answers: Answers) -> float:
    """Milliseconds within which the middle half of the times to connect lies."""
    low, _, high = quantiles(seen.took["connect"] for seen in answers if "connect" in seen.took)
    return round(1000 * (high - low), 3)


def _told(name: str, accuracy: Accuracy) -> dict[str, float]:
    low, high = accuracy.interval
    shares = {"": accuracy.share, " from": low, " to": high}
    return {f"{name}{what}, %": round(100 * share, 1) for what, share in shares.items()}


def _answers(hosts: Sequence[str]) -> list[Answers]:
    """What each host answers to each probe; noise is each in turn, over the hosts."""
    with ThreadPoolExecutor(AT_ONCE) as prober:
        jobs = [
            [prober.submit(within, "naive", partial(look, host, probe, first)) for probe in PROBES]
            for first, host in enumerate(hosts)
        ]
        return [[job.result() for job in row] for row in jobs]


def _compared(hosts: Sequence[str], *, probes: int, seed: int, at_once: int = FEW) -> list[Answers]:
    """What each host answers to so many probes: the same probes, in random order."""
    dice = random.Random(seed)  # noqa: S311 (repeatable)
    asked = [(PROBES[number % len(PROBES)], number // len(PROBES)) for number in range(probes)]
    dice.shuffle(asked)

    def ask(probe: Probe, turn: int) -> Answers:
        order = list(enumerate(hosts))
        dice.shuffle(order)
        found = {place: look(host, probe, turn, patience=PATIENCE) for place, host in order}
        return [found[place] for place in sorted(found)]

    with ThreadPoolExecutor(at_once) as prober:
        jobs = [prober.submit(within, "naive", partial(ask, *each)) for each in asked]
        return [list(row) for row in zip(*(job.result() for job in jobs), strict=True)]


def _known(sites: Sequence[Answers]) -> dict[str, set[str]]:
    """For each probe, all that the sites say to it."""
    known: dict[str, set[str]] = defaultdict(set)
    for site in sites:
        for seen in site:
            known[seen.probe].add(seen.kind)
    return known


def _unlike(answers: Collection[Sighting], known: dict[str, set[str]]) -> set[str]:
    """The probes that a host answers as none of the sites does."""
    return {seen.probe for seen in answers if seen.kind not in known[seen.probe]}
