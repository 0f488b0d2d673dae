"""A folder of files as nginx 1.22 serves it (`try_files $uri $uri/ =404`): which file, which part, or which refusal.

Only what lies in the folder itself is given out: a link that leads out of it is not there.

RFC 9110, 13 (conditional requests) and 14 (ranges), as far and in such a way as nginx does them.
"""

import itertools
import os
import re
import stat
from calendar import timegm
from collections.abc import Callable
from email.utils import parsedate
from pathlib import Path
from urllib.parse import quote
from wsgiref.handlers import format_date_time

from angarium.edge.decoy.answer import SQUEEZED_LEAST, Answer, Piece, refusal
from angarium.edge.decoy.kinds import kind_of
from angarium.edge.decoy.request import Head

__all__ = ["MOST", "Folder", "asks_squeezed", "ends_early", "host_of"]

INDEXES = ("index.html", "index.htm", "index.nginx-debian.html")
MOST = 1 << 20
"""The largest body that may be announced (client_max_body_size)."""
_OLD = re.compile(r"MSIE (?:[45]\.|6\.(?!.*SV1))(?!.*Opera)")
"""Browsers that nginx lets send one form on a connection (keepalive_disable)."""
_GZIP = re.compile(r"(?:^|[, ])gzip *(;[^,]*)?(?:,|$)", re.IGNORECASE)
_RANGE = re.compile(r" *(?:([0-9]+) *- *([0-9]*)|- *([0-9]+)) *")


class Folder:
    """One site."""

    def __init__(self, root: Path, origin: str, port: Callable[[], str]) -> None:
        """`origin` is the site's name where a request does not say one; `port` (":8443") is added to every name."""
        self._root = str(root.resolve()).rstrip("/")
        self._origin = origin
        self._port = port
        self._numbers = itertools.count(1)

    def answer(self, head: Head) -> Answer:
        """What is said to a request."""
        answer = self._answer(head)
        answer.ends |= ends_early(head)
        return answer

    def _answer(self, head: Head) -> Answer:
        path = head.path
        if head.length > MOST:
            return refusal(413, head)
        if (there := self._find(path)) is None:
            return refusal(404, head)
        found, seen = there
        directory = stat.S_ISDIR(seen.st_mode)
        if head.method not in ("GET", "HEAD", "POST"):
            return refusal(405, head)
        if directory and not path.endswith("/"):
            moved, site = refusal(301), f"https://{host_of(head, self._origin)}{self._port()}"
            moved.headers.append(("Location", f"{site}{quote(path, safe=SAFE)}/{head.query}"))
            return moved
        if directory:
            if (there := self._index(path)) is None:
                return refusal(403, head)
            found, seen = there
        if head.method == "POST":
            return refusal(405, head)
        answer = self._file(head, found, seen)
        answer.asks = answer.status != 403
        return answer

    def _find(self, path: str) -> tuple[str, os.stat_result] | None:
        """A file or folder of the site and what it is; `path` has neither dots nor doubled slashes."""
        name = os.fsdecode(path.encode("latin-1")).rstrip("/")
        here = f"{self._root}{name}"
        try:
            seen = self._seen(here, name)
        except (OSError, ValueError):
            return None
        if stat.S_ISDIR(seen.st_mode) or (stat.S_ISREG(seen.st_mode) and not path.endswith("/")):
            return here, seen
        return None

    def _seen(self, here: str, name: str) -> os.stat_result:
        """Raises OSError where there is nothing, or where a link leads out of the folder."""
        if not name:
            return os.stat(here or "/")
        at = 0
        while at >= 0:
            at = name.find("/", at + 1)
            seen = os.lstat(here if at < 0 else f"{self._root}{name[:at]}")
            if stat.S_ISLNK(seen.st_mode):
                seen = os.stat(here)
                if not f"{os.path.realpath(here)}/".startswith(f"{self._root}/"):
                    raise FileNotFoundError
                break
        return seen

    def _index(self, path: str) -> tuple[str, os.stat_result] | None:
        for name in INDEXES:
            there = self._find(f"{path}{name}")
            if there is not None and stat.S_ISREG(there[1].st_mode):
                return there
        return None

    def _file(self, head: Head, path: str, seen: os.stat_result) -> Answer:
        if not os.access(path, os.R_OK):
            return refusal(403, head)
        changed, size = int(seen.st_mtime), seen.st_size
        tag = f'"{changed:x}-{size:x}"'
        answer = Answer(200, kind_of(os.path.basename(path)), [Piece(path, 0, size)] if size else [])
        answer.headers.append(("Last-Modified", format_date_time(changed)))
        answer.later.append(("ETag", tag))
        if (condition := _condition(head, changed, tag)) == 412:
            failed = refusal(412, head)
            failed.drops = True
            return failed
        if condition == 304:
            answer.status, answer.body = 304, []
            return answer
        answer.changing = answer.kind == "text/html" and size >= SQUEEZED_LEAST
        return self._ranges(head, answer, path, size, changed, tag)

    def _ranges(self, head: Head, answer: Answer, path: str, size: int, changed: int, tag: str) -> Answer:
        whole = answer
        if not asks_squeezed(head, answer):
            whole.later.append(("Accept-Ranges", "bytes"))
        said = head.headers.get("range", "")
        if not size or asks_squeezed(head, answer) or not said.lower().startswith("bytes=") or len(said) < 7:
            return whole
        condition = head.headers.get("if-range")
        if condition is not None and (condition != tag if condition.endswith('"') else _seconds(condition) != changed):
            return whole
        parts = _parts(said[6:], size)
        if parts is None:
            refused = refusal(416, head)
            refused.later.append(("Content-Range", f"bytes */{size}"))
            return refused
        if not parts:
            return whole
        answer.status, answer.changing = 206, False
        answer.later.pop()
        if len(parts) == 1:
            ((begin, end),) = parts
            answer.later.append(("Content-Range", f"bytes {begin}-{end - 1}/{size}"))
            answer.body = [Piece(path, begin, end - begin)]
        else:
            boundary = f"{next(self._numbers):020d}"
            body: list[bytes | Piece] = []
            for begin, end in parts:
                lines = f"\r\n--{boundary}\r\nContent-Type: {answer.kind}\r\n"
                body.append(f"{lines}Content-Range: bytes {begin}-{end - 1}/{size}\r\n\r\n".encode())
                body.append(Piece(path, begin, end - begin))
            answer.body = [*body, f"\r\n--{boundary}--\r\n".encode()]
            answer.kind = f"multipart/byteranges; boundary={boundary}"
        return answer


SAFE = "/!$&'()*+,;=:@~-._<>[]\\^`{|}\""


def ends_early(head: Head) -> bool:
    """Whether this is one of the old browsers, after whose forms nginx ends the connection."""
    return head.method == "POST" and bool(_OLD.search(head.headers.get("user-agent", "")))


def host_of(head: Head, origin: str) -> str:
    """The name by which a site was called, in lower case, without a port; `origin` where it was not called any."""
    host = (head.host or origin).lower()
    bracketed = host.startswith("[") and "]" in host
    name = host[: host.index("]") + 1] if bracketed else host.partition(":")[0]
    return name.removesuffix(".")


def asks_squeezed(head: Head, answer: Answer) -> bool:
    """Whether the answer is compressed for this client."""
    said = head.headers.get("accept-encoding")
    if not said or not answer.changing or head.minor < 1 or "via" in head.headers:
        return False
    found = _GZIP.search(said)
    return found is not None and not re.fullmatch(r"; *q=0(?:\.0{0,3})? *", found[1] or "")


def _condition(head: Head, changed: int, tag: str) -> int:
    said = head.headers
    if "if-unmodified-since" in said and _seconds(said["if-unmodified-since"]) < changed:
        return 412
    if "if-match" in said and not _among(said["if-match"], tag, weak=False):
        return 412
    if "if-modified-since" not in said and "if-none-match" not in said:
        return 200
    if "if-modified-since" in said and _seconds(said["if-modified-since"]) != changed:
        return 200
    if "if-none-match" in said and not _among(said["if-none-match"], tag, weak=True):
        return 200
    return 304


def _among(said: str, tag: str, *, weak: bool) -> bool:
    if said == "*":
        return True
    return any((one.removeprefix("W/") if weak else one) == tag for one in map(str.strip, said.split(",")))


def _seconds(said: str) -> int:
    parsed = parsedate(said)
    return timegm(parsed) if parsed else -1


def _parts(said: str, size: int) -> list[tuple[int, int]] | None:
    """The ranges asked for, as begin and end; none: all of it is as well; None: there is no such part."""
    parts: list[tuple[int, int]] = []
    for one in said.split(","):
        if (found := _RANGE.fullmatch(one)) is None:
            return None
        if found[3]:
            begin, end = max(0, size - int(found[3])), size
        else:
            begin, end = int(found[1]), min(int(found[2]) + 1 if found[2] else size, size)
        if begin < end:
            parts.append((begin, end))
    if not parts:
        return None
    return [] if sum(end - begin for begin, end in parts) > size else parts
