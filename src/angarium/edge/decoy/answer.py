"""An answer as nginx 1.22 words it: the order of its headers, the bodies of its refusals, and its compression.

Pure but for the date, which is passed in.
"""

import os
import zlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from angarium.edge.decoy.request import Head

__all__ = ["Answer", "Keeper", "Piece", "always", "head_of", "mark_squeezed", "refusal", "squeezed", "squeezer"]

SOFTWARE = "nginx/1.22.1"
REASONS = {
    200: "OK",
    206: "Partial Content",
    301: "Moved Permanently",
    304: "Not Modified",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Not Allowed",
    412: "Precondition Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    416: "Requested Range Not Satisfiable",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    504: "Gateway Time-out",
    505: "HTTP Version Not Supported",
}
PARTICULAR = {
    494: "Request Header Or Cookie Too Large",
    497: "The plain HTTP request was sent to HTTPS port",
}
"""Statuses that are 400 to the outside, and say why."""
ENDING = {400, 413, 414, 494, 497, 500, 501}
PADDING = b"<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n" * 6
SQUEEZED_LEAST = 20
"""Octets from which it is worth compressing (gzip_min_length)."""


class Keeper(Protocol):
    """Keeps what had to be waited for, so that nobody has to wait for it again."""

    def keep(self, path: str, seen: os.stat_result, octets: bytes) -> None:
        """All of a file that was in that state before it was read and afterwards."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a file, or all of it."""

    path: str
    begin: int
    octets: int
    keeper: Keeper | None = field(default=None, compare=False)
    """Who is given it, if it is all."""


@dataclass(slots=True)
class Answer:
    """What is said back. `headers` come before Connection, `later` behind it."""

    status: int
    kind: str = "text/html"
    body: list[bytes | Piece] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    later: list[tuple[str, str]] = field(default_factory=list)
    ends: bool = False
    """Whether the connection ends with it, and says so."""
    drops: bool = False
    """Whether the connection ends with it without saying so."""
    asks: bool = False
    """Whether the body of the request was looked for first."""
    changing: bool = False
    """Whether it may be compressed."""
    reason: str = ""
    """Another than nginx's own."""
    lasts: Callable[[], bool] | None = None
    """Whether the same would be said to the same request now; None: nobody can tell."""
    stream: AsyncGenerator[bytes, None] | None = None
    """In place of `body`, what comes from elsewhere piece by piece. Raises ConnectionError, TimeoutError."""
    length: int | None = None
    """Of a stream, where that is known."""

    @property
    def octets(self) -> int:
        """Of the body; of a stream of unknown length, enough."""
        if self.stream is not None:
            return SQUEEZED_LEAST if self.length is None else self.length
        octets = 0
        for part in self.body:
            octets += len(part) if isinstance(part, bytes) else part.octets
        return octets


def always() -> bool:
    """Of an answer that lasts."""
    return True


def refusal(status: int, head: Head | None = None) -> Answer:
    """The page of a status. Browsers that put their own in its place get a longer one."""
    code = 400 if status in PARTICULAR else status
    page = _page(status)
    if code >= 400 and head is not None and head.minor >= 0 and _padded(head.headers.get("user-agent", "")):
        page += PADDING
    return Answer(code, body=[page], ends=status in ENDING, changing=code in (403, 404))


@cache
def _page(status: int) -> bytes:
    particular = PARTICULAR.get(status, "")
    code = 400 if particular else status
    title = f"400 {particular}" if particular else f"{code} {REASONS[code]}"
    lines = ["<html>", f"<head><title>{title}</title></head>", "<body>"]
    lines += [f"<center><h1>{code} {REASONS[code]}</h1></center>"]
    lines += [f"<center>{particular}</center>"] if particular else []
    lines += [f"<hr><center>{SOFTWARE}</center>", "</body>", "</html>", ""]
    return "\r\n".join(lines).encode()


def head_of(answer: Answer, date: str, *, keep: bool, length: int | None) -> bytes:
    """Status line and headers; `length` None: the body comes in chunks, -1: it comes in chunks that are not sent."""
    status = answer.status
    reason = answer.reason or REASONS.get(status, "")
    lines = f"HTTP/1.1 {status} {reason}\r\nServer: {SOFTWARE}\r\nDate: {date}\r\n"
    if answer.kind and status != 304:
        lines += f"Content-Type: {answer.kind}\r\n"
    if length is not None and length >= 0 and status != 304:
        lines += f"Content-Length: {length}\r\n"
    for name, value in answer.headers:
        lines += f"{name}: {value}\r\n"
    if length is None:
        lines += "Transfer-Encoding: chunked\r\n"
    lines += "Connection: keep-alive\r\n" if keep else "Connection: close\r\n"
    for name, value in answer.later:
        lines += f"{name}: {value}\r\n"
    return f"{lines}\r\n".encode("latin-1")


def mark_squeezed(answer: Answer) -> None:
    """Have an answer of the site's own say that it is compressed."""
    answer.later = [(name, f"W/{value}" if name == "ETag" else value) for name, value in answer.later]
    answer.later.append(("Content-Encoding", "gzip"))


def squeezed(data: bytes) -> bytes:
    """In gzip (RFC 1952)."""
    packer = squeezer(len(data))
    return packer.compress(data) + packer.flush()


def squeezer(octets: int | None) -> "zlib._Compress":
    """What compresses so many octets, or nobody knows how many, with the window that nginx takes for them."""
    window, memory = zlib.MAX_WBITS, 8
    while octets is not None and octets < (1 << (window - 1)) - 262:
        window, memory = window - 1, max(1, memory - 1)
    return zlib.compressobj(1, zlib.DEFLATED, 16 + max(window, 9), memory)


def _padded(agent: str) -> bool:
    """Whether nginx takes this for one of the browsers in question."""
    if "Opera" in agent:
        return False
    if "MSIE " in agent:
        return agent.index("MSIE ") + 7 < len(agent)
    return "Gecko/" not in agent and "Chrome/" in agent
