"""The presses: one in this process, and one in each of some others where there is more than a little to do.

The others are started when that turns out, and are given sheets as they finish, a few ahead, so that what waits does
not grow with the site. They end with this process, however that ends.
"""

import dataclasses
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from angarium.channel.site.ledger import LedgerError
from angarium.channel.site.press import Press, Setup

__all__ = ["Pressroom"]

MOST_PROCESSES = 8
Sheet = TypeVar("Sheet")
Done = TypeVar("Done")


class Pressroom:
    """The presses of one run. Raises what a Press does."""

    def __init__(self, setup: Setup, processes: int | None = None) -> None:
        """`processes`: how many others at most; None: as many as there are processors. 0 and 1: none."""
        self.press = Press(setup)
        self._setup = setup
        self._processes = min(MOST_PROCESSES, usable()) if processes is None else processes
        self._others: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Pressroom":
        return self

    def __exit__(self, *_: object) -> None:
        if self._others is not None:
            self._others.shutdown(cancel_futures=True)

    def run(
        self, work: Callable[[Press, Sheet], Done], sheets: Iterable[Sheet], *, here: int
    ) -> Iterator[tuple[Sheet, Done]]:
        """Each sheet with what was done with it, in their order. `here`: how many are not worth starting others for.

        Raises:
            LedgerError: another process was ended from outside.
        """
        sheets = iter(sheets)
        if self._others is None:
            for sheet in islice(sheets, here):
                yield sheet, work(self.press, sheet)
        waiting: deque[tuple[Sheet, Future[Done]]] = deque()
        try:
            for sheet in sheets:
                if not self._start():
                    yield sheet, work(self.press, sheet)
                    continue
                assert self._others is not None
                waiting.append((sheet, self._others.submit(_work, work, sheet)))
                if len(waiting) > self._processes:
                    yield _result(*waiting.popleft())
            while waiting:
                yield _result(*waiting.popleft())
        except BrokenProcessPool:
            raise LedgerError(
                "a process that helped was ended from outside, perhaps since memory ran out. Run it again: it goes on"
            ) from None

    def _start(self) -> bool:
        """Whether there are others now."""
        if self._others is None and self._processes > 1:
            alone = dataclasses.replace(self._setup, key=dataclasses.replace(self._setup.key))  # without what it cached
            try:
                self._others = ProcessPoolExecutor(
                    self._processes, multiprocessing.get_context("spawn"), _set_up, (alone,)
                )
            except (OSError, NotImplementedError):  # no semaphores here
                self._processes = 0
        return self._others is not None


def usable() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _result(sheet: Sheet, future: "Future[Done]") -> tuple[Sheet, Done]:
    return sheet, future.result()


_press: Press


def _set_up(setup: Setup) -> None:
    """In a process of its own."""
    global _press
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _press = Press(setup)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(work: Callable[[Press, Sheet], Done], sheet: Sheet) -> Done:
    return work(_press, sheet)
