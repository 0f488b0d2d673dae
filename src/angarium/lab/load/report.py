"""What was measured, as it is told: structures for JSON. Milliseconds, KiB, and seconds where the name says so."""

import msgspec

from angarium.lab.load.ledger import Faults
from angarium.lab.load.quantiles import Durations

__all__ = ["Idle", "Latency", "Logins", "Moment", "Report", "Soaked", "Spent", "Traffic", "Trend", "latency"]


class Latency(msgspec.Struct, frozen=True):
    """Of many."""

    p50: float
    p95: float
    p99: float
    longest: float


class Spent(msgspec.Struct, frozen=True):
    """What the measuring took; None where the server's processes were not named."""

    seconds: float
    server_cpu_seconds: float | None
    server_pss_kib: int | None
    server_processes: int | None
    generator_cpu_seconds: float
    generator_busy: float
    """Part of the time in which the generator ran, or was ready to and waited for a processor."""


class Traffic(msgspec.Struct, frozen=True):
    """Messages through the relay."""

    mode: str
    size: int
    """Bytes of a message as submitted; of a day, the average of those fetched."""
    recipients: int
    """Of each message; 0: of some one, of some many."""
    rate: float | None
    """Messages a second that were asked for; None: as many as go."""
    at_once: int
    """Messages under way at a time, where no rate was asked for."""
    messages: int
    deliveries: int
    deliveries_per_second: float
    deliveries_per_fetch: float
    """How many a recipient took at a time: what comes with each fetch is shared by so many."""
    accepted_ms: Latency
    """From submission to 250."""
    fetched_ms: Latency
    """From submission to fetched."""
    arrived_percent: float
    """Deliveries, of those that were due,"""
    within_second_percent: float
    """and those of them fetched within a second of the submission."""
    server_cpu_ms: float | None
    """For each delivery."""
    generator_cpu_ms: float
    """For each delivery."""
    spent: Spent
    faults: Faults
    last_fetched_ms: float | None = None
    """Fan-out: until the last recipient had it, the median of the repetitions."""
    saturation: float | None = None
    """Deliveries a second at saturation, where the rate is a share of that."""
    note: str = ""


class Idle(msgspec.Struct, frozen=True):
    """Connections in IDLE."""

    mode: str
    connections: int
    kib_per_connection: float | None
    cpu_percent: float | None
    """Of one core, while nothing happens."""
    spent: Spent


class Logins(msgspec.Struct, frozen=True):
    """Connections opened and logged in."""

    mode: str
    kind: str
    """returning, new, or storm."""
    logins: int
    failed: int
    logins_per_second: float | None
    """None where it would be the generator's figure."""
    login_ms: Latency | None
    """Likewise."""
    server_cpu_ms: float | None
    """For each login."""
    spent: Spent
    why: str = ""
    """The first failure."""


class Moment(msgspec.Struct, frozen=True):
    """What the relay held at one moment of a soak, all its processes together."""

    seconds: float
    pss_kib: int
    disk_kib: int
    """In use in its data directory."""
    descriptors: int
    threads: int
    connections: int
    """That the generator held."""


class Trend(msgspec.Struct, frozen=True):
    """Whether something grows."""

    what: str
    waves: list[float]
    """The median of each wave of the second half."""
    grows: float
    """In 24 hours' worth of work."""
    bound: float
    """What that may be at most."""

    @property
    def flat(self) -> bool:
        return self.grows <= self.bound


class Soaked(msgspec.Struct, frozen=True):
    """24 hours' worth of work, and what stayed of it."""

    mode: str
    people: int
    waves: int
    minutes: float
    planned: dict[str, int]
    done: dict[str, int]
    lacking: list[str]
    """What was planned and not done."""
    trends: list[Trend]
    moments: list[Moment]
    spent: Spent
    faults: Faults
    wrong: int
    """Visits that ended in another way than they have to."""
    why: str = ""
    """The first of them."""

    @property
    def ok(self) -> bool:
        """Whether it was a day, all went as it has to, and nothing grew."""
        return not (self.lacking or self.wrong or self.faults) and all(trend.flat for trend in self.trends)


class Report(msgspec.Struct, frozen=True):
    """Of one run."""

    relay: str
    lines: list[Traffic | Idle | Logins | Soaked]
    withheld: list[str]
    """What is not told because the generator was the bottleneck."""
    load_before: float
    load_after: float
    processors: int

    @property
    def ok(self) -> bool:
        """Whether all that was accepted arrived once and unchanged, nothing was refused, and nothing grew."""
        return all(_ok(line) for line in self.lines)


def _ok(line: Traffic | Idle | Logins | Soaked) -> bool:
    if isinstance(line, Traffic):
        return not line.faults
    if isinstance(line, Soaked):
        return line.ok
    return not (isinstance(line, Logins) and line.failed)


def latency(durations: Durations) -> Latency:
    """In milliseconds."""
    quantiles = (durations.quantile(part) for part in (0.5, 0.95, 0.99))
    return Latency(*(round(seconds * 1000, 2) for seconds in (*quantiles, durations.longest)))
