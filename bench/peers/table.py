"""What the turns come to: medians, spreads and ratios, as a table in Markdown, and its place in a document."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.peers.goals import Figure
from bench.peers.jobs import Job, Measured
from bench.peers.sides import FORMS, OURS

__all__ = ["BEGIN", "END", "Row", "markdown", "placed", "rows"]

BEGIN = "<!-- peers: begin (written by `make peers`) -->"
END = "<!-- peers: end -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one job."""

    job: str
    figure: str
    medians: dict[str, float]
    """By side."""
    spreads: dict[str, tuple[float, float]]
    """The least and the most of the turns."""
    times: dict[str, float]
    """By peer: how many times better ours is, the median of the turns' own ratios; below 1 it is worse."""
    goals: dict[str, bool]
    """What is wanted, and whether it was reached."""


def rows(jobs: Sequence[Job], measured: Sequence[Measured]) -> list[Row]:
    """What each figure comes to; turns are paired in the order in which they were measured."""
    return [_row(job, figure, measured) for job in jobs for figure in job.figures]


def _row(job: Job, figure: Figure, measured: Sequence[Measured]) -> Row:
    values = {
        side: [each.figures[figure.words] for each in measured if (each.job, each.side) == (job.name, side)]
        for side in job.sides
    }
    times = {}
    for peer in job.against:
        pairs = zip(values[OURS], values[peer], strict=True)
        ratios = [_ratio(ours, theirs, more=figure.more_is_better) for ours, theirs in pairs]
        times[peer] = median(ratios)
    medians = {side: median(found) for side, found in values.items()}
    return Row(
        job.name,
        figure.words,
        medians,
        {side: (min(found), max(found)) for side, found in values.items()},
        times,
        {
            goal.words: goal.met(medians[OURS], values[OURS], times)
            for goal in job.goals
            if goal.figure.words == figure.words
        },
    )


def _ratio(ours: float, theirs: float, *, more: bool) -> float:
    better, worse = (ours, theirs) if more else (theirs, ours)
    return better / worse if worse else 1.0 if better == worse else float("inf")


def markdown(found: Sequence[Row], notes: Sequence[str]) -> str:
    """A table of all rows, with the notes before it, and how many goals were reached after it."""
    measured = list(dict.fromkeys(side for row in found for side in row.medians))
    ours = [side for side in measured if side in FORMS]
    peers = [side for side in measured if side not in FORMS]
    titles = ["load", "figure", *(f"**{side}**" for side in ours), "goal", *peers]
    titles += [f"times better than {peer}" for peer in peers]
    lines = [*notes, "", f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    last = ""
    for row in found:
        cells = [row.job if row.job != last else "", row.figure]
        cells += [_cell(row, side) for side in ours]
        cells.append("; ".join(f"{words}: **{'met' if met else 'missed'}**" for words, met in row.goals.items()))
        cells += [_cell(row, side) for side in peers]
        cells += [f"**{_short(row.times[peer])}**" if peer in row.times else "" for peer in peers]
        lines.append(f"| {' | '.join(cells)} |")
        last = row.job
    return "\n".join([*lines, *_reached(found)])


def _reached(found: Sequence[Row]) -> list[str]:
    met = [reached for row in found for reached in row.goals.values()]
    return ["", f"{sum(met)} of {len(met)} goals were met."] if met else []


def _cell(row: Row, side: str) -> str:
    if side not in row.medians:
        return ""
    low, high = row.spreads[side]
    return f"{_short(row.medians[side])} ({_short(low)} to {_short(high)})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def placed(document: str, section: str) -> str:
    """The document with this between its two marks, instead of what was there. Raises ValueError: they are missing."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there has to be a line {BEGIN} and after it a line {END}")
    return f"{before}{BEGIN}\n{section}\n{END}{after}"
