"""The peers, in short: they run, they and our relay are measured, and the table is written; the figures are not judged.

`make peers` does the same at length.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from angarium.lab.censor import enclosure
from angarium.lab.clients import Imap, Refused, Submission
from angarium.lab.load.target import listed
from angarium.lab.mails import mark_of, sealed
from bench.peers.debounce import LIBRARY, NotFound, without_delay
from bench.peers.filter import brought, submitted
from bench.peers.goals import Figure, Goal
from bench.peers.jobs import FAILED, JOBS, Failed, Job, Measured, _lost
from bench.peers.run import SEARCH, expected, order, run
from bench.peers.sides import OURS, Side
from bench.peers.stack import CONFIGURATIONS, missing, stack
from bench.peers.table import BEGIN, END, markdown, placed, rows
from tests.bench.two_peers import REPORT

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]
WHY = missing()
LACKING = missing(public=True) or enclosure.missing()
peers = pytest.mark.skipif(bool(WHY), reason=f"Postfix, OpenDKIM and Dovecot cannot run: {WHY}")
SPEED, COST = Figure("rate", ("rate",), more_is_better=True), Figure("cost", ("cost",))
JOB = Job(
    *("texts", (), (SPEED, COST), (Goal(SPEED, 2, "bare"), Goal(SPEED, 110, every=True), Goal(COST, 2))),
    against=("bare",),
)


@peers
@pytest.mark.interop
@pytest.mark.timeout(300)
async def test_both_sides_are_measured_and_the_table_is_written(tmp_path: Path) -> None:
    document, figures = tmp_path / "performance.md", tmp_path / "figures.json"
    document.write_text(f"before\n{BEGIN}\nolder\n{END}\nafter\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.peers.run", "--turns", "1", "--short"),
        *("--write", str(document), "--json", str(figures)),
        cwd=ROOT,
    )
    assert await process.wait() == 0
    found = json.loads(figures.read_text())
    assert len(found["turns"]) == 3
    assert {turn["side"] for turn in found["turns"]} == {OURS, "bare", "reference"}
    assert all(value > 0 for turn in found["turns"] for value in turn["figures"].values())
    assert all(turn["lost"] == 0 for turn in found["turns"])
    written = document.read_text()
    assert written.startswith(f"before\n{BEGIN}\n")
    assert written.endswith(f"\n{END}\nafter\n")
    assert "| 1.5 KiB to one | delivered a second |" in written
    assert "older" not in written


@peers
@pytest.mark.interop
async def test_the_reference_takes_what_is_encrypted_only_and_announces_it_at_once() -> None:
    with stack(CONFIGURATIONS["reference"]) as up:
        sender, receiver = f"sender123@{up.domain}", f"receiver1@{up.domain}"
        submission = await Submission.connect(up.address, up.submissions)
        await submission.login(sender, "whatever it is")
        imap = await Imap.connect(up.address, up.imaps)
        await imap.login(receiver, "whatever it is")
        await imap.select()
        with pytest.raises(Refused, match="523"):
            await submission.send(sender, [receiver], f"From: <{sender}>\r\nSubject: x\r\n\r\nclear words\r\n".encode())
        waits = []
        for number in range(5):
            waiting = asyncio.create_task(imap.idle())
            await asyncio.sleep(0.2)
            began = asyncio.get_running_loop().time()
            await submission.send(sender, [receiver], sealed(sender, f"mark{number}"))
            await waiting
            waits.append(asyncio.get_running_loop().time() - began)
            ((uid, message),) = await imap.fetch_new()
            assert mark_of(message) == f"mark{number}"
            await imap.delete([uid])
        assert min(waits) < 0.45, "Dovecot's half second is still there"
        for client in (submission, imap):
            client.abort()
    assert not up.here.exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in up.roots)


@pytest.mark.skipif(bool(LACKING), reason=f"two peers cannot run side by side: {LACKING}")
@pytest.mark.interop
@pytest.mark.timeout(120)
async def test_two_of_them_bring_each_other_mail_and_take_no_other() -> None:
    async with enclosure.enclosed(sys.executable, "-m", "tests.bench.two_peers") as process:
        found, complaints = await process.communicate()
    assert found, complaints.decode()
    assert json.loads(found) == {
        "there": True,
        "back": True,
        "a report": 250,
        "without TLS": 530,
        "in clear": 523,
        "for elsewhere": 554,
    }


@peers
def test_the_delay_is_taken_out_of_this_build() -> None:
    before = LIBRARY.read_bytes()
    after = without_delay(before)
    assert len(after) == len(before)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 2  # 500 is f4 01
    with pytest.raises(NotFound):
        without_delay(after)


def test_a_delay_that_is_not_there_or_elsewhere_is_not_taken_out() -> None:
    words, load = b"\0mailbox-watch.c\0", b"\xbf\xf4\x01\x00\x00"
    name = 13

    def code(target: int) -> bytes:
        return load + b"\x48\x8d\x35" + target.to_bytes(4, "little", signed=True)

    good = code(name - 12) + words
    assert without_delay(good) == b"\xbf\0\0\0\0" + good[5:]
    for library in (words, code(name - 11) + words, good[:-2], code(25 - 12) + code(25 - 24) + words):
        with pytest.raises(NotFound):
            without_delay(library)


def test_the_filter_passes_what_its_sender_encrypted() -> None:
    message = sealed("ada@peer.test", "mark")
    assert submitted("Ada@peer.test", message) == ""
    assert submitted("ben@peer.test", message).startswith("500")
    assert submitted("ada@peer.test", message.replace(b"Version: 1", b"Version: 2")).startswith("523")
    assert submitted("ada@peer.test", b"no message").startswith("500")


def test_of_other_relays_the_filter_passes_what_is_encrypted_and_reports() -> None:
    message = sealed("ada@peer.test", "mark")
    assert brought("", message) == ""
    assert brought("ada@peer.test", message.replace(b"Version: 1", b"Version: 2")).startswith("523")
    assert brought("", b"no message").startswith("500")
    assert brought("", REPORT.format(domain="peer.test").encode()) == ""
    assert brought("", REPORT.format(domain="peer.test").replace("mailer-daemon", "ada").encode()).startswith("523")


def test_turns_alternate() -> None:
    assert list(order(JOB, 3)) == [OURS, "bare", "bare", OURS, OURS, "bare"]
    assert list(order(replace(JOB, turns=1), 3)) == [OURS, "bare"]


def test_how_long_it_takes_is_known_before_it_begins() -> None:
    assert expected(replace(JOB, seconds=5), 3) == 30
    assert expected(replace(JOB, seconds=5, turns=2, searches=True), 3) == 2 * (10 + SEARCH)
    assert sum(expected(job, 5) for job in JOBS) <= 40 * 60


def test_how_many_are_under_way_is_found_once_for_each_side(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def measured(job: Job, side: Side, at_once: int) -> Measured:
        asked.append((side.name, at_once))
        return Measured(job.name, side.name, {}, 0, 0.1, 0.0, {OURS: 16, "bare": 8}[side.name])

    monkeypatch.setattr("bench.peers.run.measure", measured)
    up = [Side(name, "127.0.0.1", 1, 2, "peer.test", ()) for name in (OURS, "bare")]
    assert run([replace(JOB, searches=True)], 2, up, lambda *_: None, lambda _: None) == {}
    assert asked == [(OURS, 0), ("bare", 0), ("bare", 8), (OURS, 16)]


def test_where_memory_is_measured_each_turn_has_a_relay_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    measured: list[Side] = []

    @contextmanager
    def fresh(names: list[str]) -> Iterator[list[Side]]:
        started.extend(names)
        yield [Side(names[0], "127.0.0.1", 1, len(started), "peer.test", ())]

    def measure(job: Job, side: Side, _: int) -> Measured:
        measured.append(side)
        return Measured(job.name, side.name, {}, 0, 0.1, 0.0)

    monkeypatch.setattr("bench.peers.run.sides", fresh)
    monkeypatch.setattr("bench.peers.run.measure", measure)
    assert run([replace(JOB, fresh=True)], 2, [], lambda *_: None, lambda _: None) == {}
    assert started == [OURS, "bare", "bare", OURS]
    assert [side.submissions for side in measured] == [1, 2, 3, 4]


def test_people_stay_the_same(tmp_path: Path) -> None:
    side = Side(OURS, "127.0.0.1", 1, 2, "peer.test", (), tmp_path)
    people = listed(side.people("people", 5))
    assert len(people) == 5
    assert all(account.address.endswith("@peer.test") for account in people)
    assert listed(side.people("people", 5)) == people
    assert listed(side.people("keepers", 5)) != people


def test_a_job_that_cannot_be_measured_is_given_up_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Job("files", (), JOB.figures, against=("bare",))
    steps: list[tuple[str, float]] = []
    found: list[Measured] = []

    def measured(job: Job, side: Side, _: int) -> Measured:
        if (job, side.name) == (JOB, "bare"):
            raise Failed("it does not answer")
        return Measured(job.name, side.name, {}, 0, 0.1, 0.0)

    monkeypatch.setattr("bench.peers.run.measure", measured)
    up = [Side(name, "127.0.0.1", 1, 2, "peer.test", ()) for name in (OURS, "bare")]
    given_up = run([JOB, other], 2, up, lambda *step: steps.append(step), found.append)
    assert given_up == {"texts": "it does not answer"}
    names = ["texts: angarium", "texts: bare", *(f"files: {name}" for name in (OURS, "bare", "bare", OURS))]
    assert steps == [(name, 8.0) for name in names]
    assert [(each.job, each.side) for each in found][1:] == [("files", name) for name in (OURS, "bare", "bare", OURS)]


def test_what_is_lost_is_a_figure_at_a_peer_and_an_end_at_ours() -> None:
    ours, peer = (Side(name, "127.0.0.1", 1, 2, "peer.test", ()) for name in (OURS, "bare"))
    line: dict[str, Any] = {"messages": 5, "recipients": 20, "faults": {"lost": 10, "changed": 0, "why": ""}}
    lenient = replace(JOB, judged=False)
    assert _lost(lenient, peer, line) == 10
    for job, side in ((lenient, ours), (JOB, peer)):
        with pytest.raises(Failed, match="10 lost"):
            _lost(job, side, line)
    with pytest.raises(Failed, match="1 changed"):
        _lost(lenient, peer, {**line, "faults": {"lost": 1, "changed": 1, "why": ""}})
    logins = {"failed": 3, "why": "timed out"}
    assert _lost(replace(JOB, figures=(FAILED,)), ours, logins) == 0, "it is told in the table"
    with pytest.raises(Failed, match="3 failed"):
        _lost(JOB, ours, logins)


def test_the_table_tells_medians_spreads_and_how_many_times_better_ours_is() -> None:
    def turn(side: str, rate: float, cost: float) -> Measured:
        return Measured("texts", side, {"rate": rate, "cost": cost}, 0, 0.1, 0.0)

    measured = [turn(OURS, 100, 2), turn("bare", 50, 8), turn("bare", 50, 6), turn(OURS, 300, 3), turn(OURS, 120, 1)]
    measured.append(turn("bare", 60, 8))
    rate, cost = rows([JOB], measured)
    assert (rate.medians, rate.spreads[OURS], rate.times) == ({OURS: 120, "bare": 50}, (100, 300), {"bare": 2})
    assert (cost.medians, cost.times) == ({OURS: 2, "bare": 8}, {"bare": 4})
    table = markdown([rate, cost], ["a note"]).splitlines()
    assert table[0] == "a note"
    goals = "≥ 2 × bare: **met**; ≥ 110, every turn: **missed**"
    assert table[-4] == f"| texts | rate | 120 (100 to 300) | {goals} | 50.0 (50.0 to 60.0) | **2.00** |"
    assert table[-3] == "|  | cost | 2.00 (1.00 to 3.00) | ≤ 2: **met** | 8.00 (6.00 to 8.00) | **4.00** |"
    assert table[-1] == "2 of 3 goals were met."


def test_a_document_without_a_place_for_the_table_is_left_alone() -> None:
    with pytest.raises(ValueError, match="there has to be a line"):
        placed(f"{BEGIN}\nno end\n", "table")
