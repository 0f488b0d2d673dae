"""Answers of late: who says word for word what somebody said lately hears the same, from memory, as long as it is true.

To read a request and to word its answer takes a multiple of that on a processor that has done neither for a while. Of
a request nothing is kept but what it was known by while this process lives (BLAKE2b with a key of its own).
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from angarium.edge.decoy.dates import date_of

__all__ = ["Recent"]

MOST = 256
"""Answers."""
LARGEST = 16_384
"""Octets of an answer that is kept."""
DATE = b"\r\nDate: "
DATE_OCTETS = 29


class _Answer(NamedTuple):
    before: bytes
    after: bytes
    """... the date, if it has one."""
    keep: bool
    true: Callable[[], bool]


class Recent:
    """Those of one site."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(hashlib.blake2b.MAX_KEY_SIZE)
        self._answers: dict[bytes, _Answer] = {}

    def find(self, said: bytes) -> tuple[bytes, bool] | None:
        """The answer to this and whether the connection goes on, if it was given lately and is true."""
        answer = self._answers.get(self._known_by(said))
        if answer is None or not answer.true():
            return None
        if not answer.after:
            return answer.before, answer.keep
        return b"".join((answer.before, date_of(int(time.time())).encode(), answer.after)), answer.keep

    def add(self, said: bytes, answer: bytes, *, keep: bool, true: Callable[[], bool]) -> None:
        """Keep an answer that is given as long as it is `true`."""
        if len(answer) <= LARGEST:
            at = answer.find(DATE, 0, answer.find(b"\r\n\r\n") + 1) + len(DATE)
            before, after = (answer[:at], answer[at + DATE_OCTETS :]) if at >= len(DATE) else (answer, b"")
            self._answers[self._known_by(said)] = _Answer(before, after, keep, true)
            if len(self._answers) > MOST:
                del self._answers[next(iter(self._answers))]

    def _known_by(self, said: bytes) -> bytes:
        return hashlib.blake2b(said, digest_size=16, key=self._key).digest()
