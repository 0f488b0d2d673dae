"""A relay without a seal: to show what the examiner of `angarium lab seizure` can do, and what sealing costs.

Started as `python -m angarium.apps.unsealed DIR`. Not for people: everything lies in clear on its disk. But for that it
is what `angarium up --json` starts, on loopback and any free ports.
"""

import sys
from pathlib import Path

from angarium.apps.home import Home
from angarium.apps.serve import serve
from angarium.apps.up import run, show_json
from angarium.store.seal import Clear

__all__ = ["main"]


def main() -> int:
    """Run it until it is told to stop, or killed."""
    settings = {"listen.addresses": ["127.0.0.1"], "listen.ports": "any"}
    return run(serve(Home(Path(sys.argv[1])), settings, ready=show_json, seal=Clear))


if __name__ == "__main__":
    raise SystemExit(main())
