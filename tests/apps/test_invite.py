"""Invitations in the terminal."""

import pytest

from angarium.apps.invite import Invited, days, render
from angarium.edge.control import Refusal


@pytest.mark.parametrize(("text", "span"), [("7d", 7), ("1d", 1), ("2w", 14), ("365d", 365)])
def test_spans(text: str, span: int) -> None:
    assert days(text) == span


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "1.5d", "7 d", "7D", "7days", "1000000d", "٧d"])
def test_other_spans_are_refused(text: str) -> None:
    with pytest.raises(Refusal, match="7d"):
        days(text)


def test_what_it_is_good_for_is_said() -> None:
    assert "Good for everybody" in render(Invited(["dcaccount:relay.example"], "", 0, 0))
    assert "for one person" in render(Invited(["dclogin:a@b?p=c"], "", 0, 0))
    two = render(Invited(["dclogin:a@b?p=c", "dclogin:d@b?p=e"], "https://b/invite/t", 2, 7))
    assert "Invitation 2 of 2" in two
    assert "Good for 2 accounts, until 7 days from today." in two
    assert "https://b/invite/t" in two
