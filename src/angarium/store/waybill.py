"""What the queue remembers of one message to one other relay, in an entry that is hidden under the root key.

All of it: to whom, from whom, in which order it came, on which day, how large it is, where its body lies and what opens
that. On the disk it stands at a random number and looks like any other: up to 50 addresses of the common length, as
many as an app names in one transaction, do not make it longer. Moved to another number it is refused.
"""

from typing import NamedTuple

import msgspec

from angarium.store.outbound import Waiting
from angarium.store.seal import Seal

__all__ = ["Waybill"]

_SAME = 2_048
"""Entries up to this length look alike."""


class Waybill(NamedTuple):
    """See the file's head, and `store.outbound.Waiting`."""

    order: int
    destination: str
    sender: str
    recipients: tuple[str, ...]
    octets: int
    day: int
    held: bool
    cargo: int
    """Id of the body: random, and written nowhere else."""
    key: bytes
    """What `Seal.unwrap` opens it with."""

    def hide(self, seal: Seal, number: int) -> bytes:
        """The entry at this number."""
        return seal.hide(msgspec.msgpack.encode(self), bound=_place(number), least=_SAME)

    @classmethod
    def reveal(cls, seal: Seal, number: int, entry: bytes) -> "Waybill":
        """Undo `hide`. Raises ValueError where it is something else."""
        try:
            return _decoder.decode(seal.reveal(entry, bound=_place(number)))
        except msgspec.DecodeError:
            raise ValueError("not an entry of the queue") from None

    def waiting(self, number: int) -> Waiting:
        """What of it is anybody else's business."""
        return Waiting(number, *self[:7])


_decoder = msgspec.msgpack.Decoder(Waybill)


def _place(number: int) -> bytes:
    return b"queue %d" % number
