"""The one thread that writes. Jobs that wait are written together: one transaction, one flush of the disk for all.

Each job has a savepoint of its own, so that one that fails takes nothing from the others; where the disk fails the
transaction as a whole, each is tried once more alone. Futures are resolved, and news given out, on the event loop,
only after the commit, in its order.
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from angarium.store.interfaces import Damaged, StoreError, StoreFull
from angarium.store.raw import RawWriting
from angarium.store.rows import News, Writing
from angarium.store.sqlite.complaint import Complaint
from angarium.store.sqlite.errors import held, translated
from angarium.store.sqlite.rows import SqliteRows
from angarium.store.sqlite.wal import Wal

__all__ = ["GROUP", "QUEUE", "Writer"]

T = TypeVar("T")
_log = logging.getLogger("angarium.store")

GROUP = 256
"""Most jobs in one transaction."""
QUEUE = 1024
"""Jobs under way at once; who comes later waits to be let in."""


@dataclass(slots=True)
class _Order:
    job: Callable[[Writing, News], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: Exception | None = None
    news: News = field(default_factory=list)


class Writer:
    """See the file's head. Owns the connection it is given."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        wal: Wal,
        publish: Callable[[News], None],
        veil: Callable[[RawWriting], Writing],
    ) -> None:
        self._connection = connection
        self._rows = veil(SqliteRows(connection))
        self._wal = wal
        self._publish = publish
        self._queue: SimpleQueue[_Order | None] = SimpleQueue()
        self._room = asyncio.Semaphore(QUEUE)
        self._closed = False
        self._complaint = Complaint("nothing can be stored", "storing works again")
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, job: Callable[[Writing, News], T]) -> T:
        """Run a job in the next transaction. See `store.rows.Backend.write`."""
        async with self._room:
            if self._closed:
                raise StoreError("the store is closed")
            loop = asyncio.get_running_loop()
            future: asyncio.Future[T] = loop.create_future()
            self._queue.put(_Order(job, future, loop))
            return await future

    async def close(self) -> None:
        """Write what was queued, then end the thread and close the connection."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        open_ = True
        while open_:
            try:
                first = self._queue.get(timeout=self._wal.patience)
            except Empty:
                self._wal.cut()
                continue
            orders, open_ = self._group(first)
            if orders:
                self._write(orders)
        self._wal.cut()
        self._connection.close()

    def _group(self, order: _Order | None) -> tuple[list[_Order], bool]:
        """All orders that wait, and whether more may come. Whose caller has given up already is left out."""
        orders: list[_Order] = []
        while order is not None:
            if not order.future.cancelled():
                orders.append(order)
            if len(orders) == GROUP or self._queue.empty():
                return orders, True
            order = self._queue.get()
        return orders, False

    def _write(self, orders: list[_Order]) -> None:
        try:
            self._transaction(orders)
        except Exception as error:
            if len(orders) == 1 or held(error):
                for order in orders:
                    order.error = translated(error)
            else:
                for order in orders:
                    self._write_alone(order)
        self._report(orders)
        try:
            orders[0].loop.call_soon_threadsafe(self._settle, orders)
        except RuntimeError:
            _log.warning("the event loop ended before the answer to a write")
        self._wal.committed()

    def _write_alone(self, order: _Order) -> None:
        try:
            self._transaction([order])
        except Exception as error:
            order.error = translated(error)

    def _transaction(self, orders: list[_Order]) -> None:
        """Run orders and commit; what concerns one alone is noted in it. Whatever this raises, nothing was written."""
        execute = self._connection.execute
        self._wal.ready()
        try:
            execute("BEGIN IMMEDIATE")
            for order in orders:
                execute("SAVEPOINT job")
                self._run_job(order)
                execute("RELEASE job")
            execute("COMMIT")
        except Exception:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise

    def _run_job(self, order: _Order) -> None:
        order.error, order.news = None, []
        try:
            order.result = order.job(self._rows, order.news)
        except Exception as error:
            if not self._connection.in_transaction:
                raise  # a full disk has rolled back everybody's work
            self._connection.execute("ROLLBACK TO job")
            order.error = translated(error)

    def _report(self, orders: list[_Order]) -> None:
        """Tell the keeper when the disk begins to fail, and when it works again; not at every job."""
        failing = next(
            (str(order.error) for order in orders if type(order.error) in (StoreError, StoreFull, Damaged)), None
        )
        self._complaint.note(failing)

    def _settle(self, orders: list[_Order]) -> None:
        for order in orders:
            if order.error is None:
                self._publish(order.news)
                if not order.future.done():
                    order.future.set_result(order.result)
            elif not order.future.done():
                order.future.set_exception(order.error)
