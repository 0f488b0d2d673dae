"""What a keeper reads."""

from io import StringIO

import msgspec
from rich.console import Console

from angarium.apps.check.ledger import Tally
from angarium.apps.check.report import Report, Row, render, row

GOOD = Tally(expected=4, delivered=4, missing=0, duplicated=0, seconds=(0.0701, 0.08, 0.12, 1.5))
BAD = Tally(expected=4, delivered=1, missing=2, duplicated=1, seconds=(0.07,))
UNTRIED = Tally(expected=0, delivered=0, missing=0, duplicated=0, seconds=())


def report(*rows: Row, **fields: object) -> Report:
    values: dict[str, object] = {
        "ok": not any(each.failure for each in rows),
        "relay": "relay.example",
        "core": "9.9.9",
        "seconds": 12.3,
        "steps": rows,
        "accounts_deleted": 5,
        "accounts_left": 0,
        "failure": "",
        "advice": "",
    }
    return msgspec.convert({**values, **fields}, Report)


def screen(value: Report) -> str:
    out = StringIO()
    Console(file=out, width=80).print(render(value))
    return out.getvalue()


def test_a_row_has_the_times_in_milliseconds() -> None:
    made = row("texts", "Texts", GOOD, "")
    assert (made.min_ms, made.median_ms, made.max_ms) == (70.1, 100.0, 1500.0)
    assert made.failure == ""


def test_a_miscount_is_a_failure_of_its_own() -> None:
    assert row("texts", "Texts", BAD, "").failure == "2 of 4 did not arrive and 1 of 4 arrived more than once"


def test_the_failure_of_the_step_goes_before_the_count() -> None:
    assert row("texts", "Texts", BAD, "not done after 60 seconds").failure == "not done after 60 seconds"


def test_a_step_never_tried_has_no_times() -> None:
    made = row("texts", "Texts", UNTRIED, "not tried, since an earlier step failed")
    assert made.min_ms is made.median_ms is made.max_ms is None


def test_the_screen_of_a_good_relay() -> None:
    shown = screen(report(row("texts", "Texts, both ways", GOOD, "")))
    assert "✓  Texts, both ways     4 of 4    70 ms  100 ms    1.5 s" in shown
    assert "everything arrived exactly once (12 s, core 9.9.9, relay relay.example)" in " ".join(shown.split())


def test_the_screen_of_a_bad_relay_says_what_failed_and_what_next() -> None:
    rows = (row("texts", "Texts", BAD, ""), row("file", "File", UNTRIED, "not tried, since an earlier step failed"))
    shown = screen(report(*rows, failure="Texts: 2 of 4 did not arrive.", advice="Look at the disk."))
    assert "✗  Texts     1 of 4" in shown
    assert "✗  File   not tried" in shown
    assert "did not pass" in shown
    assert "Texts: 2 of 4 did not arrive." in shown
    assert "Look at the disk." in shown


def test_json_gives_back_the_report() -> None:
    made = report(row("texts", "Texts", GOOD, ""))
    assert msgspec.json.decode(msgspec.json.encode(made), type=Report) == made
