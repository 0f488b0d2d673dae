"""Whether a prober tells a relay from web sites: what it says is compared with what twenty of them say.

A host is told if it answers any probe in a way that none of the sites does: then one probe is enough for whoever knows
which. Two controls: one of the sites must not be told from the other nineteen, and a server that echoes must be.
"""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from angarium.lab.censor.enclosure import WORK
from angarium.lab.censor.nginx import SITES, nginx
from angarium.lab.censor.place import Place
from angarium.lab.censor.probes import PROBES, Answer, Probe, ask
from angarium.lab.censor.report import Run
from angarium.lab.censor.scenarios import ECHO, RELAY
from angarium.lab.censor.topology import within

__all__ = ["suspected"]

AT_ONCE = 64
"""Probes under way."""
SHOWN = 12
"""Probes that are named in the reason."""


async def suspected(place: Place, probes: int) -> Run:
    """Put so many probes to the relay, and judge. Raises NoNginx."""
    place.ground.add("nginx", "outside", SITES)
    async with nginx("nginx", WORK / "nginx"):
        asked = list(itertools.islice(itertools.cycle(PROBES), max(probes, len(PROBES))))
        sites = await asyncio.to_thread(_answers, SITES, PROBES)
        (echo,) = await asyncio.to_thread(_answers, [ECHO], PROBES)
        (relay,) = await asyncio.to_thread(_answers, [RELAY], asked)
    held_out, known = sites[0], _known(sites[1:])
    unlike = _unlike(asked, relay, _known(sites))
    mail = sum(answer.mail for answer in relay)
    why = []
    if unlike:
        more = f", and {len(unlike) - SHOWN} more" if len(unlike) > SHOWN else ""
        why.append(f"told by {', '.join(sorted(unlike)[:SHOWN])}{more}")
    if mail:
        why.append(f"{mail} octets of mail protocols said to a stranger")
    return Run(
        ok=not why,
        open=not _unlike(PROBES, held_out, known),
        shut=bool(_unlike(PROBES, echo, known)),
        why="; ".join(why),
        notes={
            "probes": len(asked),
            "kinds": len(PROBES),
            "kinds answered unlike any site": len(unlike),
            "octets of mail protocols": mail,
        },
    )


def _answers(hosts: Sequence[str], asked: Sequence[Probe]) -> list[list[Answer]]:
    """What each host answers to each probe; noise is each in turn, over the hosts and over the rounds."""
    with ThreadPoolExecutor(AT_ONCE) as prober:
        jobs = [
            [
                prober.submit(within, "naive", partial(ask, host, probe, first + number // len(PROBES)))
                for number, probe in enumerate(asked)
            ]
            for first, host in enumerate(hosts)
        ]
        return [[job.result() for job in row] for row in jobs]


def _known(sites: Sequence[Sequence[Answer]]) -> dict[str, set[str]]:
    """For each probe, all that the sites say to it."""
    known: dict[str, set[str]] = defaultdict(set)
    for site in sites:
        for probe, answer in zip(PROBES, site, strict=True):
            known[probe.name].add(answer.kind)
    return known


def _unlike(asked: Sequence[Probe], answers: Sequence[Answer], known: dict[str, set[str]]) -> set[str]:
    """The probes that a host answers as none of the sites does."""
    pairs = zip(asked, answers, strict=True)
    return {probe.name for probe, answer in pairs if answer.kind not in known[probe.name]}
