"""`angarium seizure`: what somebody who takes this disk can read from it, line by line, for its keeper.

Counts and classes only. What it prints is what the thief has; what it leaves out, the thief has not (`angarium lab
seizure` measures that).
"""

import contextlib
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography import x509
from cyclopts import Parameter
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from angarium.apps.config import ConfigError
from angarium.apps.home import Home, HomeError, default_path
from angarium.apps.options import Data, Json
from angarium.apps.terminal import size
from angarium.store.interfaces import StoreError
from angarium.store.sqlite.census import Census, Days, Traffic, Waiting, census

__all__ = ["Seizure", "examine", "seizure"]


class Seizure(Struct, frozen=True):
    """What is there for whoever takes the disk."""

    root_key: str
    """"open", "locked" (behind a passphrase), "damaged" or "missing"."""
    certificate_names: list[str]
    domain: str
    registration: str
    acme_email: bool
    """Whether the settings hold an e-mail address for the authority: the keeper's."""
    ports: dict[str, int]
    private_keys: int
    """Files in tls/ beside the certificate."""
    signing_keys: int
    """Files in keys/."""
    bytes: int
    """What all files take."""
    database: Census | None


def seizure(
    directory: Annotated[Path | None, Parameter(help="The data directory, or a copy of one.")] = None,
    /,
    *,
    data: Data = None,
    json: Json = False,
) -> int:
    """Show what somebody who takes this disk can read from it: counts and classes, each explained.

    Changes nothing, needs no password, and works on a copy as on the data directory of a relay that runs.

    Exit status: 0 shown; 2 there is no relay, or it cannot be read.
    """
    seen = examine(Home(directory or data or default_path()))
    console = Console(highlight=False)
    if json:
        sys.stdout.write(msgspec.json.encode(seen).decode() + "\n")
        return 0
    table = Table(show_header=True, show_lines=True)
    for heading in ("Who takes the disk reads", "here", "and that means"):
        table.add_column(heading)
    for line in lines(seen):
        table.add_row(*line)
    console.print(table)
    return 0


def examine(home: Home) -> Seizure:
    """Look at a data directory. Raises HomeError."""
    if not home.remains():
        raise HomeError(f"there is no relay in {home.path}: name its data directory")
    try:
        counted = census(home.database) if home.database.exists() else None
    except StoreError as error:
        raise HomeError(f"{home.database}: {error}") from None
    domain, registration, email = "", "", False
    with contextlib.suppress(ConfigError):
        config = home.config()
        domain, registration, email = (
            config.names.domain,
            config.accounts.registration,
            bool(config.tls.acme_email),
        )
    private = [path for path in home.tls.glob("*") if path.name != "cert.pem"]
    return Seizure(
        root_key=_root_key(home),
        certificate_names=_names(home.tls / "cert.pem"),
        domain=domain,
        registration=registration,
        acme_email=email,
        ports=home.ports(),
        private_keys=len(private),
        signing_keys=len(list(home.keys.glob("*"))),
        bytes=sum(path.lstat().st_size for path in home.remains() if path.is_file()),
        database=counted,
    )


def lines(seen: Seizure) -> list[tuple[str, str, str]]:
    """What is read, what it is here, and what it means."""
    return [
        ("root.key", seen.root_key, _ROOT_KEY[seen.root_key]),
        (
            "Names of the relay",
            ", ".join(dict.fromkeys([*filter(None, [seen.domain]), *seen.certificate_names])) or "none",
            "In the settings and in the certificate, which anybody who connects can see as well.",
        ),
        ("Ports", ", ".join(f"{name} {port}" for name, port in seen.ports.items()) or "none", "As above."),
        (
            "Settings",
            f"registration {seen.registration or 'unknown'}{', an e-mail address' if seen.acme_email else ''}",
            "angarium.toml is in clear. An e-mail address in it is the keeper's: leave it out if that matters.",
        ),
        (
            "Keys for TLS",
            str(seen.private_keys),
            "Whoever has them can pose as this relay until they are replaced; old connections stay unreadable.",
        ),
        (
            "Keys for signing",
            str(seen.signing_keys),
            "Whoever has them can sign mail in this relay's name until other ones are published; they open nothing.",
        ),
        ("Bytes on the disk", size(seen.bytes), "A relay was run here, and about how much it held."),
        *(_counts(seen.database) if seen.database else [("Database", "none", "Nobody has had an account here yet.")]),
    ]


_ROOT_KEY = {
    "open": (
        "It opens what the relay must read itself, and lets a thief test guesses of addresses, slowly of passwords. "
        "It opens no message. Put it behind a passphrase: angarium passphrase"
    ),
    "locked": "Behind a passphrase: as good as missing, while the passphrase is good.",
    "damaged": "Of no use to anybody: put it back from a backup.",
    "missing": "Without it the rest is noise, for its keeper as for a thief.",
}


def _counts(counted: Census) -> list[tuple[str, str, str]]:
    messages = sum(row.count for row in counted.messages)
    return [
        ("Accounts", str(counted.accounts), "How many, not whose: their names are keyed hashes."),
        ("Last logins", _days(counted.last_logins), "How many accounts were last used on which day; no time of day."),
        ("Accounts with push", str(counted.with_push), "That a phone wants to be woken; the tokens are sealed."),
        ("Tombstones", str(counted.tombs), "Hashes of names that are never given out again, and a mark of the relay."),
        (
            "Invitations",
            _days(counted.invitations),
            "Uses left by last day; who was given one, or used it, is not kept.",
        ),
        (
            "Mailboxes",
            str(counted.mailboxes),
            "Each belongs to one hash above. How much lies in it is told by the root key alone.",
        ),
        (
            "Messages",
            "\n".join(f"{_day(row.day)}  up to {size(row.size)}: {row.count}" for row in counted.messages[-40:])
            or "none",
            f"{messages} in all, by day and size class. In which mailboxes, from whom, and at what time is not told.",
        ),
        ("Marked as read", str(counted.seen), "Marks that an app put there."),
        (
            "Files",
            _days(counted.shared),
            "Large ones are kept apart, once each. To whom they went, and to how many, is not told.",
        ),
        *_traffic(counted.traffic),
    ]


def _traffic(counted: Traffic) -> list[tuple[str, str, str]]:
    return [
        (
            "For other relays",
            "\n".join([f"up to {size(row.size)}: {row.count}" for row in counted.bodies][-40:]) or "none",
            f"Not sent on yet, to {counted.queued} relays in all. From whom, to whom, since when: only with root.key.",
        ),
        (
            "From other relays",
            _days(counted.marks),
            "How often a mailbox got something from elsewhere: hashes, that tell neither which mailbox nor what.",
        ),
        (
            "Keys of other relays",
            str(counted.peers),
            "How many relays that have no domain are known here; which ones, and their keys, only with root.key.",
        ),
        (
            "Held for other relays",
            "\n".join(_waiting(row) for row in counted.parcels[-40:]) or "none",
            "Parcels, by day and size class. For which relay, the root key tells; what is in them, that relay's key.",
        ),
        ("Agreed upon", str(counted.papers), "Cards, boxes and agreements together. Whose, the root key alone tells."),
    ]


def _root_key(home: Home) -> str:
    if not os.path.lexists(home.root_key_file):
        return "missing"
    try:
        return "locked" if home.locked() else "open"
    except HomeError:
        return "damaged"


def _names(certificate: Path) -> list[str]:
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return []
    return [str(name.value) for name in names]


def _waiting(row: Waiting) -> str:
    return f"{_day(row.day)}  up to {size(row.size)}: {row.count}"


def _days(rows: list[Days]) -> str:
    return ", ".join(f"{_day(row.day)}: {row.count}" for row in rows) or "none"


def _day(day: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day):%Y-%m-%d}"
