"""Whether relays are told from the twenty sites by single answers: who is asked what, and what is held out.

A censor has never seen the host that he probes: he knows other relays and other sites. So hosts are divided into parts
(`sites.PARTS`), and answers of two relays and five sites are judged by what was learnt of six relays and fifteen sites,
each part in turn. Each probe is put to a relay, to an nginx that shows the same as that relay, and to one of the
twenty, of the same sort and the same part; the twenty are asked equally often. So half is a coin, in training and in
trying, within each sort: that a site serves files, or has a key of RSA, tells nothing.

Looked at is what may be compared between sites (`form`), and times; both also within a sort, since to sign with RSA
takes longer and so does an application. Pages are of all sizes on both sides, so that their times tell less.

The nginx in the relay's place is the control: how well it is told from the twenty is what the method itself finds where
there is nothing, were it only that few hosts are learnt from.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from angarium.lab.censor.classifier import Accuracy, right_about
from angarium.lab.censor.form import GENERAL
from angarium.lab.censor.prober import Ask, asks
from angarium.lab.censor.sighting import Sighting
from angarium.lab.censor.sites import DECOYS, LIKES, SORTS, STOCK, Site, Sort

__all__ = ["Judged", "Round", "judged", "rounds"]


class Round(NamedTuple):
    """A probe, and who is asked."""

    ask: Ask
    """Its hosts are a relay, the nginx like it, and one of the twenty."""
    sort: Sort
    part: int


@dataclass(frozen=True, slots=True)
class Judged:
    """How often it was right about single answers of some hosts and of the twenty."""

    all: Accuracy
    by_sort: dict[str, Accuracy]


def rounds(count: int, seed: int) -> list[Round]:
    """So many, of which each of the twenty has as many as the others, or one more."""
    dice = random.Random(seed)  # noqa: S311 (repeatable)
    chosen = [STOCK[number % len(STOCK)] for number in range(count)]
    dice.shuffle(chosen)
    return [_round(ask, site) for ask, site in zip(asks(count, (), seed), chosen, strict=True)]


def _round(ask: Ask, site: Site) -> Round:
    (number,) = (n for n, one in enumerate(DECOYS) if (one.sort, one.part) == (site.sort, site.part))
    hosts = (DECOYS[number].address, LIKES[number], site.address)
    return Round(ask._replace(hosts=hosts), site.sort, site.part)


def judged(
    ours: Sequence[Sighting],
    twenty: Sequence[Sighting],
    asked: Sequence[Round],
    *,
    words: bool = True,
    times: Sequence[str] | None = None,
) -> Judged:
    """Learn from all parts but one, and try that; `ours` and what the `twenty` say are the answers of these rounds."""
    parts = [one.part for one in asked]
    sides = [[_openly(seen, one.sort) for seen, one in zip(side, asked, strict=True)] for side in (ours, twenty)]
    right = right_about(*sides, words=words, times=times, parts=parts)
    sorts = [one.sort for one in asked] * 2
    return Judged(
        Accuracy.of_all(right),
        {
            str(sort): Accuracy.of_all([was for was, there in zip(right, sorts, strict=True) if there == sort])
            for sort in SORTS
        },
    )


def _openly(seen: Sighting, sort: Sort) -> Sighting:
    """What may be compared between sites, as of a host of that sort."""
    said = {name: seen.said[name] for name in GENERAL if name in seen.said}
    return Sighting(seen.probe, seen.kind, seen.mail, said, seen.took, str(sort))
