"""How much unfinished mail of strangers is held in memory at once, all connections together.

Anybody may begin to bring a message, and as many connections as there may be times the largest message is more than any
machine has. Who comes when the hold is full is told to come again.
"""

__all__ = ["Hold"]


class Hold:
    """So many bytes, to be taken and given back."""

    def __init__(self, octets: int) -> None:
        self._free = octets

    @property
    def free(self) -> int:
        """Bytes that may still be taken."""
        return self._free

    def take(self, octets: int) -> bool:
        """Take so many bytes, or none."""
        if octets > self._free:
            return False
        self._free -= octets
        return True

    def give(self, octets: int) -> None:
        """Give back what was taken."""
        self._free += octets
