"""IDLE (RFC 2177): the one time the server speaks unasked.

A task of its own waits for changes while the session waits for DONE. It is never stopped in the middle of a write, or
nothing could be written after it: `stop` lets a write end and only breaks off the waiting.
"""

import asyncio

from angarium.edge.imap.breath import AGAIN
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
            session.selected.opened.forget()
            await self._tell()
        else:
            await session.flush()
        if session.has_selected and not self._over:
            self._task = asyncio.create_task(self._run())

    async def reassure(self) -> None:
        """Let the client hear that the connection lives: with nothing in it, not even a time."""
        session = self._session
        if self._speaking or self._over:
            return
        session.carried = True
        if session.breath is not None and session.breath.spent(session):
            await self._end(AGAIN)
            return
        session.machine.untagged(b"OK Still here")
        await session.flush()

    async def stop(self) -> None:
        """End it; afterwards nobody but the session writes."""
        self._over = True
        if self._task is None:
            return
        if not self._speaking:
            self._task.cancel()  # it says nothing more, and ends in the loop's next turn
            return
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
                await session.selected.subscription.wait()
                self._speaking = True
                await self._speak()
                self._speaking = False
        except (ConnectionError, TimeoutError):
            session.connection.abort()

    async def _speak(self) -> None:
        session = self._session
        try:
            await session.refresh()
        except Gone:
            await self._end("This mailbox is no more")
        else:
            await self._tell()

    async def _tell(self) -> None:
        """Say what the client does not know yet, or end where what has arrived does not fit any more."""
        session = self._session
        arrived = session.selected.view.arrived
        if arrived and session.breath is not None and not session.breath.announces(session, arrived[0].size):
            await self._end(AGAIN)
        else:
            session.announce(Moment.FREE)
            await session.flush()

    async def _end(self, text: str) -> None:
        """Say BYE, and close."""
        session = self._session
        self._over = True
        session.machine.bye(text)
        await session.flush()
        await session.connection.close()
