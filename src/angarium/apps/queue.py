"""`angarium queue`: what waits for other relays, and what the keeper can do about it."""

import asyncio
import sys
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from angarium.apps.options import Data, Json, existing
from angarium.apps.terminal import size
from angarium.edge.control import Refusal, ask
from angarium.mail.federation.census import Destination

__all__ = ["Handled", "app"]

STATES = {
    "waiting": "waiting",
    "failing": "failing",
    "held": "held",
    "island": "no road",
}

app = App(name="queue", help_format="markdown")

Name = Annotated[str, Parameter(help="The relay: a domain or an IP address, as the list shows it.")]


class Handled(Struct, frozen=True):
    """What a command came to."""

    messages: int
    """How many it was done to."""


@app.default
def queue(*, data: Data = None, json: Json = False) -> int:
    """What waits for other relays: for each of them how many messages, how much, since when, and what is wrong.

    A table of relays, never of people. States: **waiting** for its turn, or put off by the other side; **failing**,
    since the relay could not be reached (the last columns say when it is tried again, and what was wrong); **held** by
    you; **no road**, while this relay is on an island: what waits then does not age.

    A message that cannot be delivered is tried again after seconds, then ever more rarely up to every two hours, and
    returned to its sender after `retry_days` (section `[federation]` of angarium.toml). One attempt at a time is made
    at a relay that cannot be reached, however much waits for it; the first that works sends the rest.

    * `angarium queue retry [RELAY]` tries one relay, or all, within the next half minute.
    * `angarium queue hold RELAY` leaves one alone, also after a restart; what waits goes on ageing.
    * `angarium queue release RELAY` ends that.
    * `angarium queue drop RELAY` returns everything that waits for one to its senders.

    Exit status: 0 listed; 2 no relay runs.
    """
    found = msgspec.convert(_ask(data, "queue"), list[Destination])
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    elif found:
        Console(highlight=False).print(render(found))
    else:
        sys.stdout.write("Nothing waits for other relays.\n")
    return 0


@app.command
def retry(relay: Annotated[str, Parameter(help="Which relay; without it, all.")] = "", *, data: Data = None) -> int:
    """Try what waits for one relay, or for all, within the next half minute, whatever it was to wait for.

    What is held stays held. Times until later attempts go on where they were.

    Exit status: 0 told the relay; 2 nothing waits for it, or no relay runs.
    """
    return _handle(data, "queue-retry", relay, "{} to be tried soon")


@app.command
def hold(relay: Name, *, data: Data = None) -> int:
    """Leave a relay alone: nothing is sent to it until `angarium queue release`, also after a restart.

    What waits, and what is written meanwhile, is kept for `retry_days`, and then returned. The hold ends when nothing
    waits for the relay any more. An attempt that is under way is not broken off.

    Exit status: 0 held; 2 nothing waits for it, or no relay runs.
    """
    return _handle(data, "queue-hold", relay, "{} held")


@app.command
def release(relay: Name, *, data: Data = None) -> int:
    """Send to a relay again that was held.

    Exit status: 0 released; 2 nothing waits for it, or no relay runs.
    """
    return _handle(data, "queue-release", relay, "{} released")


@app.command
def drop(
    relay: Name,
    *,
    data: Data = None,
    yes: Annotated[bool, Parameter(name="--yes", negative="", help="Do not ask: for scripts.")] = False,
) -> int:
    """Return everything that waits for a relay to its senders: their apps are told that the keeper dropped it.

    Nothing is lost without a word, but it cannot be taken back. A message that is just being sent may still arrive.

    Exit status: 0 returned; 2 not confirmed, nothing waits for it, or no relay runs.
    """
    if not yes:
        sys.stdout.write(f"Everything that waits for {relay} is returned to its senders. Type drop to go on: ")
        sys.stdout.flush()
        if sys.stdin.readline().strip() != "drop":
            raise Refusal("nothing was dropped")
    return _handle(data, "queue-drop", relay, "{} returned")


def render(found: list[Destination]) -> Table:
    """The table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Relay", "Messages", "Size", "Days", "State", "Next try", "What is wrong"):
        table.add_column(name, justify="right" if name in {"Messages", "Size", "Days"} else "left", overflow="fold")
    for one in found:
        table.add_row(
            one.name,
            str(one.messages),
            size(one.octets),
            str(one.age_days),
            STATES.get(one.state, one.state),
            _soon(one.next_seconds),
            one.fault,
        )
    return table


def _soon(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return "now" if seconds < 30 else f"{max(1, round(seconds / 60))} min"


def _handle(data: Data, question: str, relay: str, said: str) -> int:
    handled = msgspec.convert(_ask(data, question, destination=relay), Handled)
    number = handled.messages
    sys.stdout.write(said.format(f"{number} message{'' if number == 1 else 's'}").capitalize() + ".\n")
    return 0


def _ask(data: Data, question: str, **details: Any) -> Any:
    return asyncio.run(ask(existing(data).control, question, **details))
