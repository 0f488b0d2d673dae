"""`angarium channel run`: the channel's service."""

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from angarium.apps.channel.options import Folder, PassphraseFile, complaining, newsroom
from angarium.channel.form import Form, serving
from angarium.channel.newsroom import Newsroom
from angarium.channel.publisher import NotEstablished
from angarium.channel.service import Service, restarting
from angarium.channel.settings import BadSettings
from angarium.lab.core import CoreMissing

__all__ = ["run"]


def run(
    *,
    site: Annotated[
        Path | None, Parameter(help="Write the news site to this folder, and keep it current [default: no site].")
    ] = None,
    form: Annotated[
        str | None,
        Parameter(
            help="Take comments from the site's forms at this address, such as 127.0.0.1:8080, behind the web server "
            "that has the site [default: none are taken]."
        ),
    ] = None,
    channel: Folder = None,
    passphrase_file: PassphraseFile = None,
) -> int:
    """Serve the channel: publish what the editors' group approves, and bring readers' replies to it.

    Needs `angarium channel init --relay …` first. Ctrl-C stops it. It may be killed at any moment and started again:
    what was approved is published, once. It connects to the channel's relays and to nobody else.

    Exit status: 0 stopped by Ctrl-C or SIGTERM; 2 could not start.
    """
    room = newsroom(channel, passphrase_file)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    with complaining(CoreMissing, NotEstablished, OSError):
        address = _address(form) if form else None
        if site:
            room.keys.load()  # a passphrase is asked for before anything starts
        asyncio.run(_until_signalled(room, _builder(room, site) if site else None, address))
    return 0


def _address(given: str) -> tuple[str, int]:
    host, _, port = given.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise BadSettings(f"{given} is no address to listen at: 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _builder(room: Newsroom, folder: Path) -> Callable[[], Awaitable[None]]:
    from angarium.channel.site.build import build

    async def write() -> None:
        await asyncio.to_thread(build, room, folder, now=int(time.time()))

    return write


async def _until_signalled(
    room: Newsroom, build: Callable[[], Awaitable[None]] | None, address: tuple[str, int] | None
) -> None:
    async def serve(service: Service) -> None:
        async with contextlib.AsyncExitStack() as stack:
            if address:
                form = Form(room.settings(), service.archive, service.replies, service.wake)
                port = await stack.enter_async_context(serving(form, *address))
                sys.stdout.write(f"Comments are taken at port {port}\n")
            sys.stdout.write("The channel is up. Ctrl-C stops it.\n")
            sys.stdout.flush()
            await service.run()

    task = asyncio.ensure_future(restarting(room, build, serve))
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
