"""`angarium channel site`: the news site is written, or brought up to date."""

import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from angarium.apps.channel.options import Folder, PassphraseFile, complaining, newsroom
from angarium.channel.newsroom import Newsroom
from angarium.channel.site.build import Built, build
from angarium.channel.site.gallery import PicturesMissing
from angarium.channel.site.ledger import LedgerError
from angarium.channel.site.theme import BadTheme

__all__ = ["site"]


def site(
    *,
    to: Annotated[Path, Parameter(help="The folder that the site is written to.")],
    channel: Folder = None,
    passphrase_file: PassphraseFile = None,
) -> int:
    """Write the news site: plain files, for any web server, an onion address or a stick.

    Only what changed since the last time is written. Whoever copies the folder can check the copy against the channel's
    key; see `angarium channel mirror` and `angarium channel verify`.

    Exit status: 0 written; 2 it could not be, and the error says what to do.
    """
    room = newsroom(channel, passphrase_file)
    with complaining(BadTheme, LedgerError, PicturesMissing, OSError):
        room.keys.load()  # a passphrase is asked for before the bar is drawn
        built = _built(room, to)
    sys.stdout.write(
        f"{built.posts} posts; {built.written} files written, {built.removed} removed; serial number {built.serial}\n"
    )
    return 0


def _built(room: Newsroom, to: Path) -> Built:
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("site", total=None)
        return build(
            room, to, now=int(time.time()), progress=lambda done, of: bar.update(task, completed=done, total=of)
        )
