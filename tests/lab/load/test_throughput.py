"""The whole generator against a relay that does wrong: every fault is counted, and none is seen where there is none."""

import time

import pytest

from angarium.lab.load import stage, throughput
from angarium.lab.load.ledger import Faults, Ledger
from angarium.lab.load.meter import Meter
from angarium.lab.load.report import Traffic
from angarium.lab.load.stage import Stage
from angarium.lab.load.target import LoadFailed
from angarium.lab.load.throughput import Throughput
from tests.lab.load.bad_relay import BadRelay, Fate, good, running

pytestmark = pytest.mark.alone

PLAN = Throughput(sizes=(1536,), groups=(3,), seconds=0.5, at_once=4, receivers=6)


def silent(_: float, __: str) -> None:
    """Nobody looks."""


@pytest.fixture(autouse=True)
def _short_and_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The relay shares this process with the generator: how busy that is says nothing, and neither has to warm up."""
    monkeypatch.setattr(throughput, "WARM", 0.05)
    for judge in (stage, throughput):
        monkeypatch.setattr(judge, "BUSY", float("inf"))


def measure(relay: BadRelay, plan: Throughput = PLAN, *, keep: bool = False) -> tuple[list[Traffic], list[str]]:
    lines: list[Traffic] = []
    withheld: list[str] = []
    with running(relay) as target:
        made = Stage(target, Meter(), silent, keep, patience=1.0)
        try:
            plan.run(made, lines.append, withheld.append)
            made.poll.rest(0.3)  # what was fetched last is being deleted
        finally:
            made.close()
    return lines, withheld


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("rate", [None, 40.0])
def test_where_all_is_well_nothing_is_found(*, keep: bool, rate: float | None) -> None:
    plan = Throughput((1536, 30_000), (1, 3), seconds=0.5, at_once=4, rate=rate, receivers=6)
    relay = BadRelay(good)
    lines, withheld = measure(relay, plan, keep=keep)
    assert not withheld
    assert [(line.recipients, line.faults) for line in lines] == [(1, Faults()), (3, Faults())] * 2
    assert all(abs(line.size - wanted) < 70 for line, wanted in zip(lines, (1536, 1536, 30_000, 30_000), strict=True))
    for line in lines:
        assert line.fetched_ms.p99 >= line.fetched_ms.p50 > 0
        assert line.server_cpu_ms is None
        if rate:
            assert 12 * line.recipients <= line.deliveries <= 28 * line.recipients
    held = sum(len(box.held) for box in relay.boxes.values())
    assert held == (relay.count if keep else 0)


def test_a_share_of_saturation_is_the_rate_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "FULL", 0.5)
    plan = Throughput((1536,), (3,), seconds=1, at_once=4, share=0.25, receivers=6)
    (line,), withheld = measure(BadRelay(good), plan)
    assert (withheld, line.faults) == ([], Faults())
    assert line.saturation
    assert line.rate == pytest.approx(line.saturation / 3 / 4, rel=0.01)
    assert line.deliveries_per_second == pytest.approx(line.saturation / 4, rel=0.25)
    assert line.within_second_percent == 100


def at(number: int, fate: Fate) -> Fate:
    """One delivery has another fate."""
    return lambda count, message: fate(count, message) if count == number else [message]


def other(_: int, message: bytes) -> list[bytes]:
    at = len(message) - 200
    return [message[:at] + (b"x" if message[at : at + 1] != b"x" else b"y") + message[at + 1 :]]


@pytest.mark.parametrize(
    ("fate", "faults"),
    [
        (lambda _, __: [], Faults(lost=1)),
        (lambda _, message: [message, message], Faults(doubled=1)),
        (other, Faults(changed=1)),
        (lambda _, message: [message[:-70]], Faults(changed=1)),
        (lambda _, message: [message, b"From: <mailer-daemon@bad.example>\r\n\r\nno\r\n"], Faults(strange=1)),
    ],
    ids=["lost", "doubled", "changed", "shortened", "bounced"],
)
def test_a_fault_is_found(fate: Fate, faults: Faults) -> None:
    (line,), _ = measure(BadRelay(at(10, fate)))
    assert line.faults == faults


def test_a_refusal_is_told_in_the_relays_words() -> None:
    with pytest.raises(LoadFailed, match=r"nothing arrived: 450 4.7.1 too much mail"):
        measure(BadRelay(lambda _, __: [], answer=b"450 4.7.1 too much mail"))


def test_who_cannot_log_in_ends_it() -> None:
    with pytest.raises(LoadFailed, match="somebody could not log in: A0001 NO go away"):
        measure(BadRelay(good, login=b"NO go away"))


def test_a_figure_of_the_generators_own_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = Ledger.fetched

    def slowly(self: Ledger, recipient: int, content: bytes, since: float = 0.0) -> None:
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            pass
        fetched(self, recipient, content, since)

    monkeypatch.setattr(Ledger, "fetched", slowly)
    monkeypatch.setattr(stage, "BUSY", 0.9)
    lines, withheld = measure(BadRelay(good))
    assert lines == []
    assert len(withheld) == 1
    assert "the generator was busy for" in withheld[0]
