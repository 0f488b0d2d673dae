"""A relay of the least there can be, in memory, that may be told to do wrong with what it was given."""

import asyncio
import contextlib
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import trustme

from angarium.lab.load.target import Target

Fate = Callable[[int, bytes], list[bytes]]
"""What becomes of a delivery, by its number from 0: the messages that arrive."""


def good(_: int, message: bytes) -> list[bytes]:
    return [message]


@cache
def context() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(made)
    return made


class Box:
    """A mailbox: messages by UID, those flagged as deleted, and who waits for more."""

    def __init__(self) -> None:
        self.next = 1
        self.held: dict[int, bytes] = {}
        self.deleted: set[int] = set()
        self.waiting: list[asyncio.StreamWriter] = []

    def add(self, message: bytes) -> None:
        self.held[self.next] = message
        self.next += 1
        for writer in self.waiting:
            writer.write(b"* %d EXISTS\r\n" % len(self.held))


class BadRelay:
    """Answers IMAP and submission; everybody's password is good."""

    def __init__(self, fate: Fate, answer: bytes = b"250 taken", login: bytes = b"OK in") -> None:
        self.fate, self.answer, self.login = fate, answer, login
        self.boxes: dict[str, Box] = {}
        self.count = 0

    def box(self, name: str) -> Box:
        return self.boxes.setdefault(name, Box())

    async def submission(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        recipients: list[str] = []
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                line = await reader.readuntil(b"\r\n")
                if line.startswith(b"EHLO"):
                    writer.write(b"250-here\r\n250 PIPELINING\r\n")
                elif line.startswith(b"RCPT"):
                    recipients.append(line[9:-3].decode())
                    writer.write(b"250 ok\r\n")
                elif line == b"DATA\r\n":
                    writer.write(b"354 go on\r\n")
                    message = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                    writer.write(self.answer + b"\r\n")
                    for to in recipients:
                        for one in self.fate(self.count, b"Received: from nowhere\r\n" + message):
                            self.box(to).add(one)
                        self.count += 1
                    recipients = []
                else:
                    writer.write(b"235 ok\r\n" if line.startswith(b"AUTH") else b"250 ok\r\n")

    async def imap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK here\r\n")
        box, told = Box(), 0
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                line = await reader.readuntil(b"\r\n")
                tag, _, command = line.strip().partition(b" ")
                if command.startswith(b"LOGIN"):
                    box = self.box(command.split(b'"')[1].decode())
                    writer.write(tag + b" " + self.login + b"\r\n")
                    continue
                if command == b"IDLE":
                    writer.write(b"+ idling\r\n")
                    box.waiting.append(writer)
                    if told < box.next:
                        writer.write(b"* %d EXISTS\r\n" % len(box.held))
                    await reader.readuntil(b"DONE\r\n")
                    box.waiting.remove(writer)
                    told = box.next
                elif command.startswith(b"SELECT"):
                    writer.write(b"* %d EXISTS\r\n* OK [UIDNEXT %d] next\r\n" % (len(box.held), box.next))
                    told = box.next
                elif command.startswith(b"UID FETCH"):
                    self.fetch(box, command, writer)
                elif command.startswith(b"UID STORE") and b"Deleted" in command:
                    box.deleted |= set(self.uids(box, command))
                elif command == b"CLOSE":
                    for uid in box.deleted:
                        box.held.pop(uid, None)
                    box.deleted = set()
                writer.write(tag + b" OK done\r\n")

    def fetch(self, box: Box, command: bytes, writer: asyncio.StreamWriter) -> None:
        for number, uid in enumerate(self.uids(box, command), 1):
            content = box.held[uid]
            if b"HEADER.FIELDS" in command:
                content = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            writer.write(b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (number, uid, len(content), content))

    def uids(self, box: Box, command: bytes) -> list[int]:
        found = re.match(rb"UID \w+ ([\d:,]+)", command)
        assert found
        if b":" in found[1]:
            first, last = map(int, found[1].split(b":"))
            return [uid for uid in box.held if first <= uid <= last]
        return [uid for uid in map(int, found[1].split(b",")) if uid in box.held]


@contextmanager
def running(relay: BadRelay) -> Iterator[Target]:
    """It, on loopback, in a thread of its own."""
    loop = asyncio.new_event_loop()

    async def start() -> list[int]:
        servers = [
            await asyncio.start_server(session, "127.0.0.1", 0, ssl=context(), limit=1 << 20)
            for session in (relay.imap, relay.submission)
        ]
        return [server.sockets[0].getsockname()[1] for server in servers]

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        imaps, submissions = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        yield Target("127.0.0.1", imaps, submissions, "bad.example")
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def stop() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
