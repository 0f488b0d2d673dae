"""Options that several of the channel's commands share, and what they say when they cannot go on."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from angarium.apps.secret import read, typed
from angarium.channel.archive import ArchiveError
from angarium.channel.keys import KeyMissing, nobody
from angarium.channel.newsroom import Newsroom
from angarium.channel.settings import BadSettings

__all__ = ["Folder", "PassphraseFile", "complaining", "newsroom", "read_passphrase"]

Folder = Annotated[
    Path | None,
    Parameter(
        name="--channel",
        env_var="ANGARIUM_CHANNEL",
        help="The channel's folder [default: ~/.local/share/angarium-channel].",
    ),
]
PassphraseFile = Annotated[
    Path | None,
    Parameter(
        name="--passphrase-file",
        env_var="ANGARIUM_CHANNEL_PASSPHRASE_FILE",
        help="The file whose first line is the passphrase of the channel's key, such as a credential of systemd's "
        "[default: it is asked for at the terminal, if the key has one].",
    ),
]


def newsroom(folder: Path | None, passphrase: Path | None = None) -> Newsroom:
    """The channel's folder, whether it is there or not; `passphrase`: the file that opens its key, where it has one."""

    def ask(key: Path) -> str:
        if passphrase is not None:
            return read_passphrase(passphrase)
        return typed(f"Passphrase of {key}") if sys.stdin.isatty() else nobody(key)

    return Newsroom(folder or Path.home() / ".local" / "share" / "angarium-channel", ask)


def read_passphrase(file: Path, *, new: bool = False) -> str:
    """The first line of a file; `new`: it is to be a good one. Raises KeyMissing, HomeError."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError as error:
        raise KeyMissing(f"the passphrase cannot be read from {file}: {error.strerror}") from None
    try:
        return read(descriptor, new=new)
    finally:
        os.close(descriptor)


@contextmanager
def complaining(*others: type[Exception]) -> Iterator[None]:
    """Errors whose text is for the person who typed the command are told, and it ends with status 2."""
    expected: tuple[type[Exception], ...] = (ArchiveError, BadSettings, KeyMissing, *others)
    try:
        yield
    except expected as error:
        sys.stderr.write(f"angarium: {error}\n")
        raise SystemExit(2) from None
