"""`angarium redirect`: rules that bring all ports of this machine to the relay's https port."""

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from angarium.apps.nft import redirect as script
from angarium.apps.options import Data, existing
from angarium.edge.control import Refusal

__all__ = ["listening", "redirect"]

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LISTENING = "0A"
SSH = 22


def redirect(
    *,
    keep: Annotated[
        tuple[int, ...], Parameter(negative="", help="A port to leave as it is; may be repeated [default: 22].")
    ] = (),
    data: Data = None,
) -> int:
    """Print rules for nftables that bring every other port to the https port: whoever blocks all ports but one that you
    cannot guess leaves a way in.

    The ports of the relay, port 22, those on which a program of this machine listens now, and those of `--keep` stay as
    they are. The rules count until the machine is started again; `/etc/nftables.conf` keeps them. Only TCP from outside
    is redirected. To try them, as root: `angarium redirect | nft -f -`

    On the https port, apps say `imap` or `smtp` in clear in the beginning (ALPN), or come through the proxy.

    Exit status: 0 printed; 2 there is no relay, or it has no https port.
    """
    if any(not 0 < port < 65_536 for port in keep):
        raise Refusal("--keep: expected ports from 1 to 65535")
    home = existing(data)
    own = home.ports()
    if "https" not in own:
        raise Refusal("the relay listens on no https port: see [listen]")
    kept = {SSH, *keep, *own.values(), *home.config().listen.more, *listening()}
    sys.stdout.write(script(own["https"], kept))
    return 0


def listening(tables: tuple[Path, ...] = TABLES) -> Iterator[int]:
    """Ports on which somebody on this machine listens, by Linux's proc(5); none where that cannot be read."""
    for table in tables:
        with contextlib.suppress(OSError):
            for line in table.read_text("ascii").splitlines():
                if found := re.match(r"\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 " + LISTENING, line):
                    yield int(found[1], 16)
