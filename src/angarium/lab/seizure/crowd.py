"""Everybody's phones: those of a relay under test, and those of another one, whose people write to them.

They come in, write, fetch and delete, or stay away; they mistype their names, and some delete their account.
"""

import asyncio
import contextlib
import random
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from angarium.lab.clients import Imap, Refused, Submission
from angarium.lab.mails import sealed
from angarium.lab.seizure.left import ABROAD, GONE, Left
from angarium.lab.seizure.population import Mail, Person

__all__ = ["HOST", "USES", "Crowd"]

HOST = "127.0.0.1"
USES = 40
"""Uses of one invitation."""
AT_ONCE = 8
"""Mails under way at once."""
DELETED = 0.03
"""Part of the accounts that their people delete."""


@dataclass(frozen=True, slots=True)
class _Writer:
    """Somebody who sends a mail."""

    address: str
    password: str
    name: str
    source: str | None
    port: int
    turn: asyncio.Lock


class Crowd:
    """See the file's head."""

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
            self.left.begun.append(mail)
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
