"""Waiting until the kernel lets a socket be read or written: all that the transport needs of an event loop.

Refuses to know what is read. A socket stays watched for reading when a wait is over, until something comes that nobody
waits for; an alarm that was set is not taken back, but asks what is due when it rings. So a connection in use, which
waits for every command, asks the kernel and the loop for next to nothing. Who waited goes on in the turn of the loop in
which the kernel says so, not in the next.

Invariants: whatever lies there unread, the loop is told of it at most once while nobody waits. No wait outlasts its
deadline by more than the grain of `deadlines`. After `stop` nothing here touches the file descriptor again: the kernel
may have given the number to another connection by then, and to forget that one would leave it waiting for ever.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from math import inf
from typing import Protocol

from angarium.reach.deadlines import deadlines_of
from angarium.reach.watch import ENDED, READABLE, WRITABLE, watch_of

__all__ = ["Readiness", "Side", "Waiter"]


class Waiter(Protocol):
    """Who is told that a wait is over: as a future is, or in the very turn of the loop in which the kernel said so."""

    def done(self) -> bool:
        """Whether he waits no more."""

    def set_result(self, result: None, /) -> None:
        """The kernel may let us, or somebody says to look again."""

    def set_exception(self, error: TimeoutError, /) -> None:
        """The deadline came first."""


_Waiting = tuple[Waiter, float]


class Readiness:
    """Both directions of one file descriptor."""

    __slots__ = ("_fd", "_watch", "_watched", "_writing", "loop", "patient", "reading")

    def __init__(self, fd: int) -> None:
        """Needs a running loop."""
        self.loop = asyncio.get_running_loop()
        self._fd = fd
        self._watch = watch_of(self.loop)
        self._watched = 0
        self.patient = False
        """See `watch`."""
        self.reading = Side(self, READABLE)
        self._writing: Side | None = None
        """Made once somebody has waited for it: most never do."""

    @property
    def writing(self) -> "Side":
        """The direction away from us."""
        if self._writing is None:
            self._writing = Side(self, WRITABLE)
        return self._writing

    def wrote(self, *, now: bool = False) -> None:
        """Something was written: let those who wait for that look again."""
        if self._writing is not None:
            self._writing.wake(now=now)

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
            if self._writing is not None:
                self._writing.end()

    def begin(self, what: int) -> None:
        """Watch for `what`, if that is not so yet."""
        if not self._watched & what:
            self._set(self._watched | what)

    def cease(self, what: int) -> None:
        """Watch for `what` no more."""
        if self._watched & what:
            self._set(self._watched & ~what)

    def defer(self) -> None:
        """Give others precedence."""
        self._move(patient=True)

    def settle(self) -> None:
        """Have precedence over those who are patient."""
        self._move(patient=False)

    def tell(self, events: int) -> None:
        """The watch says what happened."""
        if events & ENDED:
            self._set(0)  # or it would be told again and again
            events = READABLE | WRITABLE
        if events & READABLE and not self.reading.wake(now=True):
            self.cease(READABLE)
        if events & WRITABLE:
            self.cease(WRITABLE)  # there is nearly always room: the loop would not rest
            self.wrote(now=True)

    def _move(self, *, patient: bool) -> None:
        if patient is not self.patient:
            watched = self._watched
            self._set(0)
            self.patient = patient
            self._set(watched)

    def _set(self, what: int) -> None:
        if what != self._watched:
            before, self._watched = self._watched, what
            self._watch.change(self._fd, before, what, self)


class _Wait(asyncio.Future[None]):
    """A future behind which whoever waits for it can go on in this turn of the loop, where others do in the next."""

    __slots__ = ("_context", "_go_on")

    def add_done_callback(self, fn: Callable[["_Wait"], object], /, *, context: Context | None = None) -> None:
        """See `asyncio.Future`. A task that awaits this asks so to be told."""
        self._go_on, self._context = fn, context
        super().add_done_callback(fn, context=context)

    def over(self) -> None:
        """Set the result, and let who waits go on at once; or in the next turn, where another task is at work now."""
        go_on: Callable[[_Wait], object] | None = getattr(self, "_go_on", None)
        at_once = go_on is not None and asyncio.current_task() is None and bool(self.remove_done_callback(go_on))
        self.set_result(None)
        if at_once and go_on is not None:
            (self._context or copy_context()).run(go_on, self)


class Side:
    """One direction, awaited by any number of tasks; nearly always by none or one, and who is alone takes no list."""

    __slots__ = ("_alarm", "_deadline", "_others", "_ready", "_waiter", "_what")

    def __init__(self, ready: Readiness, what: int) -> None:
        self._ready = ready
        self._what = what
        self._waiter: Waiter | None = None
        self._deadline = inf
        """The waiter's, on the loop's clock."""
        self._others: list[_Waiting] | None = None
        self._alarm = inf
        """When `ring` is to be called."""

    def wait(self, deadline: float | None) -> asyncio.Future[None]:
        """Done once the kernel may let us, or on `wake` or `stop`; the caller looks, and perhaps waits again.

        To be awaited at once, which raises TimeoutError where the loop's clock reached `deadline` first. A future, not
        a coroutine: thousands wait, and a frame for each is memory.

        Raises:
            ConnectionAbortedError: `stop` was called before.
        """
        waiter = _Wait(loop=self._ready.loop)
        self.tell(waiter, deadline)
        return waiter

    def tell(self, waiter: Waiter, deadline: float | None) -> None:
        """As `wait`, for somebody of one's own in place of a future."""
        ready = self._ready
        if ready.stopped:
            raise ConnectionAbortedError("closed on our side")
        until = inf if deadline is None else deadline
        if self._waiter is None or self._waiter.done():  # that one was cancelled
            self._waiter, self._deadline = waiter, until
        else:
            self._others = [other for other in self._others or () if not other[0].done()] + [(waiter, until)]
        ready.begin(self._what)
        if until < self._alarm:
            self._set_alarm(until)

    def wake(self, *, now: bool = False) -> bool:
        """Let everybody who waits look again, `now` or in the next turn of the loop; whether anybody does."""
        waiter = self._waiter
        if waiter is None:
            return False
        self._waiter = None
        woken = not waiter.done()
        if woken:
            if now and isinstance(waiter, _Wait):
                waiter.over()
            else:
                waiter.set_result(None)
        if self._others is not None:
            others, self._others = self._others, None
            for other, _ in others:
                if not other.done():
                    other.set_result(None)
                    woken = True
        return woken

    def end(self) -> None:
        """There is nothing to wait for any more."""
        self.wake()
        if self._alarm < inf:
            deadlines_of(self._ready.loop).remove(self._alarm, self)
            self._alarm = inf

    def ring(self) -> None:
        """Tell whoever has waited long enough; the alarm is set anew for those who have not."""
        self._alarm = following = inf
        now = self._ready.loop.time()
        for waiter, deadline in self._waiting():
            if deadline > now:
                following = min(following, deadline)
                continue
            if waiter is self._waiter:
                self._waiter = None
            waiter.set_exception(TimeoutError())
        if following < inf:
            self._set_alarm(following)

    def _waiting(self) -> list[_Waiting]:
        alone = [] if self._waiter is None else [(self._waiter, self._deadline)]
        return [each for each in alone + (self._others or []) if not each[0].done()]

    def _set_alarm(self, when: float) -> None:
        deadlines = deadlines_of(self._ready.loop)
        if self._alarm < inf:
            deadlines.remove(self._alarm, self)
        self._alarm = deadlines.add(when, self)
