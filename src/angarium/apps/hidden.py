"""The secret path: what the address of every page begins with, where a decoy stands in front of them.

Made at the first start with a decoy, kept beside the keys, and told in invitations. Another one makes the old
invitations void: that is how a keeper whose path was betrayed gets a new one, by deleting the file.
"""

import re

from angarium.apps.home import Home, HomeError
from angarium.apps.ways import choose
from angarium.reach.files import write_whole

__all__ = ["secret_path"]

FILE = "path"
LENGTH = 22


def secret_path(home: Home) -> str:
    """The path, such as "/6k…". Raises HomeError where it cannot be read or written, or is damaged."""
    path = home.keys / FILE
    try:
        with home.alone():
            try:
                kept = path.read_text("ascii").strip()
            except FileNotFoundError:
                kept = choose(LENGTH)
                write_whole(path, kept.encode())
    except (OSError, UnicodeDecodeError) as error:
        raise HomeError(f"cannot read or write {path}: {error}.") from None
    if not re.fullmatch(r"[a-z0-9]{22,}", kept):
        raise HomeError(f"{path} holds no secret path: delete it, and give out new invitations.")
    return f"/{kept}"
