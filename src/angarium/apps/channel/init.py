"""`angarium channel init`: a channel's folder, its profile on a relay, and the two invitations that go with it."""

import asyncio
import sys
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from angarium.apps.channel.options import Folder, complaining, newsroom
from angarium.apps.check.links import fresh
from angarium.apps.options import Json
from angarium.apps.terminal import qr
from angarium.channel.archive import Archive
from angarium.channel.newsroom import Newsroom
from angarium.channel.publisher import Invitations, NotEstablished, establish, invitations, renewed, running
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
            help="Invitation to the relay it publishes through, dcaccount:… or dclogin:…; may be repeated. "
            "[default: none: a site alone, until this is run again with one].",
        ),
    ] = None,
    channel: Folder = None,
    json: Json = False,
) -> int:
    """Make a channel: its folder, its key and settings, and with `--relay` its profile in the apps.

    Prints two invitations. The first is for everybody: who scans it with Delta Chat is subscribed. The second is for
    editors only: who scans it is in the editors' group, writes posts there, and approves those of others. Both work
    while `angarium channel run` does. Run again, it makes what is missing and leaves the rest as it is.

    It connects to the relays it is given and to nobody else.

    Exit status: 0 made; 2 it could not be, and the error says what to do.
    """
    room = newsroom(channel)
    with complaining(CoreMissing, NotEstablished, NotAnInvitation, OSError):
        _settle(room, title, language)
        if not relay:
            sys.stdout.write(f"Made {room.folder}. Its settings: {room.settings_file}\n")
            return 0
        made = asyncio.run(_establish(room, [fresh(link) for link in relay]))
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

    Whoever was taken out of the group still has the second one, and comes in by it again: then `--renew` it. Who is in
    the group stays there, and subscribers notice nothing.

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
    room.keys.make()


async def _renewed(room: Newsroom, archive: Archive) -> Invitations:
    async with running(room.folder) as core:
        return await renewed(core, archive)


async def _establish(room: Newsroom, relays: list[str]) -> Invitations:
    with room.archive() as archive:
        async with running(room.folder) as core:
            return await establish(core, archive, room.settings(), relays)


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
