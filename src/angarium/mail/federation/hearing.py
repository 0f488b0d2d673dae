"""Whether a message is refused by everybody at once, while the app that submitted it still waits for its answer.

The app shows a refusal and passes over a bounce (`docs/quirks.md`). So whoever submits waits a little for the first
attempts. The first answer that is anything but a refusal ends that, and so does time: then the message is the queue's,
and what is refused comes back as a bounce, once.
"""

import asyncio

from angarium.mail.verdict import ACCEPTED, Verdict

__all__ = ["Hearing"]


class Hearing:
    """One message's. It is decided once, and stays so."""

    def __init__(self, relays: int) -> None:
        """`relays`: how many it goes to."""
        self._open = relays
        self._first: Verdict | None = None
        self._over = asyncio.Event()
        self._refused = False

    def end(self) -> None:
        """Somebody took it, or it has to wait: it is the queue's."""
        self._over.set()

    async def refuse(self, verdict: Verdict) -> bool:
        """One relay refused it for all its recipients there. Returns, once it is known, whether every relay did: then
        whoever submitted it is told, and nobody else."""
        if not self._over.is_set():
            self._first = self._first or verdict
            self._open -= 1
            if not self._open:
                self._refused = True
                self._over.set()
        await self._over.wait()
        return self._refused

    async def verdict(self, seconds: float) -> Verdict:
        """What to answer: the first refusal if every relay refused within so many seconds, otherwise accepted."""
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            pass
        finally:
            self._over.set()
        return self._first if self._refused and self._first else ACCEPTED
