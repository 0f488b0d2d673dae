"""The relay that is measured: where it listens, who has an account there, and what its processes are.

Accounts are made by their first login, as the apps do, or come from a list (a line each: address, a space or colon,
password). Without a relay, one is started on loopback with limits that stop nobody, and ended afterwards.
"""

import os
import re
import secrets
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import msgspec

__all__ = ["DOMAIN", "Account", "LoadFailed", "Target", "listed", "throwaway", "unlimited"]

COMMAND = (sys.executable, "-m", "angarium", "up", "--listen", "127.0.0.1", "--ports", "any", "--json", "--data")
DOMAIN = "_load.localhost"
SETTINGS = f"""\
[names]
domain = "{DOMAIN}"
[messages]
rate_per_minute = 100000000
rate_burst = 100000000
[limits]
connections = 200000
"""
START = 30.0
LETTERS = string.ascii_lowercase + string.digits


class LoadFailed(Exception):
    """It could not be measured; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody."""

    address: str
    password: str

    @classmethod
    def new(cls, domain: str) -> "Account":
        """Somebody new: a name of nine letters, and a password of 22, as the apps invent them."""
        name, password = ("".join(secrets.choice(LETTERS) for _ in range(size)) for size in (9, 22))
        return cls(f"{name}@{domain}", password)


@dataclass
class Target:
    """A relay."""

    host: str
    imaps: int
    submissions: int
    domain: str = ""
    """For accounts made by their first login; empty where there are only those listed."""
    accounts: list[Account] = field(default_factory=list)
    """Those listed or made so far."""
    pids: tuple[int, ...] = ()
    """Its processes, if it was started here,"""
    https: int = 0
    """its port for pages,"""
    data: Path | None = None
    """and its data directory."""

    def people(self, count: int, *, without: int = 0) -> list[Account]:
        """So many accounts, the same ones again each time; `without` the first so many.

        Raises:
            LoadFailed: more than there are on the list.
        """
        missing = without + count - len(self.accounts)
        if missing > 0:
            if not self.domain:
                raise LoadFailed(
                    f"{missing} accounts are missing: list more in --accounts, or give --domain to make them"
                )
            self.accounts += [Account.new(self.domain) for _ in range(missing)]
        return self.accounts[without : without + count]

    def source(self, number: int) -> str | None:
        """An address of this machine to come from, so that ports do not run out; None where the way is not loopback."""
        if not self.host.startswith("127."):
            return None
        block = number // 1000
        return f"127.{1 + block // 250}.{1 + block % 250}.1"


def listed(path: Path) -> list[Account]:
    """Accounts from a file. Raises LoadFailed."""
    try:
        lines = [
            re.split(r"[\s:]+", line.strip(), maxsplit=1) for line in path.read_text().splitlines() if line.strip()
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise LoadFailed(f"--accounts: {path} cannot be read: {error}") from None
    if wrong := next((number for number, words in enumerate(lines, 1) if len(words) != 2 or " " in words[1]), None):
        raise LoadFailed(f"--accounts: {path}, line {wrong}: an address, a space or colon, and a password are wanted")
    return [Account(*words) for words in lines]


def unlimited(limits: Mapping[str, int] = MappingProxyType({})) -> str:
    """Settings of a relay whose limits stop nobody; `limits` are further ones, by their names."""
    return SETTINGS + "".join(f"{name} = {value}\n" for name, value in limits.items())


@contextmanager
def throwaway(limits: Mapping[str, int] = MappingProxyType({}), data: Path | None = None) -> Iterator[Target]:
    """A relay of one's own, on loopback.

    Args:
        limits: what its `[limits]` have besides those that stop nobody.
        data: a data directory that has its settings and stays; without it, a new one that goes with the relay.

    Raises:
        LoadFailed: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="load-") as directory:
        if data is None:
            data = Path(directory, "data")
            data.mkdir(mode=0o700)
            (data / "angarium.toml").write_text(unlimited(limits))
        output, errors = Path(directory, "output"), Path(directory, "errors")
        with output.open("wb") as out, errors.open("wb") as err:
            relay = subprocess.Popen(  # noqa: S603 (ours)
                [*COMMAND, str(data)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        try:
            ports = _ports(relay, output, errors)
            yield Target(
                *("127.0.0.1", ports["imaps"], ports["submissions"], DOMAIN),
                pids=(relay.pid,),
                https=ports["https"],
                data=data,
            )
        finally:
            relay.terminate()
            try:
                relay.wait(10)
            except subprocess.TimeoutExpired:
                relay.kill()
                relay.wait()


def _ports(relay: subprocess.Popen[bytes], output: Path, errors: Path) -> dict[str, int]:
    end = time.monotonic() + START
    while relay.poll() is None and time.monotonic() < end:
        line, newline, _ = output.read_bytes().partition(b"\n")
        if newline:
            return {door["name"]: door["port"] for door in msgspec.json.decode(line)["listening"]}
        time.sleep(0.05)
    said = errors.read_bytes()[-2000:].decode(errors="replace").strip()
    raise LoadFailed(f"the relay did not start: {said or 'it said nothing'}")
