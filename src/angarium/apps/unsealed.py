"""A relay without a seal, to show what the examiner of `angarium lab seizure` can do.

Started as `python -m angarium.apps.unsealed DIR`. Not for people: everything lies in clear on its disk.
"""

import asyncio
import sys
from pathlib import Path

import msgspec

from angarium.apps.home import Home
from angarium.apps.serve import Ready, serve
from angarium.store.seal import Clear

__all__ = ["main"]


def main() -> None:
    """Run it until it is killed."""
    settings = {"listen.addresses": ["127.0.0.1"], "listen.ports": "any"}
    asyncio.run(serve(Home(Path(sys.argv[1])), settings, ready=_show, seal=Clear))


def _show(ready: Ready) -> None:
    listening = [{"name": door.name, "port": door.port} for door in ready.doors]
    sys.stdout.write(msgspec.json.encode({"listening": listening}).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
