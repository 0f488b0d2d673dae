"""Options that several of the channel's commands share, and what they say when they cannot go on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from angarium.channel.archive import ArchiveError
from angarium.channel.keys import KeyMissing
from angarium.channel.newsroom import Newsroom
from angarium.channel.settings import BadSettings

__all__ = ["Folder", "complaining", "newsroom"]

Folder = Annotated[
    Path | None,
    Parameter(
        name="--channel",
        env_var="ANGARIUM_CHANNEL",
        help="The channel's folder [default: ~/.local/share/angarium-channel].",
    ),
]


def newsroom(folder: Path | None) -> Newsroom:
    """The channel's folder, whether it is there or not."""
    return Newsroom(folder or Path.home() / ".local" / "share" / "angarium-channel")


@contextmanager
def complaining(*others: type[Exception]) -> Iterator[None]:
    """Errors whose text is for the person who typed the command are told, and it ends with status 2."""
    expected: tuple[type[Exception], ...] = (ArchiveError, BadSettings, KeyMissing, *others)
    try:
        yield
    except expected as error:
        sys.stderr.write(f"angarium: {error}\n")
        raise SystemExit(2) from None
