"""What the machine knows of every command: how to read its arguments, and when it may be sent (RFC 3501, 3)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Flag, auto

from msgspec import Struct

from angarium.wire.imap.reader import Reader
from angarium.wire.members import direct
from angarium.wire.stream import Parser

__all__ = ["Command", "Rule", "State", "bare"]


@direct
class State(Flag):
    """Where a connection stands. A command's rule holds all the states it is allowed in."""

    GREETED = auto()
    """Connected; nobody has logged in (RFC 3501, 3.1)."""
    AUTHENTICATED = auto()
    SELECTED = auto()
    LOGOUT = auto()
    ANY = GREETED | AUTHENTICATED | SELECTED
    INSIDE = AUTHENTICATED | SELECTED


class Command(Struct, frozen=True):
    """A command with its arguments, read and checked in form; nothing is known yet of what they name."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a command is read and when it is allowed."""

    parse: Callable[[Reader], Parser[Command]]
    """Reads the arguments, the space before them included, up to the end of the command. Raises Malformed."""
    states: State
    secret: bool = False
    """Whether it carries a password, so that it must not be sent in clear."""
    allowed: tuple[State, ...] = field(init=False)
    """The same as `states`, one by one: to look there is quicker than to ask a Flag."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowed", tuple(state for state in State if state & self.states))


def bare(command: Command) -> Callable[[Reader], Parser[Command]]:
    """The parser of a command that has no arguments."""

    def parse(_reader: Reader) -> Parser[Command]:
        yield from ()
        return command

    return parse
