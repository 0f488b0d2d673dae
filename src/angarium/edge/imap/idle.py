"""IDLE (RFC 2177): the one time the server speaks unasked.

A task of its own waits for changes while the session waits for DONE. It is never stopped in the middle of a write, or
half a TLS record would be lost: `stop` lets a write end and only breaks off the waiting.
"""

import asyncio

from angarium.edge.imap.session import Gone, Session
from angarium.wire.imap.view import Moment

__all__ = ["Idling"]


class Idling:
    """An IDLE under way."""

    __slots__ = ("_over", "_session", "_speaking", "_task")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._over = False
        self._speaking = False
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Say `+ idling`, and right behind it all that is unannounced (the first hard rule); then stay awake."""
        session = self._session
        session.machine.idling()
        if session.has_selected:
            session.announce(Moment.FREE)
        await session.flush()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End it; afterwards nobody but the session writes."""
        self._over = True
        if self._task is None:
            return
        if not self._speaking:
            self._task.cancel()
        await asyncio.wait((self._task,))
        if not self._task.cancelled():
            self._task.result()

    async def abandon(self) -> None:
        """End it at once, in the middle of a write if need be; the connection is of no use afterwards."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        session = self._session
        try:
            while not self._over:
                news = await self._news()
                self._speaking = True
                await self._speak(news=news)
                self._speaking = False
        except (ConnectionError, TimeoutError):
            session.connection.abort()

    async def _news(self) -> bool:
        """Wait until something happens, which is news, or for long enough that the client should hear of us."""
        seconds = self._session.site.keepalive_seconds
        if not self._session.has_selected:
            await asyncio.sleep(seconds)
            return False
        try:
            async with asyncio.timeout(seconds):
                await self._session.selected.subscription.wait()
        except TimeoutError:
            return False
        return True

    async def _speak(self, *, news: bool) -> None:
        session = self._session
        if not news:
            session.machine.untagged(b"OK Still here")
            await session.flush()
            return
        try:
            await session.refresh()
        except Gone:
            self._over = True
            session.machine.bye("This mailbox is no more")
            await session.flush()
            await session.connection.close()
        else:
            session.announce(Moment.FREE)
            await session.flush()
