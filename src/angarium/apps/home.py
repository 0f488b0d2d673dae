"""The data directory: everything a relay keeps, in one place, readable by its owner only.

    angarium.toml   settings, annotated
    root.key        32 random bytes that key every name on disk; without them the database means nothing; if its keeper
                    wants it, under a passphrase
    store.db        accounts and mailboxes
    tls/            certificate and private key, ACME account
    keys/           the keys that sign what leaves the relay
    onion/          the onion address and its key, where there is one
    tor/            what tor remembers of the Tor network
    ports.json      the ports last listened on, so that invitations stay good
    calendar.json   the last day that was believed, so that a wrong clock is noticed
    road.json       days without a road to other relays, made at the first one
    control         the socket by which the keeper's commands reach the running relay
    store.lock      held by the running relay

Made on first start; found again on every other.
"""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from angarium.apps.config import Config, load, override, sample
from angarium.apps.rootkey import KEY, Damaged, Locked, WrongPassphrase, is_locked, lock, unlock
from angarium.mail.calendar import Believed
from angarium.mail.federation.road_clock import RoadDays
from angarium.reach.files import erase, make_directory, replace_erased, write_whole

__all__ = ["Home", "HomeError", "default_path"]


KEY_FILE = "root.key"
UNFINISHED = ".restore"
"""How the names of directories begin into which a backup is unpacked."""
NAMED = 5
"""Most names of files that are told."""


class HomeError(Exception):
    """The data directory cannot be used. The text says what to do."""


def default_path() -> Path:
    """Where a relay lives if nobody says otherwise: /var/lib for root, the XDG data directory for everybody else."""
    if os.geteuid() == 0:
        return Path("/var/lib/angarium")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "angarium"


class Home:
    """One relay's data directory."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.config_file = self.path / "angarium.toml"
        self.root_key_file = self.path / KEY_FILE
        self.database = self.path / "store.db"
        self.tls = self.path / "tls"
        self.keys = self.path / "keys"
        self.onion = self.path / "onion"
        self.tor = self.path / "tor"
        self.ports_file = self.path / "ports.json"
        self.calendar_file = self.path / "calendar.json"
        self.road_file = self.path / "road.json"
        self.control = self.path / "control"
        self.lock = self.path / "store.lock"

    def private_directories(self) -> list[Path]:
        """Directories whose files are secret, or tell something, and those in them; the inner ones first."""
        kept = (self.tls, self.keys, self.onion, self.tor)
        inner = sorted((path for top in kept for path in top.rglob("*") if path.is_dir()), reverse=True)
        return [*inner, *kept]

    @property
    def made(self) -> bool:
        """Whether a relay was ever started here."""
        return self.root_key_file.exists()

    def others(self) -> list[str]:
        """The first few names in the directory other than the root key; none where it is not there or not readable."""
        with contextlib.suppress(OSError):
            return sorted(path.name for path in self.path.iterdir() if path != self.root_key_file)[:NAMED]
        return []

    def root_keys(self) -> list[Path]:
        """The root key, and drafts of it that a crash left behind."""
        drafts = [path for form in (f".{KEY_FILE}.*", f"{UNFINISHED}.*/{KEY_FILE}") for path in self.path.glob(form)]
        return [path for path in (self.root_key_file, *drafts) if os.path.lexists(path)]

    def remains(self) -> list[Path]:
        """Every file of a relay that is there, private keys first. Others' files are not among them."""
        private = sorted(path for kept in self.private_directories() for path in kept.glob("*") if not path.is_dir())
        kept = (self.config_file, self.ports_file, self.calendar_file, self.road_file, self.database, self.lock)
        drafts = [path for file in kept for path in self.path.glob(f".{file.name}.*")]
        logs = [self.database.with_name(f"{self.database.name}{end}") for end in ("-wal", "-shm", "-journal")]
        private += sorted(path for path in self.path.glob(f"{UNFINISHED}.*/**/*") if not path.is_dir())
        found = (*self.root_keys(), *private, *drafts, *kept, *logs, self.control)
        return [path for path in found if os.path.lexists(path)]

    def make(self, settings: Mapping[str, Any]) -> None:
        """Make what is not there yet, and remove drafts of a root key that a crash left behind.

        `settings` ("section.name" to value) go into a new configuration.

        Raises:
            HomeError: the directory cannot be written, or is damaged.
            ConfigError: a setting is not valid.
        """
        if not self.made and any(self.path.glob(f"{UNFINISHED}.*")):
            raise HomeError(
                f"a backup was being restored to {self.path}, and that did not come to its end: "
                "remove the directory, and restore again."
            )
        if self.database.exists() and not self.made:
            raise HomeError(
                f"{self.root_key_file} is missing, and without it nothing in {self.database.name} can be found. "
                f"Put it back from a copy, or move {self.path} away to begin anew."
            )
        try:
            make_directory(self.path)
            with self.alone():
                for draft in self.path.glob(f".{KEY_FILE}.*"):
                    erase(draft)
                if not self.config_file.exists():
                    override(Config(), settings)
                    write_whole(self.config_file, sample(settings).encode())
                if not self.root_key_file.exists():
                    write_whole(self.root_key_file, secrets.token_bytes(KEY))
        except OSError as error:
            raise HomeError(
                f"cannot write {error.filename or self.path}: {error.strerror}. Name another directory with --data."
            ) from None

    def config(self, settings: Mapping[str, Any] | None = None) -> Config:
        """The settings on disk, with `settings` ("section.name" to value) over them this once. Raises ConfigError."""
        return override(load(self.config_file), settings or {})

    def root_key(self, passphrase: str | None = None) -> bytes:
        """The root key, opened with the passphrase where it has one. Raises HomeError where that cannot be done."""
        try:
            return unlock(self._root_key_content(), passphrase)
        except Damaged:
            raise HomeError(f"{self.root_key_file} is damaged: put it back from a copy.") from None
        except Locked:
            raise HomeError(
                f"{self.root_key_file} is locked with a passphrase. To be asked for it: angarium up --unlock; "
                "for a service: --unlock-fd N."
            ) from None
        except WrongPassphrase:
            raise HomeError(
                f"this is not the passphrase of {self.root_key_file} (or the file is damaged: put it back from a copy)."
            ) from None

    def locked(self) -> bool:
        """Whether the root key needs a passphrase. Raises HomeError where it is missing or damaged."""
        try:
            return is_locked(self._root_key_content())
        except Damaged:
            raise HomeError(f"{self.root_key_file} is damaged: put it back from a copy.") from None

    def relock(self, present: str | None, new: str | None) -> None:
        """Put the root key under another passphrase, or none; what was on the disk for it before is overwritten.

        Raises:
            HomeError: the present passphrase is wrong, or it cannot be written; then nothing has changed.
        """
        try:
            with self.alone():
                key = self.root_key(present)
                replace_erased(self.root_key_file, key if new is None else lock(key, new))
        except OSError as error:
            raise HomeError(f"cannot write {self.root_key_file}: {error.strerror}.") from None

    def _root_key_content(self) -> bytes:
        try:
            return self.root_key_file.read_bytes()
        except OSError as error:
            raise HomeError(f"cannot read {self.root_key_file}: {error.strerror}.") from None

    def ports(self) -> dict[str, int]:
        """The ports last listened on, by the listener's name."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self.ports_file.read_text())
            if isinstance(found, dict):
                return {str(name): port for name, port in found.items() if isinstance(port, int)}
        return {}

    def remember_ports(self, ports: Mapping[str, int]) -> None:
        """Keep the ports for the next start."""
        if dict(ports) != self.ports():
            write_whole(self.ports_file, json.dumps(dict(ports)).encode())

    def calendar(self) -> Believed | None:
        """The last day that was believed; None where none was kept."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self.calendar_file.read_bytes(), type=Believed)
        return None

    def remember_calendar(self, believed: Believed) -> None:
        """Keep it for the next start. Raises OSError."""
        write_whole(self.calendar_file, msgspec.json.encode(believed))

    def road(self) -> RoadDays | None:
        """Days without a road to other relays; None where none were kept."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self.road_file.read_bytes(), type=RoadDays)
        return None

    def remember_road(self, days: RoadDays) -> None:
        """Keep them for the next start. Raises OSError."""
        write_whole(self.road_file, msgspec.json.encode(days))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the directory while something is being made in it: of two who make it at once, the second finds what the
        first made. Raises OSError."""
        held = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)
