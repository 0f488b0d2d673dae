"""What a passphrase does to a secret key of minisign's: a stream that scrypt makes of it lies over the key's octets.

The effort stands in the file, as two numbers that libsodium turns into scrypt's own three (RFC 7914): operations, and
octets of memory. What is written here takes as long to try as what minisign writes, in a quarter of its memory, so
that a small machine opens it as well. A file that asks for more than minisign ever does is refused. Pure.
"""

import hashlib
import secrets
import struct
from typing import NamedTuple

__all__ = ["EFFORT", "FUNCTION", "HEAD", "Effort", "TooMuch", "lay", "opened"]

FUNCTION = b"Sc"
"""How minisign calls scrypt."""
SALT = 32
HEAD = SALT + 16
"""Octets of the salt and the effort."""
BLOCK = 8
LANES = 0x3FFFFFFF
LEAST_OPERATIONS = 32768
SLACK = 1 << 20


class Effort(NamedTuple):
    """What one try costs."""

    operations: int
    memory: int
    """Octets."""


EFFORT = Effort(1 << 25, 1 << 28)
"""Of new files: some seconds, 256 MiB."""
MOST = Effort(1 << 26, 1 << 30)
"""Twice minisign's own."""


class TooMuch(Exception):
    """The effort is more than is spent here, or than this machine has; the text says which."""


def lay(octets: bytes, passphrase: str) -> bytes:
    """Put octets under a passphrase: salt and effort, then what is left of them. Raises TooMuch."""
    head = secrets.token_bytes(SALT) + struct.pack("<QQ", *EFFORT)
    return head + opened(head, octets, passphrase)


def opened(head: bytes, octets: bytes, passphrase: str) -> bytes:
    """Octets without the stream over them, or under it: it is the same. Nothing says whether the passphrase was right.

    Raises:
        TooMuch: see there.
    """
    effort = Effort(*struct.unpack("<QQ", head[SALT:]))
    if effort.operations > MOST.operations or effort.memory > MOST.memory:
        raise TooMuch("its passphrase costs more to try than minisign ever asks for")
    count, lanes = parameters(effort)
    try:
        stream = hashlib.scrypt(
            passphrase.encode("utf-8", "surrogateescape"),
            salt=head[:SALT],
            n=count,
            r=BLOCK,
            p=lanes,
            maxmem=128 * BLOCK * (count + lanes) + SLACK,
            dklen=len(octets),
        )
    except (MemoryError, ValueError):
        raise TooMuch(f"to open it takes {effort.memory >> 20} MiB of memory, which this machine has not") from None
    return bytes(one ^ other for one, other in zip(octets, stream, strict=True))


def parameters(effort: Effort) -> tuple[int, int]:
    """scrypt's N and p, as libsodium chooses them; its r is always 8."""
    operations = max(effort.operations, LEAST_OPERATIONS)
    if operations < effort.memory // 32:
        return power(operations // (4 * BLOCK)), 1
    count = power(effort.memory // (128 * BLOCK))
    return count, min(operations // 4 // count, LANES) // BLOCK


def power(most: int) -> int:
    """The largest power of two that is no more, and two at the least."""
    return max(2, 1 << (most.bit_length() - 1)) if most else 2
