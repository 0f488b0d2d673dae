"""Recipients are refused for their syntax and number only."""

import pytest

from angarium.mail.checks import recipients
from angarium.mail.verdict import ACCEPTED


@pytest.mark.parametrize(
    "address",
    [
        "a@b",
        "nobody@elsewhere.example",
        "u@[127.0.0.2]",
        '"a b"@c',
        '"a@b"@c',
        "علی@مثال.example",
        "a" * 64 + "@" + "b." * 127 + "b",
    ],
)
def test_what_looks_like_an_address_is_taken(address: str) -> None:
    assert recipients.syntax(address) is ACCEPTED


@pytest.mark.parametrize(
    "address", ["", "a", "@", "a@", "@b", "a@b\r\nBcc: c", "a\r\n@b", "a@b c", "a\0@b", "a" * 320 + "@b"]
)
def test_what_does_not_is_refused(address: str) -> None:
    verdict = recipients.syntax(address)
    assert (verdict.code, verdict.enhanced) == (501, "5.1.3")


def test_their_number() -> None:
    assert recipients.number(1, 3) is ACCEPTED
    assert recipients.number(3, 3) is ACCEPTED
    assert recipients.number(4, 3).code == 552
    assert recipients.number(0, 3).code == 554
