"""What can be a relay."""

import pytest

from angarium.mail.checks.destination import IMPOSSIBLE, possible
from angarium.mail.verdict import ACCEPTED


@pytest.mark.parametrize(
    "domain",
    ["there.example", "_there.localhost", "192.0.2.7", "10.1.2.3", "2001:db8::7", "200:1::1", "bücher.example"],
)
def test_possible(domain: str) -> None:
    assert possible(domain) is ACCEPTED


@pytest.mark.parametrize(
    "domain",
    ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "a.invalid", "abc.onion", "ü" * 63 + ".example"],
)
def test_impossible(domain: str) -> None:
    assert possible(domain) is IMPOSSIBLE
