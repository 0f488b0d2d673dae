"""What an attempt came to."""

import pytest

from angarium.mail.bounce import Failure
from angarium.mail.federation.chain import Entry
from angarium.mail.federation.outcome import Came, busy, came
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.store.outbound import Waiting

NO, LATER = Verdict.reject(550, "5.1.1", "no"), Verdict.defer(452, "4.2.2", "full")
ENOUGH = Verdict.reject(554, "5.7.0", "enough")


def entry() -> Entry:
    return Entry.of(Waiting(1, 1, "there.example", "a@relay.example", ("b", "c", "d"), 10, 1))


@pytest.mark.parametrize(
    ("tried", "verdicts", "expected"),
    [
        ("bcd", [ACCEPTED] * 3, Came((), (), None, None)),
        ("bcd", [ACCEPTED, NO, LATER], Came(("d",), (Failure("c", NO),), LATER, None)),
        ("c", [ACCEPTED], Came(("b", "d"), (), None, None)),
        ("", [], Came(("b", "c", "d"), (), None, None)),
        ("bcd", [NO, ENOUGH, NO], Came((), (Failure("b", NO), Failure("c", ENOUGH), Failure("d", NO)), None, NO)),
    ],
)
def test_recipient_by_recipient(tried: str, verdicts: list[Verdict], expected: Came) -> None:
    assert came(entry(), tuple(tried), verdicts) == expected


def test_who_would_wait_waits_no_more() -> None:
    ending = entry()
    ending.ending = ENOUGH
    found = came(ending, ("b", "c"), [ACCEPTED, LATER])
    assert found == Came((), (Failure("c", ENOUGH), Failure("d", ENOUGH)), None, None)
    assert len(came(ending, (), []).failures) == 3


@pytest.mark.parametrize(
    ("verdicts", "is_busy"),
    [
        ([Verdict.defer(451, "4.3.0", "no room")] * 2, True),
        ([Verdict.defer(421, "4.0.0", "closing")], True),
        ([Verdict.defer(451, "4.3.0", "no room"), ACCEPTED], False),
        ([LATER], False),
        ([Verdict.defer(450, "4.7.1", "too much mail")], False),
        ([NO], False),
    ],
)
def test_what_is_said_of_the_destination_itself(verdicts: list[Verdict], is_busy: bool) -> None:
    assert busy(verdicts) == (verdicts[0] if is_busy else None)
