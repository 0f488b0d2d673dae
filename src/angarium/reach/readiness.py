"""Waiting until the kernel lets a socket be read or written: all that the transport needs of an event loop.

Refuses to know what is read. A socket stays watched for reading when a wait is over, until something comes that nobody
waits for; a timer that was set is not taken back, but asks what is due when it rings. So a connection in use, which
waits for every command, asks the kernel and the loop for next to nothing.

Invariants: whatever lies there unread, the loop is told of it at most once while nobody waits. No wait outlasts its
deadline. After `stop` nothing here touches the file descriptor again: the kernel may have given the number to another
connection by then, and to forget that one would leave it waiting for ever.
"""

import asyncio
from math import inf

from angarium.reach.watch import ENDED, READABLE, WRITABLE, watch_of

__all__ = ["Readiness", "Side"]

_Waiter = tuple[asyncio.Future[None], float]


class Readiness:
    """Both directions of one file descriptor."""

    __slots__ = ("_fd", "_watch", "_watched", "loop", "reading", "writing")

    def __init__(self, fd: int) -> None:
        """Needs a running loop."""
        self.loop = asyncio.get_running_loop()
        self._fd = fd
        self._watch = watch_of(self.loop)
        self._watched = 0
        self.reading = Side(self, READABLE)
        self.writing = Side(self, WRITABLE)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._fd < 0

    def deadline(self, timeout: float | None) -> float | None:
        """When so many seconds will have passed, on the loop's clock."""
        return None if timeout is None else self.loop.time() + timeout

    def stop(self) -> None:
        """Forget the file descriptor, which is about to be closed; whoever waits for it looks again. Idempotent."""
        if self._fd >= 0:
            self._set(0)
            self._fd = -1
            self.reading.end()
            self.writing.end()

    def begin(self, what: int) -> None:
        """Watch for `what`, if that is not so yet."""
        if not self._watched & what:
            self._set(self._watched | what)

    def cease(self, what: int) -> None:
        """Watch for `what` no more."""
        if self._watched & what:
            self._set(self._watched & ~what)

    def _set(self, what: int) -> None:
        if what != self._watched:
            before, self._watched = self._watched, what
            self._watch.change(self._fd, before, what, self._told)

    def _told(self, events: int) -> None:
        if events & ENDED:
            self._set(0)  # or it would be told again and again
            events = READABLE | WRITABLE
        if events & READABLE and not self.reading.wake():
            self.cease(READABLE)
        if events & WRITABLE:
            self.cease(WRITABLE)  # there is nearly always room: the loop would not rest
            self.writing.wake()


class Side:
    """One direction, awaited by any number of tasks."""

    __slots__ = ("_ready", "_timer", "_waiters", "_what")

    def __init__(self, ready: Readiness, what: int) -> None:
        self._ready = ready
        self._what = what
        self._waiters: list[_Waiter] = []
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, deadline: float | None) -> asyncio.Future[None]:
        """Done once the kernel may let us, or on `wake` or `stop`; the caller looks, and perhaps waits again.

        To be awaited at once, which raises TimeoutError where the loop's clock reached `deadline` first. A future, not
        a coroutine: thousands wait, and a frame for each is memory.

        Raises:
            ConnectionAbortedError: `stop` was called before.
        """
        ready = self._ready
        if ready.stopped:
            raise ConnectionAbortedError("closed on our side")
        waiter = ready.loop.create_future()
        if self._waiters:  # who was cancelled is still there
            self._waiters = [other for other in self._waiters if not other[0].done()]
        self._waiters.append((waiter, inf if deadline is None else deadline))
        ready.begin(self._what)
        if deadline is not None and (self._timer is None or deadline < self._timer.when()):
            self._set_timer(deadline)
        return waiter

    def wake(self) -> bool:
        """Let everybody who waits look again; whether anybody does."""
        if not self._waiters:
            return False
        waiters, self._waiters = self._waiters, []
        woken = False
        for waiter, _ in waiters:
            if not waiter.done():
                waiter.set_result(None)
                woken = True
        return woken

    def end(self) -> None:
        """There is nothing to wait for any more."""
        self.wake()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._ready.loop.call_at(when, self._ring)

    def _ring(self) -> None:
        """Tell whoever has waited long enough; the timer goes on for those who have not."""
        self._timer = None
        now = self._ready.loop.time()
        for waiter, deadline in self._waiters:
            if deadline <= now and not waiter.done():
                waiter.set_exception(TimeoutError())
        following = min((deadline for waiter, deadline in self._waiters if not waiter.done()), default=inf)
        if following < inf:
            self._set_timer(following)
