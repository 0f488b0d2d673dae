"""`angarium channel init`: a channel's folder, its profile on a relay, and the two invitations that go with it."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from angarium.apps.channel.options import Folder, PassphraseFile, complaining, newsroom, read_passphrase
from angarium.apps.check.links import fresh, site
from angarium.apps.options import Json
from angarium.apps.secret import typed_twice
from angarium.apps.terminal import qr
from angarium.channel.archive import Archive
from angarium.channel.keys import KeyMissing
from angarium.channel.newsroom import Newsroom
from angarium.channel.publisher import (
    Invitations,
    NotEstablished,
    establish,
    established,
    invitations,
    join_relays,
    renewed,
    running,
)
from angarium.channel.settings import BadSettings, Settings
from angarium.lab.core import CoreMissing
from angarium.mail.invitation import NotAnInvitation
from angarium.reach.files import make_directory

__all__ = ["init", "invite"]


def init(
    *,
    title: Annotated[str | None, Parameter(help="What the channel is called. Needed the first time.")] = None,
    language: Annotated[
        Literal["en", "fa", "ar", "ru"] | None, Parameter(help="The language of its own words [default: en].")
    ] = None,
    relay: Annotated[
        list[str] | None,
        Parameter(
            negative="",
            help="Invitation to a relay it publishes through, dcaccount:… or dclogin:…; may be given again later "
            "for one more [default: none: a site alone, until this is run again with one].",
        ),
    ] = None,
    passphrase: Annotated[
        bool,
        Parameter(
            name="--passphrase",
            negative="",
            help="Put its key under a passphrase that is asked for now [default: none, so that it signs unattended].",
        ),
    ] = False,
    passphrase_file: PassphraseFile = None,
    channel: Folder = None,
    json: Json = False,
) -> int:
    """Make a channel: its folder, its key and settings, and with `--relay` its profile in the apps.

    Prints two invitations. The first is for everybody: who scans it with Delta Chat is subscribed. The second is for
    editors only: who scans it is in the editors' group, writes posts there, and approves those of others. Both work
    while `angarium channel run` does. Run again, it makes what is missing and leaves the rest as it is.

    With several relays the channel goes on while one of them is gone. The invitations name all of them, so they change
    when one is added; those of before keep working for as long as a relay that they name does.

    It connects to the relays it is given and to nobody else.

    Exit status: 0 made; 2 it could not be, and the error says what to do.
    """
    room = newsroom(channel)
    with complaining(CoreMissing, NotEstablished, NotAnInvitation, OSError):
        _settle(room, title, language)
        _key(room, passphrase_file, typed=passphrase)
        if not relay:
            sys.stdout.write(f"Made {room.folder}. Its settings: {room.settings_file}\n")
            return 0
        made = asyncio.run(_establish(room, {site(link).name: fresh(link) for link in relay}))
        _print(made, json=json)
    return 0


def invite(
    *,
    renew: Annotated[
        bool,
        Parameter(
            negative="",
            help="Replace the invitation for editors: the one before lets nobody in any more. First stop "
            "`angarium channel run`.",
        ),
    ] = False,
    channel: Folder = None,
    json: Json = False,
) -> int:
    """Print the invitations again: to the channel, for everybody; to the editors' group, for editors only.

    The second one is replaced by itself when somebody is taken out of the group while `angarium channel run` runs. When
    it went to somebody whom it was not meant for, `--renew` it. Who is in the group stays there, and subscribers notice
    nothing.

    Exit status: 0 printed; 2 there are none yet, or none that could be replaced.
    """
    room = newsroom(channel)
    with complaining(CoreMissing, NotEstablished, OSError):
        room.settings()
        with room.archive() as archive:
            made = asyncio.run(_renewed(room, archive)) if renew else invitations(archive)
            _print(made, json=json)
    return 0


def _settle(room: Newsroom, title: str | None, language: str | None) -> None:
    if not room.settings_file.exists():
        if not title:
            raise BadSettings("a channel needs a title: angarium channel init --title …")
        make_directory(room.folder)
        try:
            settings = Settings(title=title, language=language or "en")
        except ValueError as error:
            raise BadSettings(str(error)) from None
        settings.save(room.settings_file)
    settings = room.settings()
    if (title or settings.title, language or settings.language) != (settings.title, settings.language):
        raise BadSettings(f"this channel is there already; change its title and language in {room.settings_file}")


def _key(room: Newsroom, file: Path | None, *, typed: bool) -> None:
    """Make the key, unless it is there."""
    if room.keys.secret.exists():
        if typed:
            raise KeyMissing(f"{room.keys.secret} is there already. For a passphrase: angarium channel passphrase")
        room.keys.locked()  # which says so if it is damaged
        return
    passphrase = read_passphrase(file, new=True) if file else typed_twice("Passphrase") if typed else None
    room.keys.make(passphrase)


async def _renewed(room: Newsroom, archive: Archive) -> Invitations:
    async with running(room.folder) as core:
        return await renewed(core, archive, room.settings())


async def _establish(room: Newsroom, relays: dict[str, str]) -> Invitations:
    with room.archive() as archive:
        async with running(room.folder) as core:
            if established(archive):
                return await join_relays(core, archive, room.settings(), relays)
            return await establish(core, archive, room.settings(), list(relays.values()))


def _print(made: Invitations, *, json: bool) -> None:
    if json:
        sys.stdout.write(msgspec.json.encode(made).decode() + "\n")
        return
    lines = [
        "For everybody: scan this with Delta Chat to subscribe.",
        "",
        qr(made.subscribe),
        made.subscribe,
        "",
        "For editors only: scan this to write and approve posts. Whoever has it is one of them.",
        "",
        qr(made.edit),
        made.edit,
        "",
        "Both work while this runs: angarium channel run",
    ]
    sys.stdout.write("\n".join([*lines, ""]))
