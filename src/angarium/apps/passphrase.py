"""`angarium passphrase`: put root.key under a passphrase, change it, or take it away; whether the relay runs or not."""

import sys
from typing import Annotated

from cyclopts import Parameter

from angarium.apps.home import HomeError
from angarium.apps.options import Data, existing
from angarium.apps.secret import UnlockFd, read, typed, typed_twice

__all__ = ["passphrase"]


def passphrase(
    *,
    data: Data = None,
    remove: Annotated[bool, Parameter(name="--remove", negative="", help="Take the passphrase away.")] = False,
    unlock_fd: UnlockFd = None,
    new_fd: Annotated[
        int | None, Parameter(name="--new-fd", help="Read the new passphrase from this open file descriptor.")
    ] = None,
) -> int:
    """Protect the disk with a passphrase: without it, root.key is useless, and so is all the rest.

    Asks for the present passphrase, if there is one, and for the new one, without showing what is typed. From then on
    the relay starts with `angarium up --unlock`. A relay that runs goes on. Nobody can help who forgets it.

    Exit status: 0 done; 2 not done, and nothing was changed.
    """
    if remove and new_fd is not None:
        raise HomeError("--remove and --new-fd do not go together: one takes the passphrase away, the other sets one")
    home = existing(data)
    present = None
    if home.locked():
        present = typed("Present passphrase") if unlock_fd is None else read(unlock_fd)
        home.root_key(present)  # asked for a new one only who knows the old one
    elif remove:
        raise HomeError(f"{home.root_key_file} has no passphrase")
    new = None
    if not remove:
        new = typed_twice("New passphrase") if new_fd is None else read(new_fd, new=True)
    home.relock(present, new)
    if new is None:
        sys.stdout.write("The passphrase is gone: whoever has the disk has root.key. Start with: angarium up\n")
    else:
        sys.stdout.write(
            "root.key is under the new passphrase. Start with: angarium up --unlock\n"
            "Copies of root.key made before are not; destroy them. Nobody can help who forgets the passphrase.\n"
        )
    return 0
