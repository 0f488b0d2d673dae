"""`angarium status`: one screen on how the relay is doing, asked of the running relay itself."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from angarium.apps.harden import Hardened
from angarium.apps.options import Data, Json, existing
from angarium.apps.terminal import size
from angarium.edge.control import ask
from angarium.mail.federation.census import Totals

__all__ = ["Listening", "Status", "status"]


class Listening(Struct, frozen=True):
    """One port the relay is reached by."""

    name: str
    address: str
    port: int


class Status(Struct, frozen=True):
    """How a relay is doing. Counts only: nothing here names a person, a phone or a message."""

    version: str
    since: int
    """When it started, in seconds since 1970-01-01 UTC; known to the running process alone."""
    domain: str
    registration: str
    page: str
    listening: list[Listening]
    certificate: str
    """Where the certificate comes from: self-signed, files, ACME."""
    certificate_expires_day: int | None
    """Days since 1970-01-01 UTC."""
    accounts: int | None
    messages: int | None
    """None where the database cannot be read: see `last_error`."""
    connections: int
    disk_bytes: int
    last_error: str
    queue: Totals
    """What waits for other relays, and whether there is a road to them."""
    hardened: Hardened = Hardened()
    """What keeps the keys in its memory off the disk."""
    onion: str = ""
    """Its onion address, where it has one."""


def status(*, data: Data = None, json: Json = False) -> int:
    """How the relay is doing: since when, listening where, accounts, messages waiting, disk used, last error.

    Exit status: 0 the relay answered; 2 it does not run.
    """
    answer = msgspec.convert(asyncio.run(ask(existing(data).control, "status")), Status)
    console = Console(highlight=False)
    if json:
        console.file.write(msgspec.json.encode(answer).decode() + "\n")
    else:
        console.print(render(answer))
    return 0


def render(answer: Status) -> Table:
    """The screen."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    for name, value in _rows(answer):
        table.add_row(name, value)
    return table


def _rows(answer: Status) -> list[tuple[str, Any]]:
    since = datetime.fromtimestamp(answer.since, UTC).astimezone()
    ports: dict[str, list[str]] = {}
    for listening in answer.listening:
        ports.setdefault(f"{listening.name} {listening.port}", []).append(listening.address)
    return [
        ("Relay", f"{answer.domain} (Angarium {answer.version})"),
        ("Since", f"{since:%Y-%m-%d %H:%M}"),
        ("Listening", "\n".join(f"{port}  on {', '.join(addresses)}" for port, addresses in ports.items())),
        ("Page", answer.page),
        *([("Onion", answer.onion)] if answer.onion else []),
        ("Registration", answer.registration),
        ("Certificate", f"{answer.certificate}, {_until(answer.certificate_expires_day)}"),
        ("Accounts", _count(answer.accounts)),
        ("Messages waiting", _count(answer.messages)),
        ("For other relays", _queue(answer.queue)),
        ("Connections", str(answer.connections)),
        ("Disk used", size(answer.disk_bytes)),
        ("Memory", _memory(answer.hardened)),
        ("Last error", answer.last_error or "none"),
    ]


def _queue(totals: Totals) -> str:
    relays = f"{totals.destinations} relay{'' if totals.destinations == 1 else 's'}"
    said = [f"{totals.messages} for {relays} ({size(totals.octets)})" if totals.messages else "none"]
    said += [f"{totals.failing} of them failing"] if totals.failing else []
    said += [f"{totals.held} held"] if totals.held else []
    if totals.island_since_day is not None:
        said.append(f"island since {_day(totals.island_since_day)}")
    return ", ".join(said)


def _memory(hardened: Hardened) -> str:
    said = [
        "no core dumps" if hardened.no_core_dumps else "core dumps are possible",
        "closed to other processes" if hardened.not_traceable else "open to this user's other processes",
        "never swapped"
        if hardened.memory_locked or hardened.no_swap
        else "may be swapped (allow LimitMEMLOCK=infinity, or encrypt the swap)",
    ]
    return ", ".join(said)


def _count(number: int | None) -> str:
    return "cannot be read" if number is None else str(number)


def _until(day: int | None) -> str:
    if day is None:
        return "none yet"
    return f"until {_day(day)}"


def _day(day: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day):%Y-%m-%d}"
