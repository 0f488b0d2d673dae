"""Whether a prober tells a relay from web sites, in three ways.

By kind: a host is told if it answers any probe as none of twenty sites does; then one probe is enough for whoever knows
which. Controls: one of the sites must not be told from the other nineteen, and a server that echoes must be. Of a relay
that does not show a site of the lab's that is all: no nginx shows the same.

From the twenty, by a classifier that has seen neither the relay nor the sites that it is tried on (`twenty`). Controls:
an nginx in the relay's place must not be told, and the server that echoes must be.

From its twin, by all that is to be seen: the classifier is trained on answers of the relay and of an nginx that has the
same site and the same certificate, and tried on other answers of both: octets, TLS, ends, times. Control: two such
nginx, of which it must not do better than it may of the relay.

Classifiers are judged by what is seen from nearby; where the prober is `far`, by what comes over a line to another
country on which the delay varies (`link.JUDGED`), and what is seen from nearby is only told. How much a line varies
shows in the time to connect, which is the kernels' and the line's alone. Each time by itself, and other lines, judge
nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import quantiles

from angarium.lab.censor.classifier import Accuracy, told_apart
from angarium.lab.censor.hearing import Afar, Heard, Kinds, heard, heard_kinds
from angarium.lab.censor.link import JUDGED, Line
from angarium.lab.censor.place import Place
from angarium.lab.censor.prober import Answers
from angarium.lab.censor.probes import PROBES
from angarium.lab.censor.report import Run
from angarium.lab.censor.sighting import Sighting
from angarium.lab.censor.twenty import judged

__all__ = ["suspected"]

JUDGES = 2
"""Processes that judge, each for minutes."""
MOST = 0.55
"""Of 1: how often the classifier may be right about a single answer."""
EVIDENT = 0.8
"""... and how often it must be about answers of what is no web server."""
SHOWN = 12
"""Probes that are named in the reason."""
TWENTY, TWIN, ALIKE, TWO = "told from the twenty", "told from its twin", "nginx told from the twenty", "two twins"
ECHOED = "an echo told from the twenty"

Figures = dict[str, Accuracy]


async def suspected(place: Place, probes: int) -> Run:
    """Put so many probes to the relay, and judge. Raises NoNginx."""
    if place.attempt.way != "decoy":
        return _by_kind(await heard_kinds(place, probes))
    everything = await heard(place, probes)
    return _verdict(everything, await asyncio.to_thread(_figures, everything))


def _figures(all_of_it: Heard) -> Figures:
    figures: Figures = {}
    with ProcessPoolExecutor(JUDGES, get_context("spawn")) as judges:
        near = [judges.submit(work, all_of_it) for work in (_from_the_twenty, _from_its_twin)]
        far = [judges.submit(_from_afar, one) for one in all_of_it.afar]
        for some in (*near, *far):
            figures |= some.result()
    return figures


def _verdict(all_of_it: Heard, figures: Figures) -> Run:
    relay, relays = all_of_it.twins[0], all_of_it.twenty[0]
    known = _known([*all_of_it.kinds, all_of_it.twenty[2]])
    unlike = _unlike([*relay, *relays], known)
    mail = sum(seen.mail for seen in (*relay, *relays))
    line = next((f", {_called(one.line)}" for one in all_of_it.afar if one.line == JUDGED), "")
    why = _why(unlike, mail)
    why += [
        f"{name}: a classifier is right about {100 * figures[name].share:.1f} % of single answers"
        for name in (f"{TWENTY}{line}", f"{TWIN}{line}")
        if figures[name].share > MOST
    ]
    alone, others = all_of_it.kinds[0], _known(all_of_it.kinds[1:])
    return Run(
        ok=not why,
        open=not _unlike(alone, others)
        and _a_coin(figures[f"{ALIKE}{line}"])
        and figures[f"{TWO}{line}"].share <= MOST,
        shut=bool(_unlike(all_of_it.echo, others)) and figures[ECHOED].share >= EVIDENT,
        why="; ".join(why),
        notes={
            "probes": len(relay) + len(relays),
            "kinds": len(PROBES),
            "kinds answered unlike any site": len(unlike),
            "octets of mail protocols": mail,
            **_told(figures),
            "connecting varies by, ms": _spread(relay),
            **{f"connecting varies by, {_called(one.line)}, ms": _spread(one.twins[0]) for one in all_of_it.afar},
        },
    )


def _by_kind(all_of_it: Kinds) -> Run:
    unlike, mail = _unlike(all_of_it.relay, _known(all_of_it.sites)), sum(seen.mail for seen in all_of_it.relay)
    why, (alone, *others) = _why(unlike, mail), all_of_it.sites
    return Run(
        ok=not why,
        open=not _unlike(alone, _known(others)),
        shut=bool(_unlike(all_of_it.echo, _known(others))),
        why="; ".join(why),
        notes={
            "probes": len(all_of_it.relay),
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


def _from_the_twenty(all_of_it: Heard) -> Figures:
    asked, (relays, alike, sites) = all_of_it.asked, all_of_it.twenty
    whole, count = judged(relays, sites, asked), len(all_of_it.echoed)
    return {
        TWENTY: whole.all,
        f"{TWENTY} by times alone": judged(relays, sites, asked, words=False).all,
        f"{TWENTY} without times": judged(relays, sites, asked, times=()).all,
        **{f"{TWENTY}, {sort}": accuracy for sort, accuracy in whole.by_sort.items()},
        ALIKE: judged(alike, sites, asked).all,
        f"{ALIKE} without times": judged(alike, sites, asked, times=()).all,
        ECHOED: judged(all_of_it.echoed, sites[:count], asked[:count]).all,
    }


def _from_its_twin(all_of_it: Heard) -> Figures:
    relay, one, other = all_of_it.twins
    return {
        TWIN: told_apart(relay, one),
        f"{TWIN} by times alone": told_apart(relay, one, words=False),
        f"{TWIN} without times": told_apart(relay, one, times=()),
        TWO: told_apart(other, one),
        **_by_each_time(relay, one),
    }


def _from_afar(afar: Afar) -> Figures:
    """What is judged where it is judged by this line; else by times alone."""
    (relay, one, other), line = afar.twins, _called(afar.line)
    figures = {
        f"{TWIN} by times alone, {line}": told_apart(relay, one, words=False),
        f"{TWO} by times alone, {line}": told_apart(other, one, words=False),
    }
    if afar.twenty is not None:
        relays, alike, sites = afar.twenty
        figures |= {
            f"{TWIN}, {line}": told_apart(relay, one),
            f"{TWO}, {line}": told_apart(other, one),
            f"{TWENTY}, {line}": judged(relays, sites, afar.asked).all,
            f"{ALIKE}, {line}": judged(alike, sites, afar.asked).all,
        }
    return figures


def _called(line: Line) -> str:
    return f"{1000 * line.delay:g} ± {1000 * line.variation:g} ms"


def _by_each_time(relay: Answers, one: Answers) -> Figures:
    """How often the classifier is right by one time alone, of the answers that have it."""
    figures = {}
    for name in sorted({name for seen in relay for name in seen.took}):
        ours, theirs = ([seen for seen in answers if name in seen.took] for answers in (relay, one))
        figures[f"{TWIN} by {name} alone"] = told_apart(ours, theirs, words=False, times=(name,))
    return figures


def _spread(answers: Answers) -> float:
    """Milliseconds within which the middle half of the times to connect lies."""
    low, _, high = quantiles(seen.took["connect"] for seen in answers if "connect" in seen.took)
    return round(1000 * (high - low), 3)


def _told(figures: Mapping[str, Accuracy]) -> dict[str, float]:
    """As notes: each share, and between which it lies."""
    notes = {}
    for name, accuracy in figures.items():
        low, high = accuracy.interval
        for what, share in (("", accuracy.share), (" from", low), (" to", high)):
            notes[f"{name}{what}, %"] = round(100 * share, 1)
    return notes


def _a_coin(accuracy: Accuracy) -> bool:
    """Whether it may be one that was right so often, give or take what is allowed to the relay."""
    low, high = accuracy.interval
    return low <= MOST and high >= 1 - MOST


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
