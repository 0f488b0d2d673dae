"""Dates as nginx takes them; against nginx itself, that is `test_like_nginx`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.edge.decoy.dates import date_of, seconds_of


@given(st.integers(0, 253_402_300_799))
def test_what_is_said_is_understood(seconds: int) -> None:
    assert seconds_of(date_of(seconds)) == seconds


@pytest.mark.parametrize(
    "said",
    [
        *("Tue, 14 Nov 2023 22:13:20 GMT", "Tuesday, 14-Nov-23 22:13:20 GMT", "Tue Nov 14 22:13:20 2023"),
        *(",14 Nov 2023 22:13:20", ", 14 N   2023 22:13:20"),
    ],
)
def test_three_formats_are_known_by_few_letters(said: str) -> None:
    assert seconds_of(said) == 1_700_000_000


@pytest.mark.parametrize(
    "said",
    [
        *("", "x", "14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 99999 22:13:20 GMT", "Tue, 14 Nov 0000 22:13:20 GMT"),
        *("Tue, 30 Feb 2023 22:13:20 GMT", "Tue, 14 Nov 2023 24:00:00 GMT", "Tue, 14 Xov 2023 22:13:20 GMT"),
    ],
)
def test_what_is_none(said: str) -> None:
    assert seconds_of(said) == -1


@given(st.text(alphabet="Tue, 14Nov-23:", max_size=40))
def test_anything_is_a_date_or_none(said: str) -> None:
    assert seconds_of(said) >= -62_135_596_800
