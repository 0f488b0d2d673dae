"""`angarium lab censor` with the real core: who gets through, and who does not."""

import msgspec
import pytest

from angarium.lab.censor.enclosure import missing
from angarium.lab.censor.report import Report
from tests.e2e.conftest import Angarium

LACKING = missing()


@pytest.mark.skipif(LACKING is not None, reason=f"this machine lacks {LACKING}")
async def test_the_app_gets_past_who_resets_mail_by_alpn_on_the_mail_ports_and_not_on_443(angarium: Angarium) -> None:
    options = ("--texts", "3", "--runs", "1", "--way", "domain", "--way", "443", "--json")
    status, said, complained = await angarium("lab", "censor", "S07", *options)
    assert said, complained
    report = msgspec.json.decode(said, type=Report)
    runs = {line.way: line.runs[0] for line in report.lines}
    assert report.valid
    assert (runs["domain"].ok, runs["domain"].arrived) == (True, 3)
    assert (runs["443"].ok, runs["443"].arrived) == (False, 0)
    assert "reset by peer" in runs["443"].why
    assert status == 0
