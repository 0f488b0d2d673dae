"""The bare clients against a server that answers by a script: every line must be what is expected next."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme

from angarium.lab.clients import Imap, Refused, Submission

Script = list[tuple[bytes, bytes]]

CA = trustme.CA()


@asynccontextmanager
async def scripted(greeting: bytes, script: Script) -> AsyncIterator[int]:
    """A server on loopback that says its greeting and then answers each expected line; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        for expected, reply in script:
            got = await reader.readuntil(expected[-2:])
            writer.write(reply if got == expected else b"999 A BAD expected " + expected + b" got " + got)
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("localhost").configure_cert(context)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


PREFETCH = (
    b"UID FETCH 7:506 (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE X-MICROSOFT-ORIGINAL-MESSAGE-ID "
    b"FROM IN-REPLY-TO REFERENCES CHAT-VERSION AUTOCRYPT-SETUP-MESSAGE)])\r\n"
)


async def test_a_device_waits_fetches_and_deletes() -> None:
    selected = b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT %d] x\r\n"
    script = [
        (b'A0001 LOGIN "a@b" "pw"\r\n', b"A0001 OK [CAPABILITY IDLE] in\r\n"),
        (b'A0002 SELECT "INBOX"\r\n', selected % 7 + b"A0002 OK [READ-WRITE] open\r\n"),
        (b"A0003 IDLE\r\n", b"+ idling\r\n* OK still here\r\n* 1 EXISTS\r\n"),
        (b"DONE\r\n", b"* 2 EXISTS\r\nA0003 OK done\r\n"),
        (
            b"A0004 " + PREFETCH,
            b"* 1 FETCH (UID 7 RFC822.SIZE 9 BODY[HEADER.FIELDS (DATE)] {4}\r\n\r\n\r\n)\r\nA0004 OK fetched\r\n",
        ),
        (
            b"A0005 UID FETCH 7 (FLAGS BODY.PEEK[])\r\n",
            b"* 1 FETCH (UID 7 FLAGS () BODY[] {9}\r\nA0005 OK\n)\r\nA0005 OK fetched\r\n",
        ),
        (b"A0006 UID STORE 7 +FLAGS (\\Deleted)\r\n", b"A0006 OK stored\r\n"),
        (b"A0007 CLOSE\r\n", b"A0007 OK closed\r\n"),
        (b'A0008 SELECT "INBOX"\r\n', selected % 9 + b"A0008 OK [READ-WRITE] open\r\n"),
    ]
    async with scripted(b"* OK ready\r\n", script) as port:
        imap = await Imap.connect("127.0.0.1", port)
        await imap.login("a@b", "pw")
        await imap.select()
        assert not imap.more
        await imap.idle()
        assert await imap.fetch_new() == [(7, b"A0005 OK\n")]
        await imap.delete([7])
        assert imap.more, "UID 8 came in meanwhile, and IDLE would not tell"
        imap.abort()


async def test_a_refused_command_is_raised_in_the_words_of_the_server() -> None:
    async with scripted(
        b"* OK ready\r\n", [(b'A0001 LOGIN "a@b" "pw"\r\n', b"A0001 NO authentication failed\r\n")]
    ) as port:
        imap = await Imap.connect("127.0.0.1", port)
        with pytest.raises(Refused, match="NO authentication failed"):
            await imap.login("a@b", "pw")
        with pytest.raises(ConnectionError):
            await imap.command("NOOP")
        imap.abort()


SUBMIT = b"MAIL FROM:<a@b> BODY=8BITMIME SMTPUTF8\r\n"


async def test_a_message_is_submitted_in_one_write_with_its_dots_doubled() -> None:
    script = [
        (b"EHLO [127.0.0.1]\r\n", b"250-hello\r\n250 AUTH PLAIN\r\n"),
        (b"AUTH PLAIN AGFAYgBwdw==\r\n", b"235 2.7.0 in\r\n"),
        (SUBMIT, b"250 2.1.0 ok\r\n"),
        (b"RCPT TO:<c@b>\r\n", b"250 2.1.5 ok\r\n"),
        (b"DATA\r\n", b"354 go\r\n"),
        (b"..one\r\n", b""),
        (b"...two\r\n", b""),
        (b".\r\n", b"250 2.0.0 taken\r\n"),
    ]
    async with scripted(b"220 ready\r\n", script) as port:
        submission = await Submission.connect("127.0.0.1", port)
        await submission.login("a@b", "pw")
        await submission.send("a@b", ["c@b"], b".one\r\n..two\r\n")
        submission.abort()


async def test_a_refused_recipient_sends_nothing() -> None:
    script = [
        (SUBMIT, b"250 2.1.0 ok\r\n"),
        (b"RCPT TO:<c@b>\r\n", b"550 5.1.1 nobody\r\n"),
        (b"RCPT TO:<d@b>\r\n", b"250 2.1.5 ok\r\n"),
        (b"DATA\r\n", b"503 5.5.1 no\r\n"),
    ]
    async with scripted(b"220 ready\r\n", script) as port:
        submission = await Submission.connect("127.0.0.1", port)
        with pytest.raises(Refused, match=r"550 5\.1\.1 nobody"):
            await submission.send("a@b", ["c@b", "d@b"], b"text\r\n")
        submission.abort()


async def test_a_refused_message_is_raised() -> None:
    script = [
        (SUBMIT, b"250 2.1.0 ok\r\n"),
        (b"RCPT TO:<c@b>\r\n", b"250 2.1.5 ok\r\n"),
        (b"DATA\r\n", b"354 go\r\n"),
        (b"text\r\n", b""),
        (b".\r\n", b"523 5.7.1 Encryption Needed\r\n"),
    ]
    async with scripted(b"220 ready\r\n", script) as port:
        submission = await Submission.connect("127.0.0.1", port)
        with pytest.raises(Refused, match="523"):
            await submission.send("a@b", ["c@b"], b"text\r\n")
        submission.abort()


async def test_an_ending_in_the_middle_of_a_literal_is_a_connection_error() -> None:
    script = [(b"A0001 UID FETCH 1,2 (FLAGS BODY.PEEK[])\r\n", b"* 1 FETCH (UID 1 FLAGS () BODY[] {900}\r\nhalf")]
    async with scripted(b"* OK ready\r\n", script) as port:
        imap = await Imap.connect("127.0.0.1", port)
        with pytest.raises(ConnectionError):
            await imap.fetch([1, 2])
        imap.abort()
