"""`angarium channel farewell`: the signed announcement for the channel that is left."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from angarium.apps.channel.options import Folder, PassphraseFile, complaining, newsroom
from angarium.apps.options import Json
from angarium.channel.farewell import LANGUAGES, Farewell, picture, text
from angarium.channel.newsroom import Newsroom
from angarium.channel.publisher import NotEstablished, invitations
from angarium.edge.control import Refusal
from angarium.reach.files import write_whole

__all__ = ["farewell"]

COMMENT = "farewell"
"""What the signatures say beside the file."""


def farewell(
    *,
    channel: Folder = None,
    invitation: Annotated[
        str, Parameter(show_default=False, help="Another link that subscribes in the app [default: the channel's own].")
    ] = "",
    site_alone: Annotated[
        bool,
        Parameter(
            negative="", help="Name the site and its copies, and no invitation: whoever reads one knows your relay."
        ),
    ] = False,
    language: Annotated[
        str,
        Parameter(show_default=False, help=f"One of {', '.join(LANGUAGES)} [default: the channel's own]."),
    ] = "",
    into: Annotated[
        Path | None, Parameter(help="Folder for the files [default: farewell, in the channel's folder].")
    ] = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> int:
    """Write the announcement for the channel you leave: where it went, with a picture to scan, signed.

    Three files, to be posted there together: `farewell.txt`, the words, in the channel's language; `farewell.png`, the
    QR code of the first way to go on reading; `farewell.txt.minisig`, the signature, for those who want to check it.
    The picture's own signature lies beside it. The words are printed too.

    They name what there is, in this order: the channel's invitation in the app, and from channel.toml the site's
    address and its copies; then the key, by which readers know whatever comes from the new place. A channel that has
    neither a profile in the app nor an address has nowhere to send its readers.

    Post it while you still can, pin it, and leave the old channel standing for as long as possible. Written again, it
    takes the place of the one before.

    Exit status: 0 written; 2 not, and why.
    """
    room = newsroom(channel, passphrase_file)
    with complaining(OSError):
        settings, key = room.settings(), room.keys.load()
        if (language or settings.language) not in LANGUAGES:
            raise Refusal(f"--language is one of {', '.join(LANGUAGES)}")
        if invitation and site_alone:
            raise Refusal("--invitation or --site-alone: one of them")
        if invitation and not invitation.lower().startswith(("https://i.delta.chat/", "openpgp4fpr:")):
            raise Refusal("--invitation is a link of the app's, which begins with https://i.delta.chat/")
        try:
            where = Farewell(
                title=settings.title,
                invitation=invitation or ("" if site_alone else _own(room)),
                address=settings.address,
                mirrors=settings.mirrors,
                key=str(key.public),
            )
            image = picture(where)
        except ValueError as error:
            raise Refusal(
                f"{error}: make the channel's profile (angarium channel init --relay LINK), or write the site's address"
                f" into {room.settings_file}"
            ) from None
        words = text(where, language or settings.language, "farewell.txt")
        folder = into or room.folder / "farewell"
        written = []
        for name, octets in (("farewell.txt", words.encode()), ("farewell.png", image)):
            signature = key.sign(octets, COMMENT).encode()
            for path, content in ((folder / name, octets), (folder / f"{name}.minisig", signature)):
                write_whole(path, content)
                written.append(str(path))
    if json:
        sys.stdout.write(msgspec.json.encode({"text": words, "files": written}).decode() + "\n")
    else:
        sys.stdout.write(words + "\n" + "".join(f"{path}\n" for path in written))
    return 0


def _own(room: Newsroom) -> str:
    """The invitation for everybody; empty: the channel is a site alone."""
    with room.archive() as archive:
        try:
            return invitations(archive).subscribe
        except NotEstablished:
            return ""
