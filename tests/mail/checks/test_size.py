"""A message may be as large as the limit, and not an octet larger."""

from angarium.mail.checks.size import size
from angarium.mail.verdict import ACCEPTED


def test_the_limit() -> None:
    assert size(0, 100) is ACCEPTED
    assert size(100, 100) is ACCEPTED
    verdict = size(101, 100)
    assert (verdict.code, verdict.enhanced) == (552, "5.3.4")
    assert "100" in verdict.text
