"""What `angarium lab load` measured, as a person reads it."""

from rich.console import Group, RenderableType
from rich.table import Table

from angarium.apps.terminal import size
from angarium.lab.load.ledger import Faults
from angarium.lab.load.report import Idle, Latency, Logins, Report, Soaked, Traffic

__all__ = ["WIDTH", "shown"]

WIDTH = 140
"""Columns the widest table needs."""


def shown(report: Report) -> RenderableType:
    """Tables of all that is in a report."""
    traffic = [line for line in report.lines if isinstance(line, Traffic)]
    logins = [line for line in report.lines if isinstance(line, Logins)]
    idle = [line for line in report.lines if isinstance(line, Idle)]
    soaked = [line for line in report.lines if isinstance(line, Soaked)]
    parts: list[RenderableType] = []
    parts += [
        f"One message to {line.recipients}: all had it after {line.last_fetched_ms:.0f} ms, the median of some tries."
        for line in traffic
        if line.last_fetched_ms is not None
    ]
    parts += [_traffic(traffic)] * bool(traffic) + [_logins(logins)] * bool(logins) + [_idle(idle)] * bool(idle)
    parts += [part for line in soaked for part in _soaked(line)]
    faulty = [line for line in report.lines if isinstance(line, Traffic | Soaked) and line.faults]
    parts += [f"{line.mode}: {_faults(line.faults)}" for line in faulty]
    parts += [f"{line.kind}: {line.why}" for line in logins if line.failed]
    if traffic and not any(line.faults for line in traffic):
        parts.append("All that was accepted arrived once at each recipient, unchanged.")
    parts.append(
        f"Load of the machine {report.load_before:.1f} before, {report.load_after:.1f} after;"
        f" {report.processors} processors."
    )
    return Group(*(piece for part in parts for piece in (part, "")))


def _traffic(lines: list[Traffic]) -> RenderableType:
    titles = ("Size", "To", "Load", "Delivered/s", "a fetch", "250 p50", "95", "99", "fetched p50", "95", "99")
    table = _table("", *titles, "CPU ms", "own", "busy", "Memory")
    for line in lines:
        table.add_row(
            *(line.note or line.mode, size(line.size), str(line.recipients or "mixed")),
            _load(line),
            f"{line.deliveries_per_second:.0f}",
            f"{line.deliveries_per_fetch:.1f}",
            *_latency(line.accepted_ms),
            *_latency(line.fetched_ms),
            *(_or_unknown(line.server_cpu_ms), f"{line.generator_cpu_ms:.2f}", f"{line.spent.generator_busy:.0%}"),
            _memory(line.spent.server_pss_kib),
        )
    return table


def _load(line: Traffic) -> str:
    if line.rate is not None:
        share = f" of {line.saturation / line.recipients:.0f}" if line.saturation else ""
        return f"{line.rate:.4g}/s{share}"
    return f"{line.at_once} at once" if line.at_once else "as it comes"


def _logins(lines: list[Logins]) -> RenderableType:
    table = _table("Logins", "Number", "Failed", "A second", "ms p50", "95", "99", "CPU ms", "busy")
    for line in lines:
        table.add_row(
            *(line.kind, str(line.logins), str(line.failed), _or_unknown(line.logins_per_second, 0)),
            *(_latency(line.login_ms) if line.login_ms else "???"),
            *(_or_unknown(line.server_cpu_ms), f"{line.spent.generator_busy:.0%}"),
        )
    return table


def _idle(lines: list[Idle]) -> RenderableType:
    table = _table("Idle", "KiB each", "CPU of a core", "Memory", "Processes")
    for line in lines:
        table.add_row(
            *(str(line.connections), _or_unknown(line.kib_per_connection), f"{_or_unknown(line.cpu_percent)} %"),
            *(_memory(line.spent.server_pss_kib), str(line.spent.server_processes or "?")),
        )
    return table


def _soaked(line: Soaked) -> list[RenderableType]:
    done = _table(f"24 hours of {line.people} people", "Done", "Planned")
    for name, count in line.done.items():
        done.add_row(name, f"{count:,}", f"{line.planned[name]:,}" if name in line.planned else "")
    trends = _table("Grows", "in 24 hours", "at most", "each wave", "")
    for trend in line.trends:
        waves = ", ".join(f"{value:,.0f}" for value in trend.waves)
        trends.add_row(trend.what, f"{trend.grows:+,.1f}", f"{trend.bound:,.1f}", waves, "" if trend.flat else "GROWS")
    said: list[RenderableType] = [done, trends]
    said += [f"Not done as planned: {', '.join(line.lacking)}"] * bool(line.lacking)
    said += [f"{line.wrong} visits ended as they must not, the first: {line.why}"] * bool(line.wrong)
    return said


def _table(*titles: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _latency(latency: Latency) -> list[str]:
    """50th, 95th and 99th percentile."""
    return [f"{value:.1f}" if value < 100 else f"{value:.0f}" for value in (latency.p50, latency.p95, latency.p99)]


def _or_unknown(value: float | None, places: int = 2) -> str:
    return "?" if value is None else f"{value:.{places}f}"


def _memory(kib: int | None) -> str:
    return "?" if kib is None else size(kib * 1024)


def _faults(faults: Faults) -> str:
    counts = {
        "refused": faults.refused,
        "lost": faults.lost,
        "doubled": faults.doubled,
        "changed": faults.changed,
        "not theirs": faults.strange,
    }
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    return f"{told} ({faults.why})" if faults.why else told
