"""Small files that are there whole or not at all, also after a power cut, and that only their owner can read.

And the opposite: files that are to be gone, with their bytes.
"""

import contextlib
import os
import secrets
from pathlib import Path

__all__ = ["erase", "let_go", "make_directory", "overwrite", "replace_erased", "sync_directory", "write_whole"]

PIECE = 1 << 20
"""Bytes overwritten at a time."""


def write_whole(path: Path, content: bytes, *, owner: tuple[int, int] | None = None) -> None:
    """Put `content` into the place of `path`, readable by its owner only; the directory is made if it is missing.

    `owner`: user and group to give it to, if root writes it.

    Raises:
        OSError: it could not be written; what was there before still is.
    """
    make_directory(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            if owner is not None and os.geteuid() == 0:
                os.fchown(file.fileno(), *owner)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)


def make_directory(path: Path) -> None:
    """Make a directory, and those above it, unless they are there; only its owner may look inside.

    After a power cut it is still there, and with it what was written to it. Raises OSError.
    """
    made = [path, *path.parents]
    del made[next(at for at, there in enumerate(made) if there.exists()) :]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for directory in made:
        with contextlib.suppress(PermissionError):  # some may be written and not read
            sync_directory(directory.parent)


def erase(path: Path) -> None:
    """Overwrite a file with random bytes, flush them to the disk, cut it to nothing and remove it.

    A symbolic link is removed with what it points to. What the disk itself keeps of a block that was written twice
    (flash, snapshots, file systems that copy on write) is beyond a program's reach.

    Raises:
        OSError: it is not there, or is not to be written; then it is removed all the same if that can be done.
    """
    target = path.resolve()
    try:
        overwrite(target)
    finally:
        target.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        sync_directory(path.parent)


def let_go(path: Path) -> None:
    """Take a large file's name away at once; its room is given back meanwhile, by a process that ends with that.

    Raises:
        OSError: it is not there, or is not to be removed.
    """
    held = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    reading, writing = os.pipe()
    try:
        path.unlink()
        if os.fork() == 0:  # who closes a file without a name last, waits for it
            try:
                os.close(writing)
                nothing = os.open(os.devnull, os.O_RDWR)
                for stream in (0, 1, 2):
                    os.dup2(nothing, stream)
                os.setsid()
                os.read(reading, 1)
            finally:
                os._exit(0)
    finally:
        for descriptor in (reading, held, writing):
            os.close(descriptor)


def overwrite(path: Path) -> None:
    """Put random bytes over a file's own, on the disk, and cut it to nothing. Raises OSError."""
    file = os.open(path, os.O_WRONLY)
    try:
        scrub(file)
    finally:
        os.close(file)


def scrub(file: int) -> None:
    """As `overwrite`, for a file that is open for writing, whether or not it still has a name. Raises OSError."""
    size = os.fstat(file).st_size
    at = 0
    while at < size:
        at += os.pwrite(file, secrets.token_bytes(min(PIECE, size - at)), at)
    os.fsync(file)
    os.ftruncate(file, 0)
    os.fsync(file)


def replace_erased(path: Path, content: bytes) -> None:
    """As `write_whole` over a file that is there, whose owner stays the same; its old bytes are overwritten afterwards.

    Raises:
        OSError: it could not be written; then what was there before still is.
    """
    target = path.resolve()
    old = os.open(target, os.O_RDWR)
    try:
        before = os.fstat(old)
        write_whole(target, content, owner=(before.st_uid, before.st_gid))
        scrub(old)
    finally:
        os.close(old)


def sync_directory(path: Path) -> None:
    """Make the names in a directory as they are now durable. Raises OSError."""
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
