"""`angarium proxy`: who may come to the relay through its own https port, as through a proxy."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from angarium.apps.invite import alternatives
from angarium.apps.options import Data, Json, existing
from angarium.apps.proxying import Issued, Listed
from angarium.apps.terminal import qr
from angarium.edge.control import ask

__all__ = ["app"]

app = App(
    name="proxy",
    help_format="markdown",
    help="""\
Passes for people whose network lets HTTPS through and nothing else.

The app can speak to its relay through an HTTPS proxy, and every Angarium relay is one, for itself: whoever has a pass
reaches its IMAP, submission and pages inside an ordinary HTTPS connection, and nothing else but what `allow` in the
section `[proxy]` of angarium.toml lists. Without a pass there is no telling that there is a proxy.

Where that does not get through, the relay can also be an HTTP proxy (`http` in the section `[proxy]`), a SOCKS5 proxy
(`socks` in the section `[listen]`) and, experimental, a Shadowsocks server (`shadowsocks` there). All of these are off
unless you open them, and each can be told from a web site by who looks. A pass is good for all that are open.

A pass is a link with a user and a password. Give one to each person, so that you can take back one that was betrayed.

Exit status: as each command says.""",
)


@app.command
def new(
    remark: Annotated[str, Parameter(help="Your own word for it, to know it again; no name that would harm.")] = "",
    *,
    data: Data = None,
    json: Json = False,
) -> int:
    """Make a pass, and print it as a QR code and a link. It is shown this once.

    Exit status: 0 made; 2 refused, or no relay runs.
    """
    made = msgspec.convert(asyncio.run(ask(existing(data).control, "proxy-new", remark=remark)), Issued)
    if json:
        sys.stdout.write(msgspec.json.encode(made).decode() + "\n")
    else:
        lines = [f"{qr(made.link)}{made.link}", "", *alternatives(made.others)]
        sys.stdout.write("\n".join([*lines, f"To take it back: angarium proxy revoke {made.user}", ""]))
    return 0


@app.command
def list(*, data: Data = None, json: Json = False) -> int:  # noqa: A001 (the command's name)
    """All passes: the user's name in the link, the day it was made, your word for it. Not whether it was ever used.

    Exit status: 0 listed; 2 no relay runs.
    """
    found = msgspec.convert(asyncio.run(ask(existing(data).control, "proxy-list")), type=tuple[Listed, ...])
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return 0
    if not found:
        sys.stdout.write("There are no passes: make one with angarium proxy new.\n")
        return 0
    table = Table("User", "Made", "Remark", box=None, pad_edge=False, header_style="bold")
    for each in found:
        day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=each.day)
        table.add_row(each.user, f"{day:%Y-%m-%d}", each.remark)
    Console(highlight=False).print(table)
    return 0


@app.command
def revoke(
    user: Annotated[str, Parameter(help="The user's name in the link, as `angarium proxy list` shows it.")],
    *,
    data: Data = None,
) -> int:
    """Take a pass back: at once, and for good. Connections that came by it are ended.

    Exit status: 0 taken back; 2 there is none, or no relay runs.
    """
    asyncio.run(ask(existing(data).control, "proxy-revoke", user=user))
    sys.stdout.write(f"{user}: taken back.\n")
    return 0
