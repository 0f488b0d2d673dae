"""What came of it: structures for JSON. Seconds."""

import msgspec

__all__ = ["Job", "Line", "Report", "Run"]


class Job(msgspec.Struct, frozen=True):
    """One run, as it is asked for."""

    scenario: str
    attempt: int
    """Which of the scenario's attempts."""
    seed: int
    texts: int
    relay: str
    """The command that starts it."""
    invitation: str = ""
    proxy: str = ""
    line: tuple[float, float, float] | None = None
    """Where the scenario has a bad line, another: bits a second (0: any number), seconds one way, share lost."""
    far: bool = False
    """Where probes are put, put them again over lines to a distant prober."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as it went."""

    ok: bool
    """It passed by the scenario's own measure."""
    open: bool
    """The naive client got through before the censor came."""
    shut: bool
    """... and not after."""
    texts: int = 0
    arrived: int = 0
    doubled: int = 0
    first: float | None = None
    """Until the first text arrived."""
    p95: float | None = None
    """Of the texts that arrived."""
    why: str = ""
    """What was not as it should be."""
    notes: dict[str, float] = {}
    """What else was counted."""
    skipped: bool = False
    """The relay does not offer this way in."""

    @property
    def valid(self) -> bool:
        """Whether the censor was shown to censor, and nothing but the censor."""
        return self.open and self.shut


class Line(msgspec.Struct, frozen=True):
    """All runs of one attempt at a scenario."""

    scenario: str
    censor: str
    way: str
    setup: str
    goal: str
    runs: list[Run]

    @property
    def passed(self) -> int:
        """How many of the runs passed."""
        return sum(run.ok for run in self.runs)


class Report(msgspec.Struct, frozen=True):
    """Of one command."""

    relay: str
    core: str
    quick: bool
    lines: list[Line]

    @property
    def valid(self) -> bool:
        """Whether every censor was shown to censor."""
        return all(run.valid or run.skipped for line in self.lines for run in line.runs)

    @property
    def ok(self) -> bool:
        """Whether, for each scenario, every run of one way in passed."""
        scenarios = {line.scenario for line in self.lines}
        return all(
            any(line.passed == len(line.runs) for line in self.lines if line.scenario == scenario and line.runs)
            for scenario in scenarios
        )
