r"""Dialogs as data: plain transcripts, played against a pure machine and again over TCP.

A transcript says first what it proves, then who says what:

    # a comment
    -- set size 1000        an option, for whoever sets the stage (see the test of the protocol)
    C: NOOP                 the client sends this line and CRLF; neighbouring C lines leave in one write
    C= a\nb\x00\r\n         the client sends these bytes, with Python's escapes and nothing added
    C* 1000 RCPT TO:<u{n}@relay.example>    the line so many times, {n} being 1, 2, 3 …
    S: 250 2.0.0 OK         the server says exactly this line
    S~ 250 .*               the server says a line that this regular expression matches whole
    S* 1000 250 2.1.5 OK    the server says the line so many times
    -- tls                  the client begins TLS
    -- closed               the server has ended the connection

At the end, and before each thing the client sends, the server must have said nothing else.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

STEP = re.compile(r"(C:|C=|C\*|S:|S~|S\*|--|#)(?: (.*))?")


class Peer(Protocol):
    """The server as the client of a dialog sees it."""

    async def send(self, data: bytes) -> None:
        """Send bytes in one write."""

    async def line(self) -> bytes:
        """The next line with its end; what is left of one, or nothing, where the server has ended the connection."""

    async def start_tls(self) -> None:
        """Begin TLS as the client."""

    def unread(self) -> bytes:
        """What the server has said that is known of and was not read yet."""


@dataclass(frozen=True)
class Step:
    """One line of a transcript."""

    number: int
    kind: str
    text: str


@dataclass(frozen=True)
class Dialog:
    """One transcript."""

    path: Path
    options: dict[str, str]
    steps: tuple[Step, ...]


def read_dialog(path: Path) -> Dialog:
    options: dict[str, str] = {}
    steps: list[Step] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line:
            continue
        found = STEP.fullmatch(line)
        assert found, f"{path.name}:{number}: not a step"
        kind, text = found[1], found[2] or ""
        if kind == "--" and text.startswith("set "):
            _, name, value = text.split(" ", 2)
            options[name] = value
        elif kind != "#":
            steps.append(Step(number, kind, text))
    assert steps, f"{path.name}: nothing is said"
    return Dialog(path, options, tuple(steps))


def spoken(step: Step) -> bytes:
    """The bytes of a C step, or the lines an S* step expects."""
    if step.kind == "C=":
        return step.text.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")
    if step.kind in {"C*", "S*"}:
        times, _, text = step.text.partition(" ")
        return "".join(text.replace("{n}", str(n)) + "\r\n" for n in range(1, int(times) + 1)).encode()
    return step.text.encode() + b"\r\n"


async def play(dialog: Dialog, peer: Peer) -> None:
    """Play the client's part and check the server's."""
    saying = b""
    for step in dialog.steps:
        where = f"{dialog.path.name}:{step.number}"
        if step.kind in {"C:", "C=", "C*"}:
            if not saying:
                assert peer.unread() == b"", f"{where}: the server said more"
            saying += spoken(step)
            continue
        if saying:
            await peer.send(saying)
            saying = b""
        match step.kind, step.text:
            case "S~", pattern:
                said = await peer.line()
                assert re.fullmatch(pattern.encode() + b"\r\n", said), f"{where}: the server said {said!r}"
            case (("S:" | "S*"), _):
                for line in spoken(step).splitlines(keepends=True):
                    assert await peer.line() == line, where
            case "--", "tls":
                assert peer.unread() == b"", f"{where}: the server said more"
                await peer.start_tls()
            case "--", "closed":
                assert await peer.line() == b"", f"{where}: the server said more"
            case _:
                pytest.fail(f"{where}: not a step")
    if saying:
        await peer.send(saying)
    assert peer.unread() == b"", f"{dialog.path.name}: the server said more"


@pytest.fixture(name="read_dialog")
def read_dialog_fixture() -> Callable[[Path], Dialog]:
    return read_dialog


@pytest.fixture(name="play")
def play_fixture() -> Callable[[Dialog, Peer], Awaitable[None]]:
    return play
