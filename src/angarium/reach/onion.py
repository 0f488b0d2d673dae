"""An onion address for the relay: Debian's tor as a process of its own, looked after for as long as the relay runs.

Whoever comes by it comes from this machine, as far as the relay can see: there is no address to learn. The address is
made of the service's public key, so that whoever reaches it has reached the relay, whatever certificate it shows.

tor is told its whole configuration on its standard input; nothing of the system's own torrc counts. It keeps the key of
the address in one directory, and in another what it remembers of the Tor network, with the time of its last writing. It
is the only part of the relay that makes connections of its own, to the Tor network and nowhere else, and it is only
started if the keeper asked for it. It ends with us, at the latest 15 seconds after a kill.

Tor manual (tor(1)): HiddenServiceDir, HiddenServicePort; rend-spec-v3, 6 (what an onion address is).
"""

import asyncio
import contextlib
import logging
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from angarium.reach.files import make_directory

__all__ = ["Onion", "OnionError", "program"]

log = logging.getLogger("angarium.reach.onion")

PAUSES = (1.0, 5.0, 30.0, 120.0, 300.0)
"""Seconds before tor is started again, the last for ever after."""
STEADY_SECONDS = 600.0
"""After having run for so long, it begins with the shortest pause again."""
FAREWELL_SECONDS = 5.0
HOSTNAME_SECONDS = 30.0
LINE = re.compile(r"^\w{3} \d\d [\d:.]+ \[(?P<level>warn|err)\] (?P<text>.*)$")
ADDRESS = re.compile(r"[a-z2-7]{56}\.onion")
AS_ROOT = "You are running Tor as root."


class OnionError(Exception):
    """There can be no onion address. The text says why and what to do."""


def program(name: str) -> Path:
    """The tor program: the one named, or the one on PATH, where the system keeps such programs too.

    Raises:
        OnionError: there is none.
    """
    if name:
        if not os.access(name, os.X_OK):
            raise OnionError(f"{name} is not a program: see onion.tor")
        return Path(name)
    found = shutil.which("tor", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise OnionError("an onion address needs tor: apt install tor (and leave its own service off if you like)")
    return Path(found)


class Onion:
    """tor, and the address it publishes."""

    def __init__(
        self, tor: Path, service: Path, state: Path, ports: Mapping[int, tuple[str, int]], more: Sequence[str] = ()
    ) -> None:
        """`service` is the directory of the address's key, `state` tor's own; both are made if missing.

        `ports` are those of the onion address, and where they lead on this machine. `more` are lines of torrc.
        """
        self._tor = tor
        self._service = service
        self._state = state
        self._told = _torrc(service, state, ports, more).encode()
        self._process: asyncio.subprocess.Process | None = None
        self.starts = 0
        """How often tor was started."""

    @property
    def address(self) -> str:
        """The onion address; empty as long as there is none."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = (self._service / "hostname").read_text("ascii").strip()
            return text if ADDRESS.fullmatch(text) else ""
        return ""

    async def check(self) -> None:
        """Have tor read its configuration. Raises OnionError."""
        try:
            for directory in (self._service, self._state):
                make_directory(directory)
                directory.chmod(0o700)
            process = await self._start("--verify-config")
        except OSError as error:
            raise OnionError(f"tor cannot be started: {error.strerror}") from None
        said, _ = await process.communicate(self._told)
        if process.returncode:
            lines = [found for line in said.decode(errors="replace").splitlines() if (found := LINE.match(line))]
            texts = [found["text"] for found in lines if not found["text"].startswith(AS_ROOT)]
            raise OnionError(f"tor does not take its configuration: {'; '.join(texts) or 'it does not say why'}")

    async def known(self) -> str:
        """The address, once tor has made it, which takes a moment the first time; empty if that takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HOSTNAME_SECONDS):
                while not self.address:  # noqa: ASYNC110 - tor tells nobody that the file is there
                    await asyncio.sleep(0.05)
        return self.address

    async def run(self) -> None:
        """Run tor until cancelled, and start it again whenever it ends."""
        clock = asyncio.get_running_loop().time
        failed = 0
        while True:
            begun = clock()
            try:
                await self._run_once()
            except OSError as error:
                log.warning("tor cannot be started: %s", error.strerror)
            failed = 0 if clock() - begun >= STEADY_SECONDS else failed
            pause = PAUSES[min(failed, len(PAUSES) - 1)]
            failed += 1
            log.warning("tor has ended; it is started again in %.0f seconds", pause)
            await asyncio.sleep(pause)

    async def _run_once(self) -> None:
        self.starts += 1
        process = self._process = await self._start("__OwningControllerProcess", str(os.getpid()))
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(self._told)
            process.stdin.close()
            async for line in process.stdout:
                found = LINE.match(line.decode(errors="replace").rstrip())
                if found and not found["text"].startswith(AS_ROOT):
                    log.warning("tor: %s", found["text"])
            await process.wait()
        except (ValueError, ConnectionError):  # an endless line; or it ended before it was told anything
            pass
        finally:
            await _end(process)
            self._process = None

    def kill(self) -> None:
        """End tor now, without waiting for anything."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _start(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(str(self._tor), "--defaults-torrc", os.devnull, "-f", "-", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is ours to answer: we then end it in order
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(FAREWELL_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _torrc(service: Path, state: Path, ports: Mapping[int, tuple[str, int]], more: Sequence[str]) -> str:
    lines = [
        f"DataDirectory {_quoted(state)}",
        f"HiddenServiceDir {_quoted(service)}",
        *(f"HiddenServicePort {port} {_bracketed(host)}:{local}" for port, (host, local) in ports.items()),
        "SocksPort 0",
        "Log warn stdout",
        "SafeLogging 1",
        "AvoidDiskWrites 1",
        *more,
    ]
    return "".join(f"{line}\n" for line in lines)


def _quoted(path: Path) -> str:
    text = str(path)
    if not text.isprintable():
        raise OnionError(f"tor takes no such directory: {text!r}")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
