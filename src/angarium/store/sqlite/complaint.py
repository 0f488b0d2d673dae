"""What the keeper is told of a disk that fails: once when it begins, once when it is over, not at every job."""

import logging

__all__ = ["Complaint"]

_log = logging.getLogger("angarium.store")


class Complaint:
    """One thing that may fail. Used by one thread."""

    def __init__(self, what: str, over: str) -> None:
        """`what` cannot be done, and what is said when it can be done again."""
        self._what = what
        self._over = over
        self._failing: str | None = None

    def note(self, failing: str | None) -> None:
        """It just failed, for this reason; or, with None, it worked."""
        if failing and failing != self._failing:
            _log.error("%s: %s", self._what, failing)
        elif self._failing and not failing:
            _log.warning("%s", self._over)
        self._failing = failing
