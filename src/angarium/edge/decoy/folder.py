"""A folder of files as nginx 1.22 serves it (`try_files $uri $uri/ =404`): which file, which part, or which refusal.

Only what lies in the folder itself is given out: a link that leads out of it is not there.

A file that is there, by no link, is looked at once. All else is looked at step by step.
"""

import itertools
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from angarium.edge.decoy.answer import SQUEEZED_LEAST, Answer, Piece, refusal
from angarium.edge.decoy.conditional import condition, parts
from angarium.edge.decoy.files import File, Kept, file_of, settled, state_of
from angarium.edge.decoy.request import Head

__all__ = ["MOST", "Folder", "asks_squeezed", "ends_early", "host_of"]

INDEXES = ("index.html", "index.htm", "index.nginx-debian.html")
MOST = 1 << 20
"""The largest body that may be announced (client_max_body_size)."""
_OLD = re.compile(r"MSIE (?:[45]\.|6\.(?!.*SV1))(?!.*Opera)")
"""Browsers that nginx lets send one form on a connection (keepalive_disable)."""
_GZIP = re.compile(r"(?:^|[, ])gzip *(;[^,]*)?(?:,|$)", re.IGNORECASE)
_REFUSED = re.compile(r"; *q=0(?:\.0{0,3})? *")


class Folder:
    """One site."""

    def __init__(self, root: Path, origin: str, port: Callable[[], str]) -> None:
        """`origin` is the site's name where a request does not say one; `port` (":8443") is added to every name."""
        self._root = str(root.resolve()).rstrip("/")
        self._origin = origin
        self._port = port
        self._kept = Kept()
        self._numbers = itertools.count(1)

    def answer(self, head: Head) -> Answer:
        """What is said to a request."""
        answer = refusal(413, head) if head.length > MOST else self._at_a_glance(head) or self._step_by_step(head)
        answer.ends |= ends_early(head)
        return answer

    def _at_a_glance(self, head: Head) -> Answer | None:
        """What is said of a file that is there, and of nothing; None: it takes more than a look."""
        path = head.path if head.path.isascii() else os.fsdecode(head.path.encode("latin-1"))
        folder = path.endswith("/")
        here = f"{self._root}{path}{INDEXES[0]}" if folder else self._root + path
        try:
            if self._linked(path):
                return None
            seen = os.lstat(here)
        except FileNotFoundError:
            return None if folder else self._lasting(refusal(404, head), path, here, None)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(seen.st_mode):
            return None
        if head.method not in ("GET", "HEAD"):
            return self._lasting(refusal(405, head), path, here, seen)
        file = self._kept.file(here, seen)
        return None if file is None else self._lasting(self._file(head, file), path, here, seen)

    def _lasting(self, answer: Answer, path: str, here: str, seen: os.stat_result | None) -> Answer:
        """An answer that lasts as long as a file is as it was seen, or, where none was, as long as there is none."""
        state = None if seen is None else state_of(seen)

        def lasts() -> bool:
            try:
                return not self._linked(path) and state_of(os.lstat(here)) == state
            except FileNotFoundError:
                return state is None
            except OSError:
                return False

        if (seen is None or settled(seen)) and not answer.kind.startswith("multipart"):
            answer.lasts = lasts
        return answer

    def _linked(self, path: str) -> bool:
        """Whether a folder on the way to a file is a link. Raises OSError where one is not there."""
        at = path.find("/", 1)
        while at > 0:
            if stat.S_ISLNK(os.lstat(self._root + path[:at]).st_mode):
                return True
            at = path.find("/", at + 1)
        return False

    def _step_by_step(self, head: Head) -> Answer:
        path = head.path
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
        if not os.access(found, os.R_OK):
            return refusal(403, head)
        return self._file(head, file_of(found, seen))

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

    def _file(self, head: Head, file: File) -> Answer:
        later = [("ETag", file.tag)]
        answer = Answer(200, file.kind, [], [("Last-Modified", file.date)], later, asks=True)
        if (status := condition(head.headers, file.changed, file.tag)) == 412:
            refused = refusal(412, head)
            refused.drops = refused.asks = True
            return refused
        if status == 304:
            answer.status = 304
            return answer
        answer.changing = file.kind == "text/html" and file.octets >= SQUEEZED_LEAST
        if not asks_squeezed(head, answer):
            if "range" in head.headers and (wanted := parts(head.headers, file.octets, file.changed, file.tag)) != []:
                return self._parts(head, answer, file, wanted)
            later.append(("Accept-Ranges", "bytes"))
        if file.octets:
            answer.body.append(self._part(file, 0, file.octets))
        return answer

    def _parts(self, head: Head, answer: Answer, file: File, wanted: list[tuple[int, int]] | None) -> Answer:
        if wanted is None:
            refused = refusal(416, head)
            refused.asks = True
            refused.later.append(("Content-Range", f"bytes */{file.octets}"))
            return refused
        answer.status, answer.changing = 206, False
        if len(wanted) == 1:
            ((begin, end),) = wanted
            answer.later.append(("Content-Range", f"bytes {begin}-{end - 1}/{file.octets}"))
            answer.body.append(self._part(file, begin, end))
            return answer
        boundary = f"{next(self._numbers):020d}"
        for begin, end in wanted:
            lines = f"\r\n--{boundary}\r\nContent-Type: {answer.kind}\r\n"
            answer.body.append(f"{lines}Content-Range: bytes {begin}-{end - 1}/{file.octets}\r\n\r\n".encode())
            answer.body.append(self._part(file, begin, end))
        answer.body.append(f"\r\n--{boundary}--\r\n".encode())
        answer.kind = f"multipart/byteranges; boundary={boundary}"
        return answer

    def _part(self, file: File, begin: int, end: int) -> bytes | Piece:
        if file.content is None:
            return Piece(file.path, begin, end - begin, self._kept)
        return file.content[begin:end]


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
    return found is not None and not _REFUSED.fullmatch(found[1] or "")
