"""`angarium channel passphrase`: put the channel's key under a passphrase, change it, or take it away."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from angarium.apps.channel.options import Folder, PassphraseFile, complaining, newsroom, read_passphrase
from angarium.apps.secret import typed_twice
from angarium.channel.keys import KeyMissing

__all__ = ["passphrase"]


def passphrase(
    *,
    channel: Folder = None,
    remove: Annotated[bool, Parameter(name="--remove", negative="", help="Take the passphrase away.")] = False,
    passphrase_file: PassphraseFile = None,
    new_file: Annotated[
        Path | None, Parameter(name="--new-file", help="The new passphrase is the first line of this file.")
    ] = None,
) -> int:
    """Put the key that signs the site under a passphrase, as minisign does: a copy of the folder does not sign then.

    Asks for the present passphrase, if there is one, and for the new one. From then on it is needed wherever something
    is signed: by `site`, `farewell`, `successor`, and `run` with a site. What is sent to apps is signed by the profile
    in `core/`, which has no passphrase: whoever has that speaks as the channel there all the same.

    Exit status: 0 done; 2 not done, and nothing was changed.
    """
    room = newsroom(channel, passphrase_file)
    with complaining(OSError):
        if remove and new_file is not None:
            raise KeyMissing("--remove and --new-file do not go together: one takes the passphrase away")
        if remove and not room.keys.locked():
            raise KeyMissing(f"{room.keys.secret} has no passphrase")
        room.keys.load()  # asked for a new one only who knows the old one
        new = None
        if not remove:
            new = typed_twice("New passphrase") if new_file is None else read_passphrase(new_file, new=True)
        room.keys.relock(new)
    if new is None:
        sys.stdout.write("The passphrase is gone: whoever has the folder signs as the channel.\n")
    else:
        sys.stdout.write(
            f"{room.keys.secret} is under the new passphrase. Copies made before are not: destroy them.\n"
            "Nobody can help who forgets the passphrase.\n"
        )
    return 0
