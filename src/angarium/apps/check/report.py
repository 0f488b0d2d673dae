"""What a check found: as a value, as a table for people, as JSON for machines.

A failure is a sentence on what happened and one on what to do next. Holds no name, password or token of an account.
"""

from collections.abc import Iterable
from statistics import median

from msgspec import Struct
from rich.console import Group
from rich.table import Table
from rich.text import Text

from angarium.apps.check.ledger import Tally

__all__ = ["Report", "Row", "render", "row"]


class Row(Struct, frozen=True, kw_only=True):
    """One step. Times are milliseconds; None where nothing was measured."""

    step: str
    title: str
    expected: int
    delivered: int
    """Arrived exactly once (accounts, contacts: made)."""
    missing: int
    duplicated: int
    min_ms: float | None
    median_ms: float | None
    max_ms: float | None
    failure: str
    """Why it did not pass; empty if it did."""


class Report(Struct, frozen=True, kw_only=True):
    """A whole check."""

    ok: bool
    """Whether everything arrived exactly once."""
    relay: str
    core: str
    """The version of the core that was used."""
    seconds: float
    steps: tuple[Row, ...]
    accounts_deleted: int
    accounts_left: int
    failure: str
    """What failed, in a sentence; empty if nothing did."""
    advice: str
    """What to do next, in a sentence; may also be there when all is well."""


def row(step: str, title: str, tally: Tally, failure: str) -> Row:
    """The row of a step. Without a failure of its own, a step whose messages are not all there once gets one."""
    if not failure and not tally.right:
        failure = _miscount(tally)
    milliseconds = [second * 1000 for second in tally.seconds]
    return Row(
        step=step,
        title=title,
        expected=tally.expected,
        delivered=tally.delivered,
        missing=tally.missing,
        duplicated=tally.duplicated,
        min_ms=_round(milliseconds[0]) if milliseconds else None,
        median_ms=_round(median(milliseconds)) if milliseconds else None,
        max_ms=_round(milliseconds[-1]) if milliseconds else None,
        failure=failure,
    )


def render(report: Report) -> Group:
    """The screen for people."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("")
    for name in ("delivered", "fastest", "median", "slowest"):
        table.add_column(name, justify="right")
    for line in report.steps:
        table.add_row(*_cells(line))
    return Group(table, Text(), *_verdict(report))


def _cells(line: Row) -> Iterable[Text | str]:
    yield Text("✗", style="red") if line.failure else Text("✓", style="green")
    yield line.title
    yield f"{line.delivered} of {line.expected}" if line.expected else "not tried"
    yield from (_time(value) for value in (line.min_ms, line.median_ms, line.max_ms))


def _verdict(report: Report) -> Iterable[Text]:
    took = f"{report.seconds:.0f} s, core {report.core}, relay {report.relay}"
    if report.ok:
        yield Text(f"The relay works: everything arrived exactly once ({took}).", style="green")
    else:
        yield Text(f"The relay did not pass ({took}).", style="red")
        yield Text(report.failure)
    if report.advice:
        yield Text(report.advice)


def _miscount(tally: Tally) -> str:
    parts = []
    if tally.missing:
        parts.append(f"{tally.missing} of {tally.expected} did not arrive")
    if tally.duplicated:
        parts.append(f"{tally.duplicated} of {tally.expected} arrived more than once")
    return " and ".join(parts)


def _round(value: float) -> float:
    return round(value, 1)


def _time(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"
