"""The writer: what waits is committed together, and nobody pays for another's failure."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from angarium.store.interfaces import StoreError, StoreFull
from angarium.store.rows import News, Writing
from angarium.store.seal import Clear
from angarium.store.sqlite import writer
from angarium.store.sqlite.backend import SqliteBackend
from angarium.store.sqlite.writer import GROUP, QUEUE
from angarium.store.veil import Veiled
from angarium.wire.imap.entry import Expunged


@dataclass
class Desk:
    """A back-end whose writer can be held up, and whose statements are noted."""

    backend: SqliteBackend
    directory: Path
    news: News
    statements: list[str] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)

    async def hold(self) -> asyncio.Future[None]:
        """Keep the writer busy in a transaction of its own until `held` is set."""
        busy = asyncio.Event()
        loop = asyncio.get_running_loop()

        def job(rows: Writing, news: News) -> None:
            loop.call_soon_threadsafe(busy.set)
            assert self.held.wait(30)

        holding = asyncio.ensure_future(self.backend.write(job, heavy=True))
        await busy.wait()
        self.statements.clear()
        return holding

    def there(self) -> set[bytes]:
        """The tombstones another process would find on disk."""
        connection = sqlite3.connect(self.directory / "store.db")
        tombs = {tomb for (tomb,) in connection.execute("SELECT tomb FROM tombs")}
        connection.close()
        return tombs


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    news: News = []
    made = Desk(
        SqliteBackend(tmp_path, news.extend, mark=b"mark", veil=partial(Veiled, seal=Clear(bytes(32)))), tmp_path, news
    )
    made.backend._writer._connection.set_trace_callback(made.statements.append)
    yield made
    made.held.set()
    await made.backend.close()


def bury(name: bytes, *, then: Exception | None = None) -> Callable[[Writing, News], bytes]:
    def job(rows: Writing, news: News) -> bytes:
        rows.bury(name)
        news.append((1, Expunged(len(news) + 1)))
        if then is not None:
            raise then
        return name

    return job


async def queued(desk: Desk, jobs: list[Callable[[Writing, News], bytes]]) -> list[asyncio.Task[bytes]]:
    """Hand jobs to the writer, which is held up, without waiting for them."""
    tasks = [asyncio.create_task(desk.backend.write(job)) for job in jobs]
    await asyncio.sleep(0)
    return tasks


async def test_what_waits_is_committed_together(desk: Desk) -> None:
    holding = await desk.hold()
    tasks = await queued(desk, [bury(b"%d" % at) for at in range(50)])
    desk.held.set()
    assert await asyncio.gather(*tasks) == [b"%d" % at for at in range(50)]
    await holding
    assert desk.statements.count("COMMIT") == 2
    assert not any(statement.startswith("SAVEPOINT") for statement in desk.statements)


async def test_a_group_has_its_limit(desk: Desk) -> None:
    await desk.hold()
    tasks = await queued(desk, [bury(b"%d" % at) for at in range(2 * GROUP + 1)])
    desk.held.set()
    await asyncio.gather(*tasks)
    assert desk.statements.count("COMMIT") == 1 + 3


async def test_an_answer_means_it_is_on_disk(desk: Desk) -> None:
    for at in range(10):
        name = await desk.backend.write(bury(b"%d" % at))
        assert name in desk.there()


async def test_a_failing_job_takes_nothing_from_the_others(desk: Desk) -> None:
    await desk.hold()
    tasks = await queued(desk, [bury(b"1"), bury(b"2", then=KeyError("mine")), bury(b"3")])
    desk.held.set()
    one, two, three = await asyncio.gather(*tasks, return_exceptions=True)
    assert (one, three) == (b"1", b"3")
    assert isinstance(two, KeyError)
    assert desk.there() == {b"1", b"3"}
    assert len(desk.news) == 2


async def test_a_statement_that_fails_is_its_own_jobs_failure(desk: Desk) -> None:
    def job(rows: Writing, news: News) -> bytes:
        rows.bury(b"no")
        rows.add_blob(1, day=1, size=0, holders=1, body=b"")
        rows.add_blob(1, day=1, size=0, holders=1, body=b"")
        return b"no"

    await desk.hold()
    tasks = await queued(desk, [bury(b"1"), job, bury(b"2")])
    desk.held.set()
    one, failed, two = await asyncio.gather(*tasks, return_exceptions=True)
    assert (one, two) == (b"1", b"2")
    assert type(failed) is StoreError
    assert desk.there() == {b"1", b"2"}


async def test_news_are_out_in_order_before_the_answers(desk: Desk) -> None:
    await desk.hold()
    heard: list[int] = []

    async def one(number: int) -> None:
        await desk.backend.write(lambda rows, news: news.append((number, None)))
        heard.append(len(desk.news))

    tasks = [asyncio.ensure_future(one(number)) for number in range(20)]
    await asyncio.sleep(0)
    desk.held.set()
    await asyncio.gather(*tasks)
    assert [number for number, _ in desk.news] == list(range(20))
    assert heard == [20] * 20


async def test_a_full_queue_lets_nobody_in(desk: Desk) -> None:
    await desk.hold()
    tasks = await queued(desk, [bury(b"%d" % at) for at in range(QUEUE + 50)])
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(desk.backend._writer._waiting) == QUEUE - 1
    desk.held.set()
    await asyncio.gather(*tasks)
    assert len(desk.there()) == QUEUE + 50


async def test_who_gave_up_before_its_turn_is_left_out(desk: Desk) -> None:
    await desk.hold()
    gone, stays = await queued(desk, [bury(b"gone"), bury(b"stays")])
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    desk.held.set()
    await stays
    assert desk.there() == {b"stays"}


async def test_who_gives_up_during_its_turn_harms_nobody(desk: Desk) -> None:
    holding = await desk.hold()
    (stays,) = await queued(desk, [bury(b"stays")])
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    desk.held.set()
    assert await stays == b"stays"


async def test_closing_writes_what_was_queued(desk: Desk) -> None:
    await desk.hold()
    tasks = await queued(desk, [bury(b"%d" % at) for at in range(20)])
    closing = asyncio.ensure_future(desk.backend.close())
    await asyncio.sleep(0)
    desk.held.set()
    await closing
    await asyncio.gather(*tasks)
    assert len(desk.there()) == 20
    with pytest.raises(StoreError, match="closed"):
        await desk.backend.write(bury(b"late"))


@contextmanager
def full(desk: Desk) -> Iterator[None]:
    """A disk without room: no page more than there are now."""
    connection = desk.backend._writer._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    yield
    connection.execute("PRAGMA max_page_count = 1000000")


def big(number: int) -> Callable[[Writing, News], bytes]:
    def job(rows: Writing, news: News) -> bytes:
        rows.add_blob(number, day=1, size=1_000_000, holders=1, body=bytes(1_000_000))
        return b"big"

    return job


async def test_a_full_disk_says_so_and_small_jobs_still_pass(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await desk.backend.write(bury(b"before"))
    with full(desk), caplog.at_level(logging.WARNING, "angarium.store"):
        await desk.hold()
        tasks = await queued(desk, [bury(b"1"), big(1), bury(b"2"), big(2), bury(b"3")])
        desk.held.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [answer for answer in answers if isinstance(answer, bytes)] == [b"1", b"2", b"3"]
        for answer in answers[1:4:2]:
            assert isinstance(answer, StoreFull)
            assert str(answer) == "the disk is full"
        with pytest.raises(StoreFull):
            await desk.backend.write(big(3))
    assert [record.getMessage() for record in caplog.records] == ["nothing can be stored: the disk is full"]
    assert desk.there() == {b"before", b"1", b"2", b"3"}
    assert await desk.backend.write(big(4)) == b"big"


async def test_a_disk_that_may_not_be_written_says_so(desk: Desk) -> None:
    connection = desk.backend._writer._connection
    connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreFull, match="cannot be written"):
        await desk.backend.write(bury(b"1"))
    connection.execute("PRAGMA query_only = OFF")
    await desk.backend.write(bury(b"1"))
    assert desk.there() == {b"1"}


async def test_another_program_that_holds_the_file_fails_all_at_once(desk: Desk) -> None:
    desk.backend._writer.patience = 1
    other = sqlite3.connect(desk.directory / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers = await asyncio.gather(*(desk.backend.write(bury(b"no")) for _ in range(50)), return_exceptions=True)
    other.close()
    assert {str(answer) for answer in answers} == {"another program holds the database"}
    assert await desk.backend.write(bury(b"after")) == b"after"
    assert desk.there() == {b"after"}


async def test_a_failure_nobody_thought_of_leaves_the_writer_alive(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(desk.backend._writer, "_run_job", lambda order: 1 / 0)
        answers = await asyncio.gather(*(desk.backend.write(bury(b"no")) for _ in range(3)), return_exceptions=True)
        assert all(isinstance(answer, ZeroDivisionError) for answer in answers)
    assert await desk.backend.write(bury(b"after")) == b"after"
    assert desk.there() == {b"after"}


def where(rows: Writing, news: News) -> str:
    """A job that tells in which thread it runs."""
    return "loop" if threading.current_thread() is threading.main_thread() else threading.current_thread().name


async def test_light_jobs_run_here_and_heavy_ones_there(desk: Desk) -> None:
    assert await desk.backend.write(where) == "loop"
    assert await desk.backend.write(where, heavy=True) == "store-writer"
    together = [desk.backend.write(where), desk.backend.write(where, heavy=True)]
    assert set(await asyncio.gather(*together)) == {"store-writer"}


async def test_while_the_thread_has_the_connection_nothing_waits_for_it_here(desk: Desk) -> None:
    assert desk.backend._writer._turn.acquire(blocking=False)
    writing = asyncio.ensure_future(desk.backend.write(where))
    await asyncio.sleep(0.05)
    desk.backend._writer._turn.release()
    assert await writing == "store-writer"
    assert await desk.backend.write(where) == "loop"


async def test_where_the_disk_is_slow_to_read_the_next_ones_run_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SLOW", -1.0)
    assert await desk.backend.write(where) == "loop"
    assert await desk.backend.write(where) == "store-writer"
    desk.backend._writer._elsewhere_until = 0.0
    assert await desk.backend.write(where) == "loop"


async def test_another_programs_lock_does_not_hold_up_the_event_loop(desk: Desk) -> None:
    other = sqlite3.connect(desk.directory / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    loop = asyncio.get_running_loop()
    began = loop.time()
    writing = asyncio.ensure_future(desk.backend.write(bury(b"later")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert loop.time() - began < desk.backend._writer.patience / 2000
    other.execute("ROLLBACK")
    other.close()
    assert await writing == b"later"


async def test_what_a_failing_job_had_changed_is_undone(desk: Desk) -> None:
    tasks = await queued(desk, [bury(b"1"), bury(b"2", then=KeyError("mine")), bury(b"3")])
    one, two, three = await asyncio.gather(*tasks, return_exceptions=True)
    assert (one, three) == (b"1", b"3")
    assert isinstance(two, KeyError)
    assert desk.there() == {b"1", b"3"}
