"""What a judge says of a packet, and what all judges have in common.

Pure: no clock, no socket. A judge remembers what its rule says that the censor remembers, and nothing else.
"""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from angarium.lab.censor.flows import Flow
from angarium.lab.censor.packets import Packet

__all__ = ["Answer", "Judge", "Verdict"]


class Verdict(Enum):
    """What becomes of a packet."""

    ALLOW = "allow"
    DROP = "drop"
    RESET = "reset"
    """Both ends are told that the other ended the connection, and nothing more of it passes."""
    CUT = "cut"
    """Nothing more of this connection passes, and nobody is told."""


class Answer(NamedTuple):
    """The censor answers a datagram in the place of whom it was sent to."""

    payload: bytes


class Judge:
    """Lets everything pass."""

    def judge(self, packet: Packet, flow: Flow | None, now: float, *, outward: bool) -> Verdict | Answer:
        """What becomes of a packet that is on its way: `outward`, from people to the world, or back.

        `flow` is its connection, which has taken note of the packet already; None where it belongs to none.
        """
        return Verdict.ALLOW

    def overdue(self, flows: Iterable[Flow], now: float) -> Iterable[Flow]:
        """Those of the connections under way that are to be reset now, whether or not something passes."""
        return ()
