"""What a keeper runs: the `angarium` command, one file for each of its words.

Each command is imported only when it is called, so that each starts quickly; only the list of them imports all. A
command returns its exit status: 0 done, 1 it did not work, 2 it could not be tried (and the error says what to do).
"""

import sys

from cyclopts import App

from angarium import __version__
from angarium.apps.config import ConfigError
from angarium.apps.home import HomeError
from angarium.edge.control import NotRunning, Refusal

__all__ = ["main"]

HELP = """\
A chatmail relay for the Delta Chat apps people already have: end-to-end encrypted, no phone number, one command.

`angarium up` makes what it needs on its first start, listens, and shows an invitation to scan. The other commands
speak to that relay through its data directory.
"""

app = App(name="angarium", help=HELP, version=__version__, help_format="markdown")
app.command("angarium.apps.up:up")
app.command("angarium.apps.invite:invite")
app.command("angarium.apps.status:status")
app.command("angarium.apps.check:check")
app.command("angarium.apps.queue:app", name="queue")
app.command("angarium.apps.peer:app", name="peer")
app.command("angarium.apps.front:app", name="front")
app.command("angarium.apps.proxy:app", name="proxy")
app.command("angarium.apps.redirect:redirect")
app.command("angarium.apps.dns:dns")
app.command("angarium.apps.backup:backup")
app.command("angarium.apps.backup:restore")
app.command("angarium.apps.passphrase:passphrase")
app.command("angarium.apps.seizure:seizure")
app.command("angarium.apps.burn:burn")
app.command("angarium.apps.channel:app", name="channel")
app.command("angarium.apps.lab:lab", name="lab")


def main() -> None:
    """Run the command line and exit."""
    if sys.argv[1:] in ([], ["-h"], ["--help"]):
        for name in list(app):
            app[name]  # imported, so that the list shows the first line of each one's help
    try:
        app()
    except (ConfigError, HomeError, Refusal) as error:
        sys.exit(_complain(str(error)))
    except NotRunning:
        sys.exit(_complain("no relay runs on this data directory. Start it with: angarium up (the same --data)"))
    except KeyboardInterrupt:
        sys.exit(130)


def _complain(text: str) -> int:
    sys.stderr.write(f"angarium: {text}\n")
    return 2
