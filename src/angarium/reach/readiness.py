"""Waiting until the kernel lets a socket be read or written: all that the transport needs of an event loop.

Works with every loop that has `add_reader` and `add_writer` (asyncio's own and uvloop). Refuses to know what is read.

Invariants: the loop watches the file descriptor only while somebody waits. After `stop` nothing here touches it again:
the kernel may have given the number to another connection by then, and to unregister that one would leave it waiting
for ever.
"""

import asyncio

__all__ = ["Readiness", "Side"]


class Side:
    """One direction of a file descriptor, awaited by any number of tasks."""

    __slots__ = ("_fd", "_loop", "_waiters", "_writing")

    def __init__(self, fd: int, *, writing: bool) -> None:
        self._fd = fd
        self._writing = writing
        self._loop = asyncio.get_running_loop()
        self._waiters: list[asyncio.Future[None]] = []

    async def wait(self, deadline: float | None) -> None:
        """Return once the kernel may let us, or somebody called `wake`; the caller tries and perhaps waits again.

        Raises:
            TimeoutError: the loop's clock reached `deadline` first.
            ConnectionAbortedError: `stop` was called.
        """
        if self._fd >= 0:
            waiter = self._loop.create_future()
            timer = None if deadline is None else self._loop.call_at(deadline, _expire, waiter)
            self._join(waiter)
            try:
                await waiter
            finally:
                if timer is not None:
                    timer.cancel()
                self._leave(waiter)
        if self._fd < 0:
            raise ConnectionAbortedError("closed on our side")

    def wake(self) -> None:
        """Let everybody who waits look again."""
        if not self._waiters:
            return
        self._unwatch()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def stop(self) -> None:
        """Forget the file descriptor, which is about to be closed; whoever waits for it is told. Idempotent."""
        self.wake()
        self._fd = -1

    def _join(self, waiter: asyncio.Future[None]) -> None:
        if not self._waiters:
            self._watch()
        self._waiters.append(waiter)

    def _leave(self, waiter: asyncio.Future[None]) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            if not self._waiters:
                self._unwatch()

    def _watch(self) -> None:
        watch = self._loop.add_writer if self._writing else self._loop.add_reader
        watch(self._fd, self.wake)

    def _unwatch(self) -> None:
        unwatch = self._loop.remove_writer if self._writing else self._loop.remove_reader
        unwatch(self._fd)


class Readiness:
    """Both directions of one file descriptor."""

    __slots__ = ("reading", "writing")

    def __init__(self, fd: int) -> None:
        self.reading = Side(fd, writing=False)
        self.writing = Side(fd, writing=True)

    def stop(self) -> None:
        """Forget the file descriptor. Idempotent."""
        self.reading.stop()
        self.writing.stop()


def _expire(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
