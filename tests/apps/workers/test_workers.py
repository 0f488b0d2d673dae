"""A relay of three processes is one relay: for who writes, who reads, who deletes, and when any of the three dies."""

import asyncio
import contextlib
import os
import re
import secrets
import signal
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from angarium.apps.burn import burn_home
from angarium.apps.home import Home
from angarium.lab.clients import Imap, Refused
from angarium.lab.mails import mark_of, sealed

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.apps.workers.conftest import Several

    Make = Callable[[], AbstractAsyncContextManager[Several]]

DOZEN = 12
PASSWORD = "a password of some length"
ADA, BEN = "ada-and-her-phone", "ben-and-his-phone"


def letter(mark: str = "") -> bytes:
    return sealed(f"{ADA}@127.0.0.1", mark or secrets.token_hex(8), size=1500)


async def cut_off(imap: Imap) -> None:
    """Wait until the relay ends a session."""
    with contextlib.suppress(ConnectionError):
        while True:
            await imap.idle()


def runs(pid: int) -> bool:
    """Whether a process is more than what its parent has not asked after yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_every_session_hears_of_everything_whoever_did_it(several: "Make") -> None:
    async with several() as relay:
        assert len(relay.workers) == 2
        sessions = await relay.imaps(BEN, DOZEN)
        senders = [await relay.submission(ADA) for _ in range(6)]
        sent = []
        for number, sender in enumerate(senders):
            idle = [asyncio.create_task(imap.idle()) for imap in sessions]
            await asyncio.sleep(0.1)
            sent.append(secrets.token_hex(8))
            await sender.send(f"{ADA}@127.0.0.1", [f"{BEN}@127.0.0.1"], letter(sent[-1]))
            await asyncio.wait_for(asyncio.gather(*idle), 10)
            for imap in sessions:
                assert [mark_of(mail) for _, mail in await imap.fetch_new()] == [sent[number]]
        await sessions[0].command("UID STORE 1:* +FLAGS (\\Seen)")
        await sessions[1].command('SELECT "INBOX"')
        await sessions[1].command("STORE 2,5 +FLAGS (\\Deleted)")
        await sessions[1].command("EXPUNGE")
        await asyncio.sleep(1)
        for imap in sessions[2:]:
            said = b"".join(await imap.command("NOOP"))
            assert re.findall(rb"(\d+) EXPUNGE", said) == [b"5", b"2"]
            flags = b"".join(await imap.command("FETCH 1:* (UID FLAGS)"))
            assert flags.count(b"\\Seen") == 4
        assert (await relay.status())["connections"] == DOZEN + 6


async def test_many_at_once_to_many_sessions_nothing_is_missed_or_doubled(several: "Make") -> None:
    """Commits of three processes to one mailbox, while sessions in all of them fetch what they are told of."""
    async with several() as relay:
        sessions = await relay.imaps(BEN, 9)
        found: list[Counter[str]] = [Counter() for _ in sessions]
        marks = {secrets.token_hex(8) for _ in range(60)}

        async def read(imap: Imap, seen: Counter[str]) -> None:
            while len(seen) < len(marks):
                while mails := await imap.fetch_new():  # what is announced in an answer is not announced in IDLE again
                    seen.update(mark_of(mail) for _, mail in mails)
                if len(seen) < len(marks):
                    await imap.idle()

        async def write(some: list[str]) -> None:
            sender = await relay.submission(ADA)
            for mark in some:
                await sender.send(f"{ADA}@127.0.0.1", [f"{BEN}@127.0.0.1"], letter(mark))

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for imap, seen in zip(sessions, found, strict=True):
                group.create_task(read(imap, seen))
            for start in range(6):
                group.create_task(write(sorted(marks)[start::6]))
        assert all(seen == Counter(marks) for seen in found)


async def test_a_deleted_account_is_gone_in_every_process(several: "Make") -> None:
    async with several() as relay:
        sessions = await relay.imaps(BEN, DOZEN)
        senders = [await relay.submission(BEN) for _ in range(6)]
        idle = [asyncio.create_task(cut_off(imap)) for imap in sessions]
        await asyncio.sleep(0.2)
        assert await relay.page("/delete", name=f"{BEN}@127.0.0.1", password=PASSWORD, sure="yes") == 200
        refused = asyncio.gather(*(relay.refused(BEN) for _ in range(9)))
        await asyncio.wait_for(asyncio.gather(*idle), 3)
        for sender in senders:
            with pytest.raises(ConnectionError):
                await sender.send(f"{BEN}@127.0.0.1", [f"{BEN}@127.0.0.1"], letter())
        assert all(await refused)


async def test_a_duress_password_empties_the_account_in_every_process(several: "Make") -> None:
    async with several() as relay:
        sessions = await relay.imaps(BEN, DOZEN)
        sender = await relay.submission(ADA)
        await sender.send(f"{ADA}@127.0.0.1", [f"{BEN}@127.0.0.1"], letter())
        form = {"name": f"{BEN}@127.0.0.1", "password": PASSWORD}
        assert await relay.page("/password", **form, second="give me that", again="give me that", do="set") == 200
        idle = [asyncio.create_task(cut_off(imap)) for imap in sessions]
        await asyncio.sleep(0.2)
        thief = await relay.imap(BEN, "give me that")
        assert await thief.command("UID SEARCH ALL") == [b"* SEARCH\r\n"]
        await asyncio.wait_for(asyncio.gather(*idle), 3)
        assert all(await asyncio.gather(*(relay.refused(BEN) for _ in range(9))))
        for _ in range(6):
            again = await relay.imap(BEN, "give me that")
            assert await again.command("UID SEARCH ALL") == [b"* SEARCH\r\n"]


async def test_nobody_is_told_that_an_account_is_gone_before_a_worker_that_hangs_is(several: "Make") -> None:
    async with several() as relay:
        await relay.imaps(BEN, 1)
        workers = relay.workers
        os.kill(workers[0], signal.SIGSTOP)
        began = time.monotonic()
        assert await relay.page("/delete", name=f"{BEN}@127.0.0.1", password=PASSWORD, sure="yes") == 200
        assert time.monotonic() - began > 1.5
        assert workers[0] not in relay.workers or len(relay.workers) == 1
        await asyncio.wait_for(relay.begun_anew(workers[:1]), 20)


async def test_a_worker_that_is_killed_loses_nothing_and_is_started_again(several: "Make") -> None:
    async with several() as relay:
        answered: set[str] = set()
        sent: set[str] = set()
        found: Counter[str] = Counter()
        stop = asyncio.Event()

        async def write(name: str) -> None:
            while not stop.is_set():
                with contextlib.suppress(ConnectionError):
                    sender = await relay.submission(name)
                    while not stop.is_set():
                        mark = secrets.token_hex(8)
                        sent.add(mark)
                        await sender.send(f"{name}@127.0.0.1", [f"{BEN}@127.0.0.1"], sealed(f"{name}@127.0.0.1", mark))
                        answered.add(mark)

        async def enough(more: int) -> None:
            until = len(answered) + more
            while len(answered) < until:
                await asyncio.sleep(0.01)

        await relay.imaps(BEN, 1)
        async with asyncio.timeout(90), asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(write(f"sender-number-{number}"))
            for _ in range(3):
                await enough(40)
                workers = relay.workers
                os.kill(workers[0], signal.SIGKILL)
                await relay.imaps(BEN, 6)  # who comes meanwhile is let in
                await relay.begun_anew(workers[:1])
            await enough(40)
            stop.set()
        imap = await relay.imap(BEN)
        while mails := await imap.fetch_new():
            found.update(mark_of(mail) for _, mail in mails)
        assert answered <= found.keys() <= sent
        assert set(found.values()) == {1}
        assert (await relay.status())["last_error"].startswith("apps.workers: a worker has ended")


async def test_who_waits_hears_of_what_a_worker_committed_that_died(several: "Make") -> None:
    async with several() as relay:
        sessions = await relay.imaps(BEN, 9)
        workers = relay.workers
        sender = await relay.submission(ADA)
        idle = [asyncio.create_task(imap.idle()) for imap in sessions]
        await asyncio.sleep(0.1)
        sending = asyncio.create_task(sender.send(f"{ADA}@127.0.0.1", [f"{BEN}@127.0.0.1"], letter()))
        await asyncio.sleep(0.005)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        with contextlib.suppress(ConnectionError):
            await sending
        there = await relay.imap(BEN)
        committed = bool(await there.fetch_new())
        results = await asyncio.wait_for(
            asyncio.gather(*(asyncio.wait_for(task, 5) for task in idle), return_exceptions=True), 20
        )
        for result in results:
            assert isinstance(result, ConnectionError) or (result is None) == committed


async def test_when_the_first_process_is_killed_the_workers_are_gone_at_once(several: "Make") -> None:
    async with several() as relay:
        sender = await relay.submission(ADA)
        await relay.imaps(BEN, DOZEN)
        mark = secrets.token_hex(8)
        await sender.send(f"{ADA}@127.0.0.1", [f"{BEN}@127.0.0.1"], letter(mark))
        workers = relay.workers
        relay.up.process.kill()
        await relay.up.process.wait()
        await asyncio.sleep(0.5)
        assert not any(map(runs, workers))
    async with several() as relay:
        imap = await relay.imap(BEN)
        assert [mark_of(mail) for _, mail in await imap.fetch_new()] == [mark]


async def test_a_relay_that_stops_says_goodbye_in_every_process(several: "Make") -> None:
    async with several() as relay:
        sessions = await relay.imaps(BEN, DOZEN)
        workers = relay.workers
        for pid in (*workers, relay.up.process.pid):  # as a service manager does: to all of them
            os.kill(pid, signal.SIGTERM)
        for imap in sessions:
            assert b"BYE" in await imap._line()
        assert await asyncio.wait_for(relay.up.process.wait(), 10) == 0
        assert not any(map(runs, workers))
    assert not (relay.data / "store.db-wal").exists()


async def test_mail_for_other_relays_is_the_first_processs_whoever_took_it(several: "Make") -> None:
    async with several() as relay:
        senders = [await relay.submission(ADA) for _ in range(8)]
        for sender in senders:
            await sender.send(f"{ADA}@127.0.0.1", ["nobody-there@127.0.0.9"], letter())
        with pytest.raises(Refused, match=r"5\.1\.1"):
            await senders[0].send(f"{ADA}@127.0.0.1", ["nobody-at-home@127.0.0.1"], letter())
        assert (await relay.status())["queue"]["messages"] == len(senders)


@pytest.mark.parametrize("hangs", [False, True])
async def test_burning_ends_all_processes(several: "Make", hangs: bool) -> None:
    async with several() as relay:
        session, workers = await relay.imap(BEN), relay.workers
        if hangs:
            os.kill(relay.up.process.pid, signal.SIGSTOP)
        burnt = await asyncio.to_thread(burn_home, Home(relay.data))
        assert burnt.relay == ("killed" if hangs else "ended")
        assert burnt.problems == []
        assert not any(map(runs, workers))
        with contextlib.suppress(ConnectionError):
            assert not await session._reader.read(1)
    assert not relay.data.exists()
