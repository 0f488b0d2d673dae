"""Parts of files: at once where the kernel has them in memory, and beside the loop where the disk has to be asked.

preadv2(2), RWF_NOWAIT.
"""

import asyncio
import os

from angarium.edge.decoy.answer import Piece

__all__ = ["AT_ONCE", "content", "in_memory"]

AT_ONCE = 65_536
"""Octets of a file that are read, or compressed, in less time than a handshake takes."""
NOWAIT: int | None = getattr(os, "RWF_NOWAIT", None)


async def content(part: Piece) -> bytes:
    """The octets of a part, with zeros for what is there no more. Raises ConnectionAbortedError: the file is gone."""
    if (there := _in_memory(part)) is not None:
        return there

    def read() -> bytes:
        with open(part.path, "rb") as file:
            file.seek(part.begin)
            return file.read(part.octets).ljust(part.octets, b"\0")

    try:
        return await asyncio.to_thread(read)
    except OSError:
        raise ConnectionAbortedError("the file is gone") from None


def in_memory(file: int, begin: int, octets: int) -> bytes | None:
    """So many octets of an open file, where the kernel has them without waiting for the disk; None: not all of them."""
    if NOWAIT is None:
        return None
    into = bytearray(octets)
    try:
        read = os.preadv(file, [into], begin, NOWAIT)
    except OSError:  # they lie on the disk, or nobody can tell
        return None
    return bytes(into) if read == octets else None


def _in_memory(part: Piece) -> bytes | None:
    try:
        file = os.open(part.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return in_memory(file, part.begin, part.octets)
    finally:
        os.close(file)
