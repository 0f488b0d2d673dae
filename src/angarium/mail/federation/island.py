"""Whether this relay is on an island: whether there is no road to any of the others that are known by name.

Told from nothing but the attempts that mail makes anyway; nobody is probed. It is one when, since anybody known by name
answered last, nothing was seen but the want of a road, and that at two different destinations: one that is dead looks
the same, two at once hardly ever do. The first answer ends it, and so does any other sign that somebody is there.

Relays known by an IP address or by a `_name` say nothing either way: they are the domestic ones, which go on.

A guess, and no more: a relay that writes to nobody but two dead destinations takes itself for an island until somebody
answers; and whoever cuts a network off and answers in the name of everybody is not seen through.
"""

from angarium.mail.federation.consignment import Fault
from angarium.reach.trust import keeps_its_key

__all__ = ["Island"]

WITNESSES = 2
"""Destinations at which there must have been no road."""


class Island:
    """What the attempts have shown since this process started, and what was known before."""

    def __init__(self, *, found: bool = False) -> None:
        """`found`: it was one when the last process ended."""
        self.found = found
        self._witnesses: set[str] = set()

    def answered(self, destination: str) -> bool:
        """Somebody was there. Returns whether this ended the island."""
        if keeps_its_key(destination):
            return False
        ended, self.found = self.found, False
        self._witnesses.clear()
        return ended

    def failed(self, destination: str, fault: Fault) -> bool:
        """Nothing reached it. Returns whether this changed what is found."""
        if fault is Fault.OTHER:
            return self.answered(destination)
        if self.found or keeps_its_key(destination):
            return False
        self._witnesses.add(destination)
        self.found = len(self._witnesses) >= WITNESSES
        return self.found
