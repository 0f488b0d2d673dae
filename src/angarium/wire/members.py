"""Members of enumerations at the price of an attribute.

Python 3.11 finds `State.READY` by a look-up that fails, an exception, and a call: some twenty of them for each message
that is delivered, at ten times the time of any other name. From 3.12 on they stand in the class itself; `direct` puts
them there before.
"""

from enum import Enum
from typing import TypeVar

__all__ = ["direct"]

E = TypeVar("E", bound=Enum)


def direct(enumeration: type[E]) -> type[E]:
    """The same enumeration, its members (aliases too) found at once."""
    for name, member in enumeration.__members__.items():
        type.__setattr__(enumeration, name, member)
    return enumeration
