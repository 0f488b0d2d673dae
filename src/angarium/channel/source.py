"""Where a copy of a site is made from: a folder, or an address over HTTPS or by an onion. Nothing it gives is believed.

Each read says how many octets it takes at most, and all together have their time (`guard`). Redirections are not
followed, nothing is sent but what is asked for, and what this machine has set up for other programs (proxies, names and
passwords) is not used. An onion address is asked for by the proxy that was named, which resolves it too; without one it
is refused, rather than told to the system's DNS.

RFC 1928 (SOCKS 5), by PySocks.
"""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import requests

from angarium.channel.guard import Guard, guarded

__all__ = ["WHOLE_SECONDS", "Folder", "Source", "SourceError", "SourceMissing", "SourceTooLarge", "Web"]

PIECE = 1 << 16
CONNECT_SECONDS, READ_SECONDS = 60.0, 60.0
SLOWEST = 200
"""Octets a second, on average, after the first two minutes: whoever is slower holds us up on purpose."""
PATIENCE_SECONDS = 120.0
LATE = "it takes too long. What was fetched stays, and the next time goes on from there. More: --within"
WHOLE_SECONDS = 6 * 3600.0
"""For all that is asked of a site at a time."""


class SourceError(Exception):
    """Something could not be had just now; the text says why. It may be had later, or elsewhere."""


class SourceMissing(SourceError):
    """There is nothing of that name."""


class SourceTooLarge(SourceError):
    """A file has more octets than it may."""


class Source(Protocol):
    """Where files of a site come from."""

    name: str

    def pieces(self, path: str, most: int) -> Iterator[bytes]:
        """A file in pieces. Raises SourceError, also for one of more than `most` octets."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Folder:
    """A copy in a folder, such as on a stick."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def pieces(self, path: str, most: int) -> Iterator[bytes]:
        """See Source."""
        try:
            held = os.open(self._folder / path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            if not stat.S_ISREG(os.fstat(held).st_mode):
                os.close(held)
                raise SourceError(f"{path} is no plain file")
            with os.fdopen(held, "rb") as file:
                left = most
                while piece := file.read(min(PIECE, left + 1)):
                    left -= len(piece)
                    if left < 0:
                        raise SourceTooLarge(f"{path} is larger than it may be")
                    yield piece
        except FileNotFoundError:
            raise SourceMissing(f"{path} is missing") from None
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from None

    def close(self) -> None:
        """See Source."""


class Web:
    """A site at an address."""

    def __init__(
        self, address: str, *, proxy: str = "", verify: str | bool = True, seconds: float = WHOLE_SECONDS
    ) -> None:
        """`proxy`: such as socks5h://127.0.0.1:9050; `verify`: as `requests` has it; `seconds`: for all that is asked.

        Raises:
            SourceError: it is an onion address, and there is no proxy.
        """
        if (urlsplit(address).hostname or "").endswith(".onion") and not proxy:
            raise SourceError("an onion address needs --proxy socks5h://127.0.0.1:9050, with tor running")
        self.name = address
        self._guard = Guard()
        self._session = guarded(self._guard)
        self._session.trust_env = False
        self._session.verify = verify
        if proxy:
            self._session.proxies = {"http": proxy, "https": proxy}
        self._guard.begin(seconds)

    def pieces(self, path: str, most: int) -> Iterator[bytes]:
        """See Source."""
        began, had = time.monotonic(), 0
        with self._failing(path), self._get(path) as response:
            if response.status_code in {404, 410}:
                raise SourceMissing(f"{path} is missing")
            if response.status_code != 200:
                raise SourceError(f"{path}: the answer is {response.status_code}")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise SourceError(f"{path} comes packed, which nobody asked for")
            if (length := response.headers.get("Content-Length", "")).isdecimal() and int(length) > most:
                raise SourceTooLarge(f"{path} is larger than it may be")
            for piece in response.iter_content(PIECE):
                had += len(piece)
                if had > most:
                    raise SourceTooLarge(f"{path} is larger than it may be")
                waited = time.monotonic() - began
                if waited > PATIENCE_SECONDS and had < waited * SLOWEST:
                    raise SourceError(f"{path} comes too slowly")
                yield piece
            if self._guard.late:  # the end of what was cut off looks like that of a file
                raise SourceError(LATE)

    def _get(self, path: str) -> requests.Response:
        return self._session.get(
            self.name + path, stream=True, allow_redirects=False, timeout=(CONNECT_SECONDS, READ_SECONDS)
        )

    @contextmanager
    def _failing(self, path: str) -> Iterator[None]:
        if self._guard.late:
            raise SourceError(LATE)
        try:
            yield
        except requests.exceptions.InvalidSchema:
            raise SourceError("a SOCKS proxy needs a library: pip install 'angarium[channel]'") from None
        except (requests.RequestException, OSError) as error:
            if self._guard.late:
                raise SourceError(LATE) from None
            if isinstance(error, requests.exceptions.SSLError):
                raise SourceError("its certificate is not good") from None
            raise SourceError(f"{path}: {type(error).__name__}") from None

    def close(self) -> None:
        """See Source."""
        self._guard.end()
        self._session.close()
