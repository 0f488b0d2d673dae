"""How often one sender may send: a token bucket for each, counted in messages, however many recipients they have.

Kept as the virtual scheduling form of the bucket: one number for each sender, the moment at which the bucket will be
full again. It lives in memory only. A sender whose bucket is full again is forgotten, so the table never holds much
more than those who sent within the last few seconds.
"""

from collections.abc import Callable, Hashable
from typing import Any

from angarium.mail.verdict import ACCEPTED, Verdict

__all__ = ["Rate"]

_TOO_MUCH = Verdict.defer(450, "4.7.1", "too much mail from you, try again in a minute")
_SMALL = 1024
_ROUNDING = 1e-6
"""Seconds: sums of moments are not exact, and the last of a burst must not fail for it."""


class Rate:
    """At most `burst` messages at once, and `per_minute` on average. `clock` counts seconds and never goes back."""

    def __init__(self, *, per_minute: int, burst: int, clock: Callable[[], float]) -> None:
        self._interval = 60 / per_minute
        self._window = self._interval * (burst - 1) + _ROUNDING
        self._clock = clock
        self._full_at: dict[Hashable, float] = {}
        self._sweep_at = _SMALL
        self.elsewhere: Callable[[Any], None] | None = None
        """Tells the relay's other processes whose message was counted, if there are any; must not block."""

    def __len__(self) -> int:
        return len(self._full_at)

    def count(self, sender: Hashable) -> Verdict:
        """Count one message, or refuse it for now. A refused one is not counted."""
        now = self._clock()
        full_at = max(now, self._full_at.get(sender, now))
        if full_at - now > self._window:
            return _TOO_MUCH
        self._add(sender, full_at, now)
        if self.elsewhere is not None:
            self.elsewhere(sender)
        return ACCEPTED

    def counted(self, sender: Hashable) -> None:
        """Another process has counted one."""
        now = self._clock()
        self._add(sender, max(now, self._full_at.get(sender, now)), now)

    def _add(self, sender: Hashable, full_at: float, now: float) -> None:
        self._full_at[sender] = full_at + self._interval
        if len(self._full_at) > self._sweep_at:
            self._sweep(now)

    def _sweep(self, now: float) -> None:
        self._full_at = {sender: full_at for sender, full_at in self._full_at.items() if full_at > now}
        self._sweep_at = max(_SMALL, 2 * len(self._full_at))
