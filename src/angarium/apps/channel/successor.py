"""`angarium channel successor`: the channel gets another key, and says so signed with the one it has."""

import sys
from datetime import UTC, datetime

from angarium.apps.channel.options import Folder, PassphraseFile, complaining, newsroom

__all__ = ["successor"]


def successor(*, channel: Folder = None, passphrase_file: PassphraseFile = None) -> int:
    """Replace the channel's key: the old one signs that the new one follows, and is then overwritten.

    Write the site afterwards (`angarium channel site`): copies follow when they see the statement, and it is shown with
    the key. Tell readers the new key by other ways too. An address is changed in channel.toml, and needs no new key.

    This does not help when the key was lost or stolen: what was lost signs nothing, and who stole it can do the same.

    Exit status: 0 replaced; 2 it could not be.
    """
    room = newsroom(channel, passphrase_file)
    with complaining(OSError):
        settings = room.settings()
        handover = room.keys.hand_over(settings.title, datetime.now(UTC).date().isoformat(), settings.address)
    sys.stdout.write(f"{handover.text()}\n{handover.by_old}\n{handover.by_new}")
    return 0
