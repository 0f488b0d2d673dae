"""The head of a request as nginx 1.22 reads it: what it takes, what it refuses, and at which byte.

Probes are mostly malformed, and servers are told apart by how they refuse. So this reads byte by byte with nginx's own
liberties (bare LF, HTTP/0.9, header lines without a colon) and its limits. Pure: bytes in, a head or a refusal out.

RFC 9112, 3 and 5 where nginx keeps to it.
"""

import re
from dataclasses import dataclass, field

__all__ = ["SMALL", "UNHOSTLY", "Bad", "Head", "judge", "read_head"]

LINE = 8192
"""The longest line (large_client_header_buffers)."""
SMALL, LARGE = 1024, 4
"""The first buffer (client_header_buffer_size), and how many of the large ones a head may take."""

UNIQUE = {
    *("host", "if-modified-since", "if-unmodified-since", "if-match", "if-none-match", "content-length"),
    *("content-range", "if-range", "transfer-encoding", "expect", "authorization"),
}
"""Twice is once too often."""

_BEGUN = [
    rb"[A-Z_-]*",
    rb"[A-Z_-]+ +[A-Za-z]?[A-Za-z0-9+.-]*",
    rb"[A-Z_-]+ +[A-Za-z][A-Za-z0-9+.-]*:/?/?",
    rb"[A-Z_-]+ +[A-Za-z][A-Za-z0-9+.-]*://(\[[0-9A-Za-z:._~!$&'()*+,;=-]*\]?|[A-Za-z0-9.-]*)(:[0-9]*)?",
]
_TARGET = (
    rb"(?:[A-Za-z][A-Za-z0-9+.-]*://(?P<host>\[[0-9A-Za-z:._~!$&'()*+,;=-]*\]|[A-Za-z0-9.-]*)(?::[0-9]*)?)?"
    rb"(?P<uri>(?:/|(?<=[A-Za-z0-9\].:-])\?)[^\x00-\x20\x7f]*)?"
)
_VERSION = rb" +(?:H(?:T(?:T(?:P(?:/(?:1(?:\.(?:[0-9]{1,3} *)?)?)?)?)?)?)?)?"
_LINE = re.compile(rb"(?P<method>[A-Z_-]+) +" + _TARGET + rb"(?: +(?:HTTP/1\.(?P<minor>[0-9]{1,3}) *)?)?")
_PREFIX = re.compile(
    rb"(?:"
    + rb"|".join(_BEGUN)
    + rb"|[A-Z_-]+ +"
    + _TARGET.replace(b"?P<host>", b"?:").replace(b"?P<uri>", b"?:")
    + rb"(?:"
    + _VERSION
    + rb")?)\r?"
)
_NEWER = re.compile(
    rb"[A-Z_-]+ +(?:[A-Za-z][A-Za-z0-9+.-]*://[^\x00-\x20\x7f/?]+)?(?:[/?][^\x00-\x20\x7f]*)? +HTTP/([2-9]|1[0-9])"
)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_NAME = re.compile(rb"[A-Za-z0-9-]+")
"""Names of header lines that are taken down; others are passed over, unless they have in them:"""
_CONTROL = re.compile(rb"[\x00-\x20\x7f]")
UNHOSTLY = re.compile(r"[\x00-\x20\x7f/]|\.\.|^:|^$")
"""What no name of a host has."""


class Bad(Exception):
    """A request that is refused at sight, with a status of nginx's own or HTTP's."""

    def __init__(self, status: int, *, bare: bool = False, awaits: int = 0, behind: int = 1) -> None:
        self.status = status
        self.behind = behind
        """Octets that were not looked at any more; what is refused in its midst always has some."""
        self.awaits = awaits
        """Octets still to come of a body that is waited for all the same."""
        self.bare = bare
        """HTTP/0.9: the answer has no head."""


@dataclass(slots=True)
class Head:
    """A request without its body. `headers` have lower-case names; of one sent twice, the last."""

    method: str
    target: str
    """As it was sent, in Latin-1, without scheme and host."""
    host: str | None
    minor: int
    """Of HTTP/1.x; -1: HTTP/0.9."""
    headers: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[str, str]] = field(default_factory=list)
    octets: int = 0
    """How long it was."""
    path: str = "/"
    """The target's path as it is meant, in Latin-1, without escapes, dots and doubled slashes."""
    query: str = ""
    """The target's query with its question mark."""

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may go on afterwards."""
        said = self.headers.get("connection", "").lower()
        return "close" not in said and (self.minor > 0 or "keep-alive" in said)

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "transfer-encoding" in self.headers

    @property
    def announces(self) -> bool:
        """Whether a body was announced."""
        return "content-length" in self.headers or "transfer-encoding" in self.headers

    @property
    def expects(self) -> bool:
        """Whether the body is to come once it was asked for."""
        return self.minor > 0 and self.headers.get("expect", "").lower() == "100-continue"

    @property
    def length(self) -> int:
        """Octets of the body that were announced."""
        return int(self.headers.get("content-length", "0"))


def read_head(said: bytes) -> Head | None:
    """The first head in these bytes; None: there is more to come. Raises Bad as soon as it is clear."""
    begin = len(said) - len(said.lstrip(b"\r\n"))
    room = _Room()
    end = said.find(b"\n", begin)
    line = said[begin : end + 1] if end >= 0 else said[begin:]
    head = _request_line(line, whole=end >= 0)
    room.take(len(line), 414)
    if head is None:
        return None
    if head.minor < 0:
        head.octets = end + 1
        return head
    while True:
        at = end + 1
        end = said.find(b"\n", at)
        line = said[at : end + 1] if end >= 0 else said[at:]
        if end >= 0 and line in (b"\n", b"\r\n"):
            break
        _header(head, line, whole=end >= 0)
        room.take(len(line), 494)
        if end < 0:
            return None
    head.octets = end + 1
    judge(head, len(said) - head.octets)
    return head


class _Room:
    """Where nginx would put it all."""

    def __init__(self) -> None:
        self._left = SMALL
        self._large = 0

    def take(self, octets: int, status: int) -> None:
        if octets > self._left:
            self._large += 1
            self._left = LINE
            if octets > LINE or self._large > LARGE:
                raise Bad(status)
        self._left -= octets


def _request_line(line: bytes, *, whole: bool) -> Head | None:
    text = line.removesuffix(b"\n").removesuffix(b"\r") if whole else line
    found = _LINE.fullmatch(text) if whole else None
    if found is None and _NEWER.match(text):
        raise Bad(505)
    if not whole:
        if len(line) <= LINE and not _PREFIX.fullmatch(line):
            raise Bad(400)
        return None
    if found is None or (found["uri"] is None and found["host"] is None) or found["host"] == b"":
        raise Bad(400)
    method, uri = found["method"].decode(), (found["uri"] or b"/").decode("latin-1")
    host = found["host"].decode("latin-1") if found["host"] is not None else None
    if found["minor"] is None and method != "GET":
        raise Bad(400, bare=True)
    path, query = _path(uri)
    minor = -1 if found["minor"] is None else int(found["minor"])
    return Head(method, uri, host, minor, path=path, query=query)


def _path(target: str) -> tuple[str, str]:
    path, question, query = target.partition("#")[0].partition("?")

    def octet(found: re.Match[str]) -> str:
        if not found[1] or found[1] == "00":
            raise Bad(400)
        return chr(int(found[1], 16))

    parts: list[str] = []
    pieces = _ESCAPE.sub(octet, path).split("/")
    for piece in pieces:
        if piece == "..":
            if not parts:
                raise Bad(400)
            parts.pop()
        elif piece not in ("", "."):
            parts.append(piece)
    slash = "/" if parts and pieces[-1] in ("", ".", "..") else ""
    return f"/{'/'.join(parts)}{slash}", f"{question}{query}" if query else ""


def _header(head: Head, line: bytes, *, whole: bool) -> None:
    name, colon, value = line.partition(b":")
    if not colon:
        name = name.rstrip(b"\r\n")
    plain = _NAME.fullmatch(name)
    if plain is None and ((colon and not name) or _CONTROL.search(name)):
        raise Bad(400)
    if b"\0" in value or b"\r" in value.rstrip(b"\r\n"):
        raise Bad(400)
    if not whole or plain is None:
        return
    key, text = name.decode().lower(), value.strip(b" \r\n").decode("latin-1")
    if key in UNIQUE and key in head.headers:
        raise Bad(400)
    if key == "host" and UNHOSTLY.search(text):
        raise Bad(400)
    head.headers[key] = text
    head.lines.append((key, text))


def judge(head: Head, behind: int) -> None:
    """What only the whole head tells. `behind` it lie so many octets."""
    if head.host is None:
        head.host = head.headers.get("host")
    if head.host is None and head.minor > 0:
        raise Bad(400, behind=behind)
    if "content-length" in head.headers and not re.fullmatch(r"[0-9]{1,18}", head.headers["content-length"]):
        raise Bad(400, behind=behind)
    coding = head.headers.get("transfer-encoding")
    if coding is not None:
        if head.minor < 1:
            raise Bad(400, behind=behind)
        if coding.lower() != "chunked":
            raise Bad(501, behind=behind)
        if "content-length" in head.headers:
            raise Bad(400, awaits=max(0, head.length - behind), behind=behind)
    if head.method in ("TRACE", "CONNECT"):
        raise Bad(405, behind=behind)
