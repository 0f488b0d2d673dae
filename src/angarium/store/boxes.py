"""What the other rooms may ask the store to remember for relays that fetch their mail: parcels held, and papers.

One contract suite (`tests/contract`) for all back-ends, as for `store.interfaces`. Nothing of it can be read without
the root key: not for whom a parcel is held, nor which two lie in one box. Nothing keeps a time finer than a day.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Boxes", "Held", "Papers"]


@dataclass(frozen=True, slots=True)
class Held:
    """A parcel that waits to be fetched, without its bytes."""

    box: bytes
    """The number of the box it lies in."""
    name: bytes
    """The SHA-256 of its bytes."""
    octets: int
    day: int
    """On which it came, since 1970-01-01 (UTC)."""


class Boxes(Protocol):
    """Parcels held for other relays. What is in them is known to those alone."""

    async def put(self, box: bytes, name: bytes, parcel: bytes, *, day: int) -> bool:
        """Keep a parcel; return whether it was not there yet. The same in the same box again changes nothing.

        Raises:
            StoreFull: see there.
        """

    async def all(self) -> list[Held]:
        """All that is held, in no order that means anything. The bytes are not read."""

    async def parcel(self, box: bytes, name: bytes) -> bytes | None:
        """The bytes of a parcel; None where it is not there (any more)."""

    async def remove(self, box: bytes, names: Collection[bytes]) -> None:
        """Destroy parcels, their keys first; those that are not there are passed over."""


class Papers(Protocol):
    """Small things that keepers have agreed upon, by kind and name."""

    async def get(self, kind: str, name: str) -> bytes | None:
        """One of them."""

    async def put(self, kind: str, name: str, content: bytes | None) -> None:
        """Remember one, in the place of another of that kind and name; None: forget it."""

    async def all(self, kind: str) -> dict[str, bytes]:
        """All of a kind, by name, in order of name."""
