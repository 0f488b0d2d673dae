"""The one connection that writes. Jobs that wait are written together: one transaction, one flush of the disk for all.

Short jobs run on the event loop's thread, as short looks do; only the commit, which waits for the disk, is the writer's
thread's. Two threads that take turns at every row cost more than the rows. A group with a heavy job in it, or one that
comes while that thread has the connection, or while the disk is slow to read, runs over there as a whole.

Where other processes write too, a group begins with the lock that they share (`store.sqlite.writelock`). The thread
waits for it, if it is not to be had at once, and the group is then all that has come meanwhile.

A job looks first and changes afterwards (`store.rows`), so one that fails has changed nothing and takes nothing from
the others. Where one has, or where the disk fails the transaction as a whole, all is undone and each is tried once more
alone.
Futures are resolved, and news given out, on the event loop, only after the commit, in its order.

Invariants:
* The connection belongs to who holds `_turn`: the event loop from the beginning of a transaction until it is handed
  over, the thread until it is committed. The event loop never waits for it, nor for another program's lock.
* The write lock is taken before a group is begun, and given back when it is committed.
* One group is under way at a time, and what comes meanwhile is the next one: the slower the disk, the larger they are.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from angarium.store.interfaces import Damaged, StoreError, StoreFull
from angarium.store.raw import RawWriting
from angarium.store.rows import News, Writing
from angarium.store.sqlite.complaint import Complaint
from angarium.store.sqlite.errors import held, translated
from angarium.store.sqlite.recent import RecentRows
from angarium.store.sqlite.wal import Wal
from angarium.store.sqlite.writelock import Alone, WriteLock

__all__ = ["GROUP", "QUEUE", "Writer"]

T = TypeVar("T")
_log = logging.getLogger("angarium.store")

GROUP = 256
"""Most jobs in one transaction."""
QUEUE = 1024
"""Jobs under way at once; who comes later waits to be let in."""
SLOW = 0.1
"""Seconds on the event loop's thread after which a group must have waited for the disk,"""
ELSEWHERE = 10.0
"""and for which the next ones run in the writer's thread."""


@dataclass(slots=True)
class _Order:
    job: Callable[[Writing, News], Any]
    future: asyncio.Future[Any]
    heavy: bool
    result: Any = None
    error: Exception | None = None
    news: News = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    orders: list[_Order]
    begun: bool
    """Its jobs have run, and the transaction is to be committed."""


class _ToLock:
    """Asks the thread to wait for the write lock."""


class Writer:
    """See the file's head. Owns the connection it is given."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        wal: Wal,
        publish: Callable[[News], None],
        veil: Callable[[RawWriting], Writing],
        *,
        patience: int,
        lock: WriteLock | None = None,
    ) -> None:
        """`patience`: milliseconds to wait for another program that holds the database. `lock`: what other processes
        share that write too."""
        self._connection = connection
        self._recent = RecentRows(connection)
        self._rows = veil(self._recent)
        self._wal = wal
        self._publish = publish
        self.patience = patience
        self._turn = threading.Lock()
        self._lock = lock or Alone()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[_Order] = deque()
        self._under_way = False
        self._elsewhere_until = 0.0
        self._queue: SimpleQueue[_Group | _ToLock | None] = SimpleQueue()
        self._room = asyncio.Semaphore(QUEUE)
        self._closed = False
        self._complaint = Complaint("nothing can be stored", "storing works again")
        connection.execute("PRAGMA busy_timeout = 0")
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, job: Callable[[Writing, News], T], *, heavy: bool = False) -> T:
        """Run a job in the next transaction. See `store.rows.Backend.write`."""
        await self._room.acquire()
        try:
            if self._closed:
                raise StoreError("the store is closed")
            self._loop = asyncio.get_running_loop()
            future: asyncio.Future[T] = self._loop.create_future()
            self._waiting.append(_Order(job, future, heavy))
            if not self._under_way:
                self._under_way = True
                self._loop.call_soon(self._begin)
            return await future
        finally:
            self._room.release()

    async def close(self) -> None:
        """Write what was queued, then end the thread and close the connection."""
        if not self._closed:
            self._closed = True
            if not self._under_way:
                self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    # On the event loop

    def _begin(self) -> None:
        """Have the next group written, if somebody waits."""
        if not self._waiting:
            self._rest()
        elif self._lock.acquire(wait=False):
            self._go_on()
        else:
            self._queue.put(_ToLock())

    def _go_on(self) -> None:
        """The write lock is ours."""
        orders = self._next()
        if orders:
            light = not any(order.heavy for order in orders)
            self._queue.put(_Group(orders, begun=light and self._begun_here(orders)))
        else:
            self._lock.release()
            self._rest()

    def _refuse(self) -> None:
        for order in self._next():
            order.future.set_exception(StoreError("the system has no more locks"))
        self._begin()

    def _rest(self) -> None:
        self._under_way = False
        if self._closed:
            self._queue.put(None)

    def _next(self) -> list[_Order]:
        """All orders that wait, or the first of them. Whose caller has given up already is left out."""
        waiting = self._waiting
        orders: list[_Order] = []
        while waiting and len(orders) < GROUP:
            order = waiting.popleft()
            if not order.future.cancelled():
                orders.append(order)
        return orders

    def _begun_here(self, orders: list[_Order]) -> bool:
        """Run orders on this thread, up to the commit; False: it is to be done in the other, from the beginning."""
        began = time.monotonic()
        if began < self._elsewhere_until or not self._turn.acquire(blocking=False):
            return False
        try:
            if self._wal.whole:
                self._run_jobs(orders)
        except Exception:
            return False  # whatever it is, there is more patience for it over there
        finally:
            begun = self._connection.in_transaction
            if not begun:
                self._turn.release()
            if (now := time.monotonic()) - began > SLOW:
                self._elsewhere_until = now + ELSEWHERE
        return begun

    def _settle(self, orders: list[_Order]) -> None:
        for order in orders:
            if order.error is None:
                self._publish(order.news)
                if not order.future.done():
                    order.future.set_result(order.result)
            elif not order.future.done():
                order.future.set_exception(order.error)
        self._begin()

    # In the writer's thread. It takes the turn only where nothing that was begun can be on its way to it.

    def _run(self) -> None:
        open_ = True
        while open_:
            try:
                group = self._queue.get(timeout=self._wal.patience)
            except Empty:
                if self._turn.acquire(blocking=False):
                    self._wal.rest()
                    self._turn.release()
                continue
            match group:
                case None:
                    open_ = False
                case _ToLock():
                    self._wait_for_lock()
                case _:
                    self._write(group)
        self._wal.end()
        self._connection.close()

    def _wait_for_lock(self) -> None:
        try:
            self._lock.acquire(wait=True)
        except OSError:
            self._on_loop(self._refuse)
            return
        if not self._on_loop(self._go_on):
            self._lock.release()

    def _write(self, group: _Group) -> None:
        """Have a group on the disk, and settled."""
        if not group.begun:
            self._turn.acquire()
        try:
            self._commit(group)
            self._report(group.orders)
            long = self._wal.committed()
            if long:
                self._tell(group.orders)
                self._wal.cut()
        finally:
            self._turn.release()
            self._lock.release()
        if not long:
            self._tell(group.orders)

    def _commit(self, group: _Group) -> None:
        orders = group.orders
        try:
            if group.begun:
                self._end()
            else:
                self._transaction(orders)
        except Exception as error:
            if len(orders) == 1 or held(error):
                for order in orders:
                    order.error = translated(error)
            else:
                for order in orders:
                    self._write_alone(order)

    def _write_alone(self, order: _Order) -> None:
        try:
            self._transaction([order])
        except Exception as error:
            order.error = translated(error)

    def _transaction(self, orders: list[_Order]) -> None:
        """Run orders and commit. Whatever this raises, nothing was written."""
        self._connection.execute(f"PRAGMA busy_timeout = {self.patience}")
        try:
            self._wal.ready()
            self._run_jobs(orders)
        finally:
            self._connection.execute("PRAGMA busy_timeout = 0")
        self._end()

    def _tell(self, orders: list[_Order]) -> None:
        if not self._on_loop(self._settle, orders):
            _log.warning("the event loop ended before the answer to a write")

    def _on_loop(self, callback: Callable[..., None], *arguments: Any) -> bool:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            return False
        return True

    def _report(self, orders: list[_Order]) -> None:
        """Tell the keeper when the disk begins to fail, and when it works again; not at every job."""
        failing = next(
            (str(order.error) for order in orders if type(order.error) in (StoreError, StoreFull, Damaged)), None
        )
        self._complaint.note(failing)

    # In either, by turns

    def _run_jobs(self, orders: list[_Order]) -> None:
        """Begin a transaction and run orders in it; what concerns one alone is noted in it."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._recent.begin()
            for order in orders:
                self._run_job(order)
        except Exception:
            self._undo()
            raise

    def _run_job(self, order: _Order) -> None:
        order.error, order.news = None, []
        before = self._connection.total_changes
        try:
            order.result = order.job(self._rows, order.news)
        except Exception as error:
            if self._connection.total_changes != before or not self._connection.in_transaction:
                raise  # it changed something, or a full disk has rolled back everybody's work
            order.error = translated(error)

    def _end(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except Exception:
            self._undo()
            raise

    def _undo(self) -> None:
        self._recent.forget()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
