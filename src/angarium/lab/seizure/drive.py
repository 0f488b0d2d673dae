"""A relay under way, and its end: people come in, write, fetch and delete; at a random moment it is killed.

Some of them write to people on another relay, and these to them; a third relay is down, so that what goes there waits.

The relay is a process that is told where to keep its data and says, in JSON, where it listens. It has a directory for
temporary files, and both its outputs are files: all that it writes lies under one directory.
"""

import asyncio
import contextlib
import os
import random
import socket
import ssl
import sys
import tempfile
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
[names]
domain = "{domain}"
[listen]
https = {port}
[federation.routes]
"{other}" = {{ via = "127.0.0.1:{other_port}", transport = "https" }}
"{gone}" = {{ via = "127.0.0.1:9", transport = "https" }}
"""
"""Invitations and push tokens are on, and the examiner knows them; nothing answers behind the notification service."""
HOST = "127.0.0.1"
DOMAIN, ABROAD, GONE = "_home.localhost", "_abroad.localhost", "_gone.localhost"
"""The relay under test, another one, and one that is down: by such names each knows the others by their keys."""
OTHER = (sys.executable, "-m", "angarium", "up", "--listen", "127.0.0.1", "--ports", "any", "--json", "--data")
"""What the other relay is, whatever is tested."""
START = 60.0
USES = 40
"""Uses of one invitation."""
AT_ONCE = 8
"""Mails under way at once."""
DELETED = 0.03
"""Part of the accounts that their people delete."""
EARLIEST = 0.6
"""Part of the mails after which the relay may be killed."""
UNDER_WAY = 40
"""The last mails that were taken: what of them goes abroad may wait still."""
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
        people = self.population.known(self.domain, ABROAD, GONE)
        return people + [Known("Message-ID", mail.mark) for mail in self.taken]

    def waiting(self) -> list[Mail]:
        """Mails that lie there still: somebody they went to never fetches, and is still here. What came from abroad
        is left out: it may not have arrived."""
        away = self.away()
        return [mail for mail in self.taken if not mail.foreign and away.intersection(mail.recipients)]

    def away(self) -> set[int]:
        """People who never fetch, and are still here."""
        return {person.number for person in self.population.people if not person.online} - self.deleted

    def queued(self) -> set[str]:
        """What the relay itself must be able to read of mails that wait for other relays, or may do so: who sent them,
        to whom there, and their Message-IDs."""
        population, words = self.population, set[str]()
        late = self.taken[-UNDER_WAY:]
        for mail in self.taken:
            if not mail.foreign and (mail.gone or (mail.abroad and mail in late)):
                sender = population.people[mail.sender]
                away = [(population.abroad[place].local, ABROAD) for place in mail.abroad]
                away += [(population.gone[place], GONE) for place in mail.gone]
                words |= {mail.mark, sender.local, f"{sender.local}@{self.domain}", sender.name}
                words |= {word for local, relay in away for word in (local, f"{local}@{relay}")}
        return words

    def readable(self) -> set[str]:
        """What a store without a seal must hold: of each mail that waits its Message-ID and who it says it is from,
        and everybody's push token."""
        people, waiting = self.population.people, self.waiting()
        senders = [people[number] for number in {mail.sender for mail in waiting}]
        return {
            *(mail.mark for mail in waiting),
            *(word for sender in senders for word in (f"{sender.local}@{self.domain}", sender.local, sender.name)),
            *(person.token for person in people if person.number not in self.deleted),
            *(
                f"{self.population.gone[place]}@{GONE}"
                for mail in self.taken
                if not mail.foreign
                for place in mail.gone
            ),
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
    chance = random.Random(f"end {seed}")  # noqa: S311 (a measurement that can be repeated)
    home, away = _free_ports(2)
    data = _prepared(directory, _settings(DOMAIN, home, ABROAD, away))
    async with contextlib.AsyncExitStack() as stack:
        outside = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="abroad-")))
        other = _prepared(outside, _settings(ABROAD, away, DOMAIN, home))
        _, foreign = await stack.enter_async_context(_running(outside, [*OTHER, str(other)]))
        process, ports = await stack.enter_async_context(_running(directory, [*relay, str(data)]))
        tokens = [await _invited(data) for _ in range(-(-accounts // USES) + 1)]
        population = people(accounts, seed, tokens)
        crowd = _Crowd(Left(directory, population), ports, foreign, tell)
        await crowd.abroad([await _invited(other) for _ in range(-(-len(population.abroad) // USES))])
        until = chance.randint(int(EARLIEST * mails), mails - 1)
        try:
            await crowd.live(mails, until)
            await asyncio.sleep(chance.random() * HASTE)
        finally:
            process.kill()
            await process.wait()
            await crowd.leave()
    return crowd.left


def _prepared(directory: Path, settings: str) -> Path:
    """The data directory of a relay that is yet to start, beside one for its temporary files."""
    data = directory / "data"
    data.mkdir(mode=0o700, parents=True)
    (directory / "tmp").mkdir()
    (data / "angarium.toml").write_text(settings)
    return data


def _settings(domain: str, port: int, other: str, other_port: int) -> str:
    return SETTINGS.format(domain=domain, port=port, other=other, other_port=other_port, gone=GONE)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        bound = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in bound]


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


@dataclass(frozen=True, slots=True)
class _Writer:
    """Somebody who sends a mail."""

    address: str
    password: str
    name: str
    source: str | None
    port: int
    turn: asyncio.Lock


class _Crowd:
    """Everybody's phones."""

    def __init__(self, left: Left, ports: dict[str, int], foreign: dict[str, int], tell: Callable[[int], None]) -> None:
        self.left = left
        self._ports = ports
        self._foreign = foreign
        self._tell = tell
        self._tasks: list[asyncio.Task[None]] = []
        self._tokens: Sequence[str] = ()
        self._submissions: dict[str, Submission] = {}
        self._turns = [asyncio.Lock() for _ in left.population.people]
        self._foreign_turns = [asyncio.Lock() for _ in left.population.abroad]
        self._enough = asyncio.Event()

    async def abroad(self, tokens: Sequence[str]) -> None:
        """Give the foreigners their accounts."""
        for number, foreigner in enumerate(self.left.population.abroad):
            imap = await Imap.connect(HOST, self._foreign["imaps"])
            await imap.login(f"{foreigner.local}@{ABROAD}", f"{tokens[number // USES]}.{foreigner.password}")
            imap.abort()
        self._tokens = tokens

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
        writer = self._writer(mail)
        message = sealed(writer.address, mail.mark, mail.size)
        named = message.replace(b"From: <", f'From: "{writer.name}" <'.encode(), 1)
        async with writer.turn:
            if not mail.foreign and mail.sender in self.left.deleted:
                return
            with contextlib.suppress(Refused):
                try:
                    await self._submit(writer, self._recipients(mail), named)
                except ConnectionError:  # one that rested too long, unless the relay is gone
                    await self._submit(writer, self._recipients(mail), named)
                self.left.taken.append(mail)
        self._tell(len(self.left.taken))
        if len(self.left.taken) >= until:
            self._enough.set()

    def _writer(self, mail: Mail) -> "_Writer":
        population, number = self.left.population, mail.sender
        if mail.foreign:
            foreigner = population.abroad[number]
            password = f"{self._tokens[number // USES]}.{foreigner.password}"
            address, turn = f"{foreigner.local}@{ABROAD}", self._foreign_turns[number]
            return _Writer(address, password, foreigner.name, None, self._foreign["submissions"], turn)
        person = population.people[number]
        port, turn = self._ports["submissions"], self._turns[number]
        return _Writer(self._address(person), person.password, person.name, person.source, port, turn)

    def _recipients(self, mail: Mail) -> list[str]:
        population = self.left.population
        return [
            *(self._address(population.people[number]) for number in mail.recipients),
            *(f"{population.abroad[place].local}@{ABROAD}" for place in mail.abroad),
            *(f"{population.gone[place]}@{GONE}" for place in mail.gone),
        ]

    async def _submit(self, writer: "_Writer", recipients: Sequence[str], message: bytes) -> None:
        """Send over the connection that somebody has, or a new one."""
        submission = self._submissions.get(writer.address)
        if submission is None:
            submission = await Submission.connect(HOST, writer.port, source=writer.source)
            self._submissions[writer.address] = submission
            await submission.login(writer.address, writer.password)
        try:
            await submission.send(writer.address, recipients, message)
        except ConnectionError:
            self._submissions.pop(writer.address).abort()
            raise

    async def _delete(self, person: Person) -> None:
        """Delete an account on the relay's page."""
        async with self._turns[person.number]:
            self.left.deleted.add(person.number)
            if submission := self._submissions.pop(self._address(person), None):
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
