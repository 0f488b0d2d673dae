"""Passphrases on their way in: typed without echo at the terminal, or read from a descriptor that a program holds open.

Never on the command line, which everybody on the machine can read, and never from the environment.
"""

import getpass
import os
import sys
from typing import Annotated

from cyclopts import Parameter

from angarium.apps.home import HomeError

__all__ = ["LEAST", "UnlockFd", "read", "typed", "typed_twice"]

LEAST = 12
"""Fewest characters of a new passphrase."""
MOST = 1024
"""Most bytes read for one."""

UnlockFd = Annotated[
    int | None,
    Parameter(
        name="--unlock-fd", help="Read the passphrase of root.key from this open file descriptor, up to a line's end."
    ),
]


def typed(prompt: str) -> str:
    """Ask at the terminal. Raises HomeError where there is none, or nothing was typed."""
    if not sys.stdin.isatty():
        raise HomeError("there is no terminal to ask for the passphrase: give it through a descriptor (see --help)")
    try:
        answer = getpass.getpass(f"{prompt}: ")
    except EOFError:
        answer = ""
    if not answer:
        raise HomeError("no passphrase was typed: nothing was changed")
    return answer


def typed_twice(prompt: str) -> str:
    """Ask for a new one, twice. Raises HomeError where they differ or are too short."""
    answer = sufficient(typed(f"{prompt} (at least {LEAST} characters)"))
    if typed("The same once more") != answer:
        raise HomeError("the two are not the same: nothing was changed")
    return answer


def read(descriptor: int, *, new: bool = False) -> str:
    """One line from a descriptor; `new`: it is to be a good one. Raises HomeError."""
    line = bytearray()
    try:
        while len(line) <= MOST and (byte := os.read(descriptor, 1)) not in (b"", b"\n"):
            line += byte
        answer = line.decode().removesuffix("\r")
    except OSError as error:
        raise HomeError(f"cannot read the passphrase from descriptor {descriptor}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise HomeError(f"what came from descriptor {descriptor} is not UTF-8 text") from None
    if not answer or len(line) > MOST:
        raise HomeError(f"descriptor {descriptor} gave no passphrase: one line is expected, up to {MOST} bytes")
    return sufficient(answer) if new else answer


def sufficient(passphrase: str) -> str:
    """The same, if it is long enough to be worth the trouble. Raises HomeError."""
    if len(passphrase) < LEAST:
        raise HomeError(f"a passphrase needs at least {LEAST} characters, better five random words")
    return passphrase
