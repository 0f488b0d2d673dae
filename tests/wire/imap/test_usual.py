"""What is read once for all is what would be read each time, and may be said only when it may."""

import pytest

from angarium.wire.imap.commands import USUAL, State
from angarium.wire.imap.reader import Limits
from angarium.wire.imap.server import Received, Refused, Server


def heard(line: bytes, state: State) -> object:
    machine = Server(Limits(), secure=True)
    machine.state = state
    (event,) = machine.receive(b"a1 " + line + b"\r\n")
    return event


@pytest.mark.parametrize("line", USUAL)
def test_the_same_command(line: bytes) -> None:
    usual = heard(line, State.SELECTED)
    assert isinstance(usual, Received)
    assert usual.command is USUAL[line][1]
    assert heard(line + b" ", State.SELECTED) == usual, "a space more, and it is read anew"


@pytest.mark.parametrize("line", sorted(set(USUAL) - {b"NOOP"}))
def test_not_before_login(line: bytes) -> None:
    assert isinstance(heard(line, State.GREETED), Refused)
