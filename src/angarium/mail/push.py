"""Waking phones: when mail arrived for a name, its phones' tokens go to the notification service, one POST each.

A push is a hint, never a promise. What waits is bounded, and dropped rather than kept for long; a token waits once
however many messages came. The service learns a token and the moment, nothing else; logs name neither.
"""

import asyncio
import heapq
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from angarium.mail import settings
from angarium.reach.post import post
from angarium.store.interfaces import StoreError, Tokens

__all__ = ["Push"]

_log = logging.getLogger("angarium.mail.push")

WAITING = 10_000
"""Names, and tokens, that wait at once."""
AT_ONCE = 8
"""Requests under way."""
TIMEOUT_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 5.0
"""Before a second try; then twice as long each time, give or take a half,"""
LONGEST_PAUSE_SECONDS = 900.0
"""up to this,"""
GIVE_UP_SECONDS = 5 * 3600
"""until nothing is left of so many since the mail arrived."""
GONE = 410
UNREACHABLE = 0
AGAIN = frozenset({UNREACHABLE, 408, 425, 429, *range(500, 600)})
"""Answers, or none, that another try may better."""


@dataclass(slots=True, order=True)
class _Wake:
    due: float
    name: str = field(compare=False)
    token: str = field(compare=False)
    until: float = field(compare=False)
    pause: float = field(compare=False)


class Push:
    """Notifies, if the keeper has named a service.

    Args:
        settings: where to.
        tokens: the store's.
        send: POSTs a body to a URL; returns the HTTP status, raises TimeoutError or ConnectionError.
    """

    def __init__(
        self,
        settings: settings.Push,
        tokens: Tokens,
        *,
        send: Callable[[str, bytes], Awaitable[int]] | None = None,
    ) -> None:
        self._url = settings.url
        self._tokens = tokens
        self._send = send or partial(post, timeout=TIMEOUT_SECONDS)
        self._names: dict[str, None] = {}
        self._wakes: list[_Wake] = []
        self._pending: set[tuple[str, str]] = set()
        self._stirred = asyncio.Event()

    @property
    def enabled(self) -> bool:
        """Whether there is a service; `notify` and `run` do nothing without one."""
        return bool(self._url)

    def notify(self, names: Iterable[str]) -> None:
        """Mail arrived for these names. Returns at once; drops them where too many wait already."""
        if not self.enabled:
            return
        for name in names:
            if len(self._names) < WAITING:
                self._names[name] = None
        self._stirred.set()

    async def run(self) -> None:
        """Notify until cancelled."""
        if not self.enabled:
            return
        room = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as tries:
            while True:
                await room.acquire()
                wake = await self._due()
                tries.create_task(self._try(wake)).add_done_callback(lambda _: room.release())

    async def _due(self) -> _Wake:
        """Wait for the next token whose time has come."""
        while True:
            await self._look_up()
            if self._wakes and self._wakes[0].due <= _now():
                return heapq.heappop(self._wakes)
            self._stirred.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._wakes[0].due if self._wakes else None):
                    await self._stirred.wait()

    async def _look_up(self) -> None:
        """Turn names into tokens."""
        while self._names:
            name = next(iter(self._names))
            del self._names[name]
            try:
                tokens = await self._tokens.of(name)
            except StoreError as error:
                _log.warning("tokens cannot be read: %s", error)
                continue
            for token in tokens:
                self._plan(_Wake(_now(), name, token, _now() + GIVE_UP_SECONDS, FIRST_PAUSE_SECONDS))

    async def _try(self, wake: _Wake) -> None:
        self._pending.discard((wake.name, wake.token))  # mail that arrives from now on is worth another request
        try:
            status = await self._send(self._url, wake.token.encode())
        except (TimeoutError, ConnectionError):
            status = UNREACHABLE
        if status in AGAIN and self._later(wake):
            return
        if status == GONE:
            try:
                await self._tokens.drop(wake.name, wake.token)
            except StoreError as error:
                _log.warning("a token that is gone cannot be dropped: %s", error)
        elif not 200 <= status < 300:
            _log.info("a push was given up (%d)", status)

    def _later(self, wake: _Wake) -> bool:
        """Plan another try, if there is time for one."""
        wake.due = _now() + wake.pause * (0.5 + secrets.randbelow(1000) / 1000)
        wake.pause = min(2 * wake.pause, LONGEST_PAUSE_SECONDS)
        if wake.due > wake.until:
            return False
        self._plan(wake)
        self._stirred.set()
        return True

    def _plan(self, wake: _Wake) -> None:
        if (wake.name, wake.token) not in self._pending and len(self._pending) < WAITING:
            self._pending.add((wake.name, wake.token))
            heapq.heappush(self._wakes, wake)


def _now() -> float:
    return asyncio.get_running_loop().time()
