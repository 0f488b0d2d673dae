"""A long absence: more messages wait than the app fetches at a time, and arrive once each. `bench/absence.py`: more."""

import pytest

from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import Trial
from bench.absence import absent

TEXTS = 520
"""More than the 500 that the app asks for at a time, and twice the 256 that the relay expunges in one transaction."""


@pytest.mark.timeout(280)
async def test_more_than_a_batch_waits_for_somebody_offline(people: Trial, up: Relay) -> None:
    figures = await absent(people, up, TEXTS)
    assert figures.waited == TEXTS
    assert figures.good, figures
