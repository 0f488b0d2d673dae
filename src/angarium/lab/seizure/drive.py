"""A relay under way, and its end: people come in, write, fetch and delete; at a random moment it is killed.

The relay is a process that is told where to keep its data and says, in JSON, where it listens. It has a directory for
temporary files, and both its outputs are files: all that it writes lies under one directory.
"""

import asyncio
import contextlib
import os
import random
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from angarium.lab.clients import Imap, Refused, Submission
from angarium.lab.mails import sealed
from angarium.lab.seizure.encodings import Known
from angarium.lab.seizure.population import Mail, Person, Population, people

__all__ = ["Left", "RelayFailed", "drive"]

SETTINGS = """\
[accounts]
registration = "invite"
[messages]
rate_per_minute = 100000
rate_burst = 100000
[push]
url = "https://127.0.0.1:9/"
"""
"""Invitations and push tokens are on, and the examiner knows them; nothing answers behind the notification service."""
HOST = "127.0.0.1"
DOMAIN = HOST
START = 60.0
USES = 40
"""Uses of one invitation."""
AT_ONCE = 8
"""Mails under way at once."""
DELETED = 0.03
"""Part of the accounts that their people delete."""
EARLIEST = 0.6
"""Part of the mails after which the relay may be killed."""
HASTE = 0.5
"""Seconds within which it is killed then."""


class RelayFailed(Exception):
    """The relay did not start; the text is the end of what it said."""


@dataclass
class Left:
    """What a killed relay leaves behind, and what is known of it."""

    directory: Path
    """Everything it wrote: `data`, `tmp`, `output`, `errors`."""
    population: Population
    domain: str = DOMAIN
    taken: list[Mail] = field(default_factory=list)
    """Mails that the relay has taken (250)."""
    deleted: set[int] = field(default_factory=set)
    """People who have deleted their account."""

    def known(self) -> list[Known]:
        """All that the examiner may look for."""
        return self.population.known(self.domain) + [Known("Message-ID", mail.mark) for mail in self.taken]

    def waiting(self) -> list[Mail]:
        """Mails that lie there still: somebody they went to never fetches, and is still here."""
        away = {person.number for person in self.population.people if not person.online} - self.deleted
        return [mail for mail in self.taken if away.intersection(mail.recipients)]

    def readable(self) -> set[str]:
        """What a store without a seal must hold: of each mail that waits its Message-ID and who it says it is from,
        and everybody's push token."""
        people, waiting = self.population.people, self.waiting()
        senders = [people[number] for number in {mail.sender for mail in waiting}]
        return {
            *(mail.mark for mail in waiting),
            *(word for sender in senders for word in (f"{sender.local}@{self.domain}", sender.local, sender.name)),
            *(person.token for person in people if person.number not in self.deleted),
        }


async def drive(
    directory: Path,
    relay: Sequence[str],
    *,
    accounts: int,
    mails: int,
    seed: int,
    tell: Callable[[int], None] = lambda taken: None,
) -> Left:
    """Run a relay and kill it; `relay` is its command, to which the path of the data directory is added.

    Args:
        directory: an empty one.
        relay: see there.
        accounts: how many people.
        mails: how many mails they would send.
        seed: of everything drawn by chance here.
        tell: is told how many mails were taken so far.

    Raises:
        RelayFailed: it did not start.
    """
    data, chance = directory / "data", random.Random(f"end {seed}")  # noqa: S311 (a measurement that can be repeated)
    data.mkdir(mode=0o700, parents=True)
    (directory / "tmp").mkdir()
    (data / "angarium.toml").write_text(SETTINGS)
    async with _running(directory, [*relay, str(data)]) as (process, ports):
        tokens = [await _invited(data) for _ in range(-(-accounts // USES) + 1)]
        population = people(accounts, seed, tokens)
        crowd = _Crowd(Left(directory, population), ports, tell)
        until = chance.randint(int(EARLIEST * mails), mails - 1)
        try:
            await crowd.live(mails, until)
            await asyncio.sleep(chance.random() * HASTE)
        finally:
            process.kill()
            await process.wait()
            await crowd.leave()
    return crowd.left


@contextlib.asynccontextmanager
async def _running(
    directory: Path, command: Sequence[str]
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, int]]]:
    output, errors = directory / "output", directory / "errors"
    with output.open("wb") as out, errors.open("wb") as err:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=directory / "tmp",
            env={**os.environ, "TMPDIR": str(directory / "tmp"), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    try:
        yield process, await _ports(process, output, errors)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _ports(process: asyncio.subprocess.Process, output: Path, errors: Path) -> dict[str, int]:
    """The ports by name, once the relay says them."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START):
            while process.returncode is None:
                line, newline, _ = (await asyncio.to_thread(output.read_bytes)).partition(b"\n")
                if newline:
                    return {door["name"]: door["port"] for door in msgspec.json.decode(line)["listening"]}
                await asyncio.sleep(0.05)
    said = (await asyncio.to_thread(errors.read_bytes))[-2000:].decode(errors="replace").strip()
    raise RelayFailed(f"the relay did not start: {said or 'it said nothing'}")


async def _invited(data: Path) -> str:
    """The token of a fresh invitation."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "angarium", "invite", "--data", str(data), "--uses", str(USES), "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RelayFailed("it made no invitation")
    link = urlsplit(str(msgspec.json.decode(said)["links"][0]))
    return parse_qs(link.query)["p"][0].partition(".")[0]


class _Crowd:
    """Everybody's phones."""

    def __init__(self, left: Left, ports: dict[str, int], tell: Callable[[int], None]) -> None:
        self.left = left
        self._ports = ports
        self._tell = tell
        self._tasks: list[asyncio.Task[None]] = []
        self._submissions: dict[int, Submission] = {}
        self._turns = [asyncio.Lock() for _ in left.population.people]
        self._enough = asyncio.Event()

    async def live(self, mails: int, until: int) -> None:
        """Come in, and write; return when `until` mails were taken, with more under way."""
        population = self.left.population
        await _few(AT_ONCE, (self._come(person) for person in population.people))
        self._begin(_few(4, (self._fail(number) for number in range(len(population.strangers)))))
        leaving = random.Random(population.seed).sample(population.people, int(DELETED * len(population.people)))  # noqa: S311
        writing = self._begin(_few(AT_ONCE, (self._write(mail, until) for mail in population.mails(mails))))
        self._begin(_few(1, (self._delete(person) for person in leaving)))
        ended = asyncio.create_task(self._enough.wait())
        await asyncio.wait({writing, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        for task in self._tasks:
            if task.done():
                task.result()

    async def leave(self) -> None:
        """End what is still going on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.append(task)
        return task

    async def _imap(self, person: Person) -> Imap:
        return await Imap.connect(HOST, self._ports["imaps"], source=person.source)

    async def _come(self, person: Person) -> None:
        """Make an account by logging in; leave a push token; stay, if online."""
        imap = await self._imap(person)
        await imap.login(self._address(person), person.password)
        await imap.command(f'SETMETADATA INBOX (/private/devicetoken "{person.token}")')
        if person.online:
            await imap.select()
            self._begin(_until_gone(self._fetch(imap)))
        else:
            imap.abort()

    async def _fetch(self, imap: Imap) -> None:
        while True:
            if not imap.more:
                await imap.idle()
            if fetched := await imap.fetch_new():
                await imap.delete([uid for uid, _ in fetched])

    async def _fail(self, number: int) -> None:
        """Somebody tries a name that nobody has, and then somebody's name with that as the password."""
        word, people = self.left.population.strangers[number], self.left.population.people
        person = people[number % len(people)]
        for name in (word, person.local):
            imap = await self._imap(person)
            with contextlib.suppress(Refused):
                await imap.login(f"{name}@{self.left.domain}", word)
            imap.abort()

    async def _write(self, mail: Mail, until: int) -> None:
        person = self.left.population.people[mail.sender]
        message = sealed(self._address(person), mail.mark, mail.size)
        named = message.replace(b"From: <", f'From: "{person.name}" <'.encode(), 1)
        recipients = [self._address(self.left.population.people[number]) for number in mail.recipients]
        async with self._turns[mail.sender]:
            if mail.sender in self.left.deleted:
                return
            with contextlib.suppress(Refused):
                try:
                    await self._submit(person, recipients, named)
                except ConnectionError:  # one that rested too long, unless the relay is gone
                    await self._submit(person, recipients, named)
                self.left.taken.append(mail)
        self._tell(len(self.left.taken))
        if len(self.left.taken) >= until:
            self._enough.set()

    async def _submit(self, person: Person, recipients: Sequence[str], message: bytes) -> None:
        """Send over the connection that a person has, or a new one."""
        submission = self._submissions.get(person.number)
        if submission is None:
            submission = await Submission.connect(HOST, self._ports["submissions"], source=person.source)
            self._submissions[person.number] = submission
            await submission.login(self._address(person), person.password)
        try:
            await submission.send(self._address(person), recipients, message)
        except ConnectionError:
            self._submissions.pop(person.number).abort()
            raise

    async def _delete(self, person: Person) -> None:
        """Delete an account on the relay's page."""
        async with self._turns[person.number]:
            self.left.deleted.add(person.number)
            if submission := self._submissions.pop(person.number, None):
                submission.abort()
            form = f"name={quote(self._address(person))}&password={quote(person.password)}&sure=yes"
            await _post(self._ports["https"], "/delete", form, person.source)

    def _address(self, person: Person) -> str:
        return f"{person.local}@{self.left.domain}"


async def _post(port: int, path: str, form: str, source: str) -> None:
    """Send a form as a browser does."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(HOST, port, ssl=context, local_addr=(source, 0))
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\nConnection: close\r\n\r\n"
    )
    writer.write((head + form).encode())
    answer = await reader.read()
    writer.close()
    if b" 200 " not in answer[:20]:
        raise ConnectionError("an account could not be deleted")


async def _until_gone(work: Awaitable[None]) -> None:
    """What a phone does until the relay is gone, or its account."""
    with contextlib.suppress(ConnectionError, Refused):
        await work


async def _few(at_once: int, work: Iterable[Awaitable[None]]) -> None:
    """Do much work, little of it at once, in order."""
    waiting = iter(work)

    async def worker() -> None:
        for one in waiting:
            await one

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
