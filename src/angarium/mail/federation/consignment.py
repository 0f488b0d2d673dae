"""What is handed to a road, and what a road says where there is none."""

from dataclasses import dataclass
from enum import Enum

from angarium.mail.verdict import Outcome, Verdict

__all__ = ["LEFT", "Consignment", "Fault", "Unreachable"]

LEFT = Verdict(Outcome.ACCEPT, 250, "2.0.0", "left in a box")
"""A holder has it: served, which shows a road to the holder and none to the destination."""


@dataclass(frozen=True, slots=True)
class Consignment:
    """One message on its way to one destination."""

    sender: str
    """Empty for a bounce."""
    recipients: tuple[str, ...]
    message: bytes
    """Wire bytes, signed."""


class Fault(Enum):
    """Why nothing reached a destination: what may be the want of any road at all, and what shows that there is one."""

    ROUTE = "route"
    """This machine has no way to any such address."""
    DNS = "dns"
    """Nobody could be asked where the destination is."""
    TIMEOUT = "timeout"
    """No connection in time."""
    OTHER = "other"
    """Somebody answered: refused the connection, showed a wrong certificate, asked for patience."""


class Unreachable(Exception):
    """The destination as a whole cannot be reached now. The text names the kind of fault, and nobody's address."""

    def __init__(self, text: str, fault: Fault = Fault.OTHER) -> None:
        super().__init__(text)
        self.fault = fault
