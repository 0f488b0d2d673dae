"""The keeper's line to a running relay: a Unix socket in the data directory, one JSON object a line each way.

Who may open the socket is who may read the data directory; there is no other authority. A request is
``{"ask": NAME, ...}``; the answer ``{"ok": VALUE}`` or ``{"error": TEXT}``. Refuses to know what the questions mean:
`apps/serve.py` passes a callable for each.
"""

import asyncio
import contextlib
import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["NotRunning", "Question", "Refusal", "ask", "listener", "serve_control"]

Question = Callable[[Mapping[str, Any]], Awaitable[Any]]

LINE = 1 << 20
"""Longest line either way, in bytes."""
PATH = 100
"""Longest path of a Unix socket that every system takes, in bytes."""

CREDENTIALS = struct.Struct("iII")
"""Process, user and group at the other end of a Unix socket (unix(7), SO_PEERCRED)."""


class NotRunning(Exception):
    """No relay listens on this socket."""


class Refusal(Exception):
    """The relay's answer is no; the text says why."""


async def serve_control(
    path: Path, questions: Mapping[str, Question], *, ready: Callable[[], None] = lambda: None
) -> None:
    """Answer the keeper until cancelled; `ready` is called once that is so. A socket left by a crash is replaced."""
    asking: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        asking.add(task)
        try:
            with contextlib.suppress(ConnectionError, ValueError):  # ValueError: a line over the limit
                while line := await reader.readline():
                    writer.write(msgspec.json.encode(await _answer(line, questions)) + b"\n")
                    await writer.drain()
        finally:
            asking.discard(task)
            writer.close()

    server = await asyncio.start_unix_server(answer, sock=_listen(path), limit=LINE)
    try:
        ready()
        await asyncio.Event().wait()
    finally:
        server.close()
        for task in list(asking):
            task.cancel()
        _remove(path)


async def ask(path: Path, question: str, **details: Any) -> Any:
    """Ask the relay whose socket this is.

    Raises:
        NotRunning: nobody listens there.
        Refusal: the relay says no.
    """
    try:
        with _short(path) as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=LINE)
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunning from None
    try:
        writer.write(msgspec.json.encode({"ask": question, **details}) + b"\n")
        line = await reader.readline()
    except ConnectionError:
        line = b""
    finally:
        writer.close()
    if not line:
        raise NotRunning
    reply = msgspec.json.decode(line)
    if "error" in reply:
        raise Refusal(reply["error"])
    return reply["ok"]


def listener(path: Path) -> int | None:
    """The number of the process that listens on this socket; None where nobody does, or the system does not tell."""
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    asking.settimeout(0)
    with asking:
        try:
            with _short(path) as name:
                asking.connect(name)
            credentials = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
        except (OSError, AttributeError):  # AttributeError: a system without SO_PEERCRED
            return None
    number: int = CREDENTIALS.unpack(credentials)[0]
    return number if number > 1 else None


async def _answer(line: bytes, questions: Mapping[str, Question]) -> dict[str, Any]:
    try:
        request = msgspec.json.decode(line, type=dict[str, Any])
        question = questions[request.pop("ask")]
    except (msgspec.DecodeError, msgspec.ValidationError):
        return {"error": "not a JSON object"}
    except KeyError:
        return {"error": f"ask one of: {', '.join(sorted(questions))}"}
    try:
        return {"ok": await question(request)}
    except Refusal as refusal:
        return {"error": str(refusal)}


def _listen(path: Path) -> socket.socket:
    _remove(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        with _short(path) as name:
            listening.bind(name)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(mask)
    return listening


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for the socket that fits into sockaddr_un, however deep the data directory lies."""
    if len(os.fsencode(path)) <= PATH:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
