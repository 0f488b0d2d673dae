"""The real core of the apps, spoken to over its own JSON-RPC (version 2.0, one object a line, on standard in and out).

A client of our own, some hundred lines, rather than the core's Python binding: it is asyncio all through, and it does
not care which release of the core it drives, so one installation can test a relay with an old core and a new one.
Which methods a core has is asked of the core itself (`--openrpc`).

Refuses to know what a chat is: that is `profile`. Invariants: every call is answered or raises; an event is given to
the listeners in the order the core sent it; when the core ends, everything that waits for it raises `CoreEnded`.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["Core", "CoreEnded", "CoreError", "CoreMissing", "Event", "binary", "core"]

log = logging.getLogger("angarium.check")

PROGRAM = "deltachat-rpc-server"
PACKAGE = "deltachat_rpc_server"
BATCH = "get_next_event_batch"
OVERFLOW = "EventChannelOverflow"
LINE = 64 << 20
"""Longest answer taken from the core, in bytes: its descriptions of itself and of long chats are long lines."""
FAREWELL = 10.0
"""Seconds a core may take to end when asked."""


class CoreError(Exception):
    """The core answered a call with an error; the text is the core's own."""


class CoreEnded(Exception):
    """The core's process is gone, so nothing more will come from it."""


class CoreMissing(Exception):
    """There is no core to run; the text says how to get one."""


class Event(msgspec.Struct, frozen=True):
    """Something that happened in one profile: the core's name for it, and its fields."""

    profile: int
    kind: str
    fields: Mapping[str, Any]


Listener = Callable[[Event | None], None]
"""Called with every event of a profile, and with None once there will be no more."""


def binary(path: Path | None = None) -> Path:
    """The core's program: the one given, the one of the Python package `deltachat-rpc-server`, or the one on PATH.

    Raises:
        CoreMissing: there is none, or it is no file that may be run.
    """
    if path is not None:
        if not path.is_file() or not os.access(path, os.X_OK):
            raise CoreMissing(f"{path} is not a program. Give --core the path of a {PROGRAM}.")
        return path
    spec = find_spec(PACKAGE)
    if spec is not None and spec.origin is not None and (beside := Path(spec.origin).parent / PROGRAM).is_file():
        return beside
    if found := shutil.which(PROGRAM):
        return Path(found)
    raise CoreMissing("the core of the Delta Chat apps is not installed. Get it with: pip install 'angarium[check]'")


class Core:
    """A running core. Made by `core`."""

    def __init__(self, process: asyncio.subprocess.Process, version: str, methods: frozenset[str]) -> None:
        self.version = version
        self.methods = methods
        self._process = process
        self._ids = itertools.count(1)
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._listeners: dict[int, list[Listener]] = {}
        self._ended = False

    async def call(self, method: str, *params: object) -> Any:
        """Call a method and return its result.

        Raises:
            CoreError: the core says no.
            CoreEnded: see there.
        """
        if self._ended:
            raise CoreEnded("the core has ended")
        number = next(self._ids)
        answer = self._calls[number] = asyncio.get_running_loop().create_future()
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(request) + b"\n")
            await self._process.stdin.drain()
            return await answer
        except ConnectionError:
            raise CoreEnded("the core has ended") from None
        finally:
            self._calls.pop(number, None)

    @contextlib.contextmanager
    def listening(self, profile: int, listener: Listener) -> Any:
        """Give every event of a profile to `listener` for as long as the context lasts."""
        self._listeners.setdefault(profile, []).append(listener)
        try:
            yield
        finally:
            self._listeners[profile].remove(listener)

    async def _read(self) -> None:
        """Hand every answer to its call, until the core ends."""
        assert self._process.stdout is not None
        try:
            while line := await self._process.stdout.readline():
                self._answer(msgspec.json.decode(line))
        except (ValueError, msgspec.DecodeError):
            log.warning("the core said what is no JSON-RPC; no longer listening to it")
        finally:
            self._end()

    def _answer(self, answer: dict[str, Any]) -> None:
        waiting = self._calls.get(answer.get("id") or 0)
        if waiting is None or waiting.done():
            return
        if error := answer.get("error"):
            waiting.set_exception(CoreError(str(error.get("message", error))))
        else:
            waiting.set_result(answer.get("result"))

    def _end(self) -> None:
        self._ended = True
        for waiting in self._calls.values():
            if not waiting.done():
                waiting.set_exception(CoreEnded("the core has ended"))
        for listener in [listener for listeners in self._listeners.values() for listener in listeners]:
            listener(None)

    async def _watch(self) -> None:
        """Fetch events and give them to who listens, until the core ends.

        Many at once where the core has that: it keeps some thousands, and drops the oldest when they are not fetched.
        """
        with contextlib.suppress(CoreEnded):
            while True:
                if BATCH in self.methods:
                    events = await self.call(BATCH)
                else:
                    events = [await self.call("get_next_event")]
                for event in events:
                    self._tell(Event(event["contextId"], event["event"]["kind"], event["event"]))

    def _tell(self, event: Event) -> None:
        if event.kind == OVERFLOW:
            log.error("the core has dropped events that were not fetched in time: %s", event.fields.get("n"))
        if event.kind in ("Warning", "Error"):
            log.info("core, profile %d: %s", event.profile, event.fields.get("msg"))
        for listener in list(self._listeners.get(event.profile, ())):
            listener(event)


@contextlib.asynccontextmanager
async def core(program: Path, home: Path, *, through: Sequence[str] = ()) -> AsyncIterator[Core]:
    """Run a core on a directory of its own (made by it if missing) until the context ends.

    `through` is a command that runs it, such as one that does so in another network namespace.

    Raises:
        CoreMissing: the program does not run here.
    """
    version, methods = await _describe(program)
    process = await asyncio.create_subprocess_exec(
        *through,
        program,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=LINE,
        env={**os.environ, "DC_ACCOUNTS_PATH": str(home), "RUST_LOG": "off"},
        start_new_session=True,  # a Ctrl-C is ours to answer: we then end the core in order
    )
    running = Core(process, version, methods)
    tasks = [asyncio.create_task(running._read()), asyncio.create_task(running._watch())]
    try:
        yield running
    finally:
        await _stop(process)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()  # the core ends in order when nobody speaks to it any more
    try:
        await asyncio.wait_for(process.wait(), FAREWELL)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _describe(program: Path) -> tuple[str, frozenset[str]]:
    version = (await _ask(program, "--version")).decode(errors="replace").strip()
    described = msgspec.json.decode(await _ask(program, "--openrpc"))
    return version, frozenset(method["name"] for method in described["methods"])


async def _ask(program: Path, option: str) -> bytes:
    try:
        process = await asyncio.create_subprocess_exec(
            program, option, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
    except OSError as error:
        raise CoreMissing(f"{program} does not run on this machine ({error.strerror})") from None
    if process.returncode:
        raise CoreMissing(f"{program} does not run on this machine: {said.decode(errors='replace').strip()[:200]}")
    return said
