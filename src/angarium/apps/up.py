"""`angarium up`: start the relay, make what is missing, show where it listens and how to get in."""

import asyncio
import contextlib
import logging
import re
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from angarium import __version__
from angarium.apps.home import Home, HomeError, default_path
from angarium.apps.options import Data, Json
from angarium.apps.secret import UnlockFd, read, typed
from angarium.apps.serve import Ready, serve
from angarium.apps.terminal import qr

__all__ = ["run", "show_json", "up"]

DEFAULT = "default"
"""The decoy of who has no site. A folder of that name is ./default."""


def up(
    *,
    data: Data = None,
    domain: Annotated[str | None, Parameter(help="Serve this domain name; its DNS must point to this machine.")] = None,
    tls_cert: Annotated[Path | None, Parameter(help="PEM file with the certificate chain for the domain.")] = None,
    tls_key: Annotated[Path | None, Parameter(help="PEM file with its private key.")] = None,
    acme: Annotated[
        str | None,
        Parameter(
            help="ACME directory to get the domain's certificate from [default: Let's Encrypt]; \"\": self-signed."
        ),
    ] = None,
    registration: Annotated[
        Literal["open", "invite", "closed"] | None, Parameter(help="Who may make an account [default: open].")
    ] = None,
    listen: Annotated[
        list[str] | None, Parameter(negative="", help="IP address to listen on; may be repeated [default: all].")
    ] = None,
    ports: Annotated[
        Literal["standard", "high", "any"] | None,
        Parameter(help="Standard ports where they may be had (the default), high ones, or any free ones."),
    ] = None,
    onion: Annotated[
        bool | None, Parameter(name="--onion", negative="", help="Publish an onion address too; needs tor installed.")
    ] = None,
    decoy: Annotated[
        str | None,
        Parameter(
            help="Web site to show to everybody who does not know the secret path of the pages: a folder; the address"
            " of a site to hand their requests to (https://…, http://127.0.0.1:8080); or the word default: what nginx"
            " says that has no site yet."
        ),
    ] = None,
    unlock: Annotated[
        bool, Parameter(name="--unlock", negative="", help="Ask for the passphrase of root.key at the terminal.")
    ] = False,
    unlock_fd: UnlockFd = None,
    json: Json = False,
) -> int:
    """Start the relay; make its data directory on the first start.

    Needs no root, no DNS and no account elsewhere: without `--domain` the relay is known by this machine's IP address
    and signs its own certificate. Prints where it listens and an invitation that the Delta Chat app can scan. Ctrl-C
    stops it; started again, everything is still there.

    Options given at the first start are written to `angarium.toml` in the data directory; given later, they count for
    that run only. With `--domain`, and no certificate files, the relay asks the ACME authority for a certificate. With
    `--onion` it starts tor, which connects to the Tor network. With `--decoy` and an address it asks that site what
    strangers ask. No other request leaves it. With `--decoy` it listens on http and https alone, unless `angarium.toml`
    names other ports.

    Exit status: 0 stopped by Ctrl-C or SIGTERM; 2 could not start.
    """
    home = Home(data or default_path())
    given: dict[str, Any] = {
        "names.domain": domain,
        "tls.cert": str(tls_cert.absolute()) if tls_cert else None,
        "tls.key": str(tls_key.absolute()) if tls_key else None,
        "tls.acme": acme,
        "accounts.registration": registration,
        "listen.addresses": listen,
        "listen.ports": ports,
        "onion.enabled": onion,
        **_decoy(decoy),
    }
    passphrase = _passphrase(home, unlock, unlock_fd)
    settings = {name: value for name, value in given.items() if value is not None}
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    return run(serve(home, settings, ready=show_json if json else _show, passphrase=passphrase))


def _decoy(given: str | None) -> dict[str, str | bool | None]:
    """The settings of a decoy. One that is given takes the place of one in the file."""
    if given is None:
        return {}
    settings: dict[str, str | bool | None] = {"decoy.folder": "", "decoy.site": "", "decoy.empty": False}
    if given == DEFAULT:
        return {**settings, "decoy.empty": True}
    if re.match(r"https?://", given, re.IGNORECASE):
        return {**settings, "decoy.site": given}
    return {**settings, "decoy.folder": str(Path(given).absolute())}


def _passphrase(home: Home, unlock: bool, descriptor: int | None) -> str | None:
    """The passphrase, where somebody says that there is one. Raises HomeError where there is none."""
    if not unlock and descriptor is None:
        return None
    if not home.made or not home.locked():
        raise HomeError(
            "root.key has no passphrase: start without --unlock and --unlock-fd, or set one with angarium passphrase"
        )
    return typed("Passphrase of root.key") if descriptor is None else read(descriptor)


def _show(ready: Ready) -> None:
    names = dict.fromkeys((door.name, door.port) for door in ready.doors)
    lines = [
        f"Angarium {__version__} is up: {ready.domain}",
        "",
        f"  Listening  {', '.join(f'{name} {port}' for name, port in names)}",
        f"             on {', '.join(dict.fromkeys(door.address for door in ready.doors))}",
        f"  Page       {ready.page or 'none'}",
        *([f"  Onion      {ready.onion}"] if ready.onion else []),
        f"  Data       {ready.home}",
        *(["  New        made just now: nobody has an account here yet"] if ready.new else []),
        "",
    ]
    if ready.by_proxy:
        where = "the page, or angarium invite" if ready.invitation else "angarium invite"
        lines += [f"  To let people in: {where}. Two codes are shown, the proxy and then the invitation."]
    elif ready.invitation:
        lines += [
            "  Scan this with Delta Chat:",
            "",
            qr(ready.invitation),
            f"  {ready.invitation}",
            "",
            "  This one is for one person; for more: the page, or angarium invite."
            if ready.invitation.startswith("dclogin:")
            else "  Good for everybody; print it again with: angarium invite",
        ]
    else:
        lines += ["  Registration is not open: make invitations with: angarium invite --uses 1 --expires 7d"]
    sys.stdout.write("\n".join([*lines, "  Ctrl-C stops the relay.", "", ""]))
    sys.stdout.flush()


def show_json(ready: Ready) -> None:
    """Say where a relay listens, in a line of JSON."""
    listening = [{"name": door.name, "address": door.address, "port": door.port} for door in ready.doors]
    line = {
        "event": "ready",
        "invitation": ready.invitation,
        "page": ready.page,
        "listening": listening,
        "new": ready.new,
        "onion": ready.onion,
        "by_proxy": ready.by_proxy,
    }
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


def run(serving: Coroutine[Any, Any, None]) -> int:
    """Serve until SIGINT or SIGTERM, on uvloop where it is installed; return the exit status."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(_until_signalled(serving))
    return uvloop.run(_until_signalled(serving))


async def _until_signalled(serving: Coroutine[Any, Any, None]) -> int:
    task = asyncio.ensure_future(serving)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return 0
