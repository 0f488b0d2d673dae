"""`angarium backup FILE` and `angarium restore FILE`: a relay in one encrypted file, and back, on any machine."""

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from angarium.apps.cargo import Incomplete, pack, unpack
from angarium.apps.home import Home, HomeError, default_path
from angarium.apps.options import Data, existing
from angarium.apps.secret import read, typed, typed_twice
from angarium.apps.strongbox import Foreign, Shut, Spoilt, StrongReader, StrongWriter
from angarium.reach.files import sync_directory
from angarium.store.interfaces import StoreError

__all__ = ["backup", "code", "restore"]

LETTERS = "abcdefghjkmnpqrstvwxyz23456789"
"""Those that are not taken for one another when they are written down."""
GROUPS, GROUP = 6, 5
"""30 letters out of 30: 147 bits."""

PassphraseFd = Annotated[
    int | None, Parameter(name="--passphrase-fd", help="Read the backup's passphrase from this open file descriptor.")
]


def backup(
    file: Path,
    *,
    data: Data = None,
    passphrase: Annotated[
        bool,
        Parameter(name="--passphrase", negative="", help="Ask for a passphrase instead of making a recovery code."),
    ] = False,
    passphrase_fd: PassphraseFd = None,
) -> int:
    """Write the whole relay into one encrypted file: keys, accounts, messages, settings, certificate.

    The relay may run meanwhile: the file holds it as it is at one moment. A recovery code is made and shown once: write
    it down; without it the file is noise. Where root.key has a passphrase of its own, that is needed as well, later.

    Exit status: 0 written; 2 not written.
    """
    home = existing(data)
    if file.exists():
        raise HomeError(f"{file} is there already: name another file, or move that one away")
    made = None
    if passphrase_fd is not None:
        secret = read(passphrase_fd, new=True)
    elif passphrase:
        secret = typed_twice("Passphrase of the backup")
    else:
        secret = made = code()
    try:
        _write(home, file, secret)
    except OSError as error:
        raise HomeError(f"the backup was not written: {error.filename or file}: {error.strerror}") from None
    except StoreError as error:
        raise HomeError(f"the backup was not written: {error}") from None
    sys.stdout.write(f"Written: {file}\n")
    if made is not None:
        sys.stdout.write(
            f"\n  Recovery code:  {made}\n\n"
            "Write it down, away from the file: it is shown only now, and without it the file is noise.\n"
        )
    sys.stdout.write(f"On another machine: angarium restore {file.name}\n")
    return 0


def restore(file: Path, *, data: Data = None, passphrase_fd: PassphraseFd = None) -> int:
    """Make a relay from a backup, in a data directory where there is none.

    Asks for the recovery code or the passphrase. The backup is looked through to its end before anything of it counts:
    one that is damaged, cut off or not yours changes nothing.

    Exit status: 0 restored; 2 refused, and nothing was changed.
    """
    home = Home(data or default_path())
    if home.path.exists() and (not home.path.is_dir() or any(home.path.iterdir())):
        raise HomeError(f"{home.path} is not empty: name a new directory with --data, or move that one away")
    try:
        with file.open("rb") as source:
            secret = typed("Recovery code or passphrase") if passphrase_fd is None else read(passphrase_fd)
            with _bar("Restoring", os.fstat(source.fileno()).st_size) as (bar, task):
                unpack(StrongReader(source, _normal(secret)), home, lambda done: bar.advance(task, done))
    except Foreign:
        raise HomeError(f"{file} is no backup of a relay. Nothing was changed.") from None
    except Shut:
        raise HomeError(
            f"this code or passphrase does not open {file}, or the file is damaged. Nothing was changed."
        ) from None
    except (Spoilt, Incomplete) as error:
        raise HomeError(f"{file} is damaged: {error}. Nothing was changed: take another copy of the backup.") from None
    except OSError as error:
        where = file if error.filename == str(file) else home.path
        raise HomeError(f"not restored: {where}: {error.strerror}. Nothing was changed.") from None
    how = " --unlock" if home.locked() else ""
    sys.stdout.write(f"Restored to {home.path}. Start it with: angarium up{how} --data {home.path}\n")
    sys.stdout.write("Never let two relays run from one backup: people would find their messages on either.\n")
    return 0


def code() -> str:
    """A fresh recovery code."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))


def _normal(secret: str) -> str:
    """A recovery code as it was made, however it was typed; a passphrase as it is."""
    letters = "".join(secret.lower().replace("-", " ").split())
    if len(letters) == GROUPS * GROUP and set(letters) <= set(LETTERS):
        return "-".join(letters[at : at + GROUP] for at in range(0, len(letters), GROUP))
    return secret


def _write(home: Home, file: Path, secret: str) -> None:
    """Raises OSError, StoreError; then there is no file."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            size = home.database.stat().st_size if home.database.exists() else 0
            with _bar("Writing", size) as (bar, task):

                def copying(done: int, total: int) -> None:
                    bar.update(task, description="Copying", completed=done * size // max(total, 1))

                def writing(done: int) -> None:
                    if bar.tasks[0].description == "Copying":
                        bar.reset(task, description="Writing")
                    bar.advance(task, done)

                pack(home, StrongWriter(target, _normal(secret)), writing, copying)
            target.flush()
            os.fsync(target.fileno())
        draft.rename(file)
        sync_directory(file.absolute().parent)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def _bar(what: str, size: int) -> Iterator[tuple[Progress, TaskID]]:
    """A bar on a terminal; nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield bar, bar.add_task(what, total=size)
