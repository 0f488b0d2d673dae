"""What a mailbox remembers of one message, in the record that is sealed to its owner.

The exact size, the key of the body, and where the body is: beside the record, or, where a large one went to several,
in a blob whose id is written nowhere else. Both forms are equally long, so a sealed record does not tell which it is.
"""

import struct
from typing import NamedTuple

__all__ = ["Record"]

_FORM = struct.Struct(">QQ")


class Record(NamedTuple):
    """See the file's head."""

    size: int
    """Octets of the whole message."""
    blob: int
    """Id of the shared body; 0 where the body is this message's own."""
    key: bytes
    """What `Seal.unwrap` opens the body with."""

    def pack(self) -> bytes:
        """The bytes to seal."""
        return _FORM.pack(self.size, self.blob) + self.key

    @classmethod
    def unpack(cls, packed: bytes) -> "Record":
        """Undo `pack`. Raises ValueError where it is something else."""
        if len(packed) < _FORM.size:
            raise ValueError("not a record")
        size, blob = _FORM.unpack_from(packed)
        return cls(size, blob, packed[_FORM.size :])
