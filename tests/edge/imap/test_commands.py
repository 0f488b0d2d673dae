"""What every command answers, and what it does to the store."""

from typing import TYPE_CHECKING

import pytest

from angarium.mail.settings import Retention
from angarium.store.interfaces import StoreFull

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.edge.imap.conftest import Client, Relay

    Device = Callable[..., Awaitable[Client]]

CLEAR = b"From: alice1234@relay.example\r\n\r\nhello\r\n"


def literal(data: bytes) -> bytes:
    return b"{%d+}\r\n%s" % (len(data), data)


async def test_before_login_nothing_names_a_chatmail_relay(relay: "Relay", greeted: "Device") -> None:
    client = await greeted()
    assert await client.ok(b"CAPABILITY") == [b"CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID AUTH=PLAIN"]
    assert await client.ok(b'ID ("name" "Delta Chat")') == [b"ID NIL"]
    clear = await greeted(tls=False)
    assert await clear.ok(b"CAPABILITY") == [b"CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID STARTTLS LOGINDISABLED"]
    [tagged] = await client.do(b"LOGIN alice1234@relay.example long-enough-password")
    assert tagged == (
        b"OK [CAPABILITY IMAP4rev1 LITERAL+ ENABLE IDLE NAMESPACE CHILDREN UIDPLUS UNSELECT MOVE CONDSTORE QUOTA "
        b"METADATA COMPRESS=DEFLATE XCHATMAIL XDELTAPUSH] Logged in"
    )


async def test_push_is_offered_only_where_there_is_some(relay: "Relay", device: "Device") -> None:
    relay.push = False
    client = await device()
    assert b"XDELTAPUSH" not in (await client.ok(b"CAPABILITY"))[0]
    assert (await client.refused(b'SETMETADATA INBOX (/private/devicetoken "x")')).startswith(b"NO [NOPERM]")


@pytest.mark.parametrize("password", ["short", "a b\u043f\u0430\u0440\u043e\u043b\u044c"])
async def test_login_refusals(greeted: "Device", password: str) -> None:
    client = await greeted()
    refused = await client.refused(f'LOGIN bob123456@elsewhere.example "{password}"'.encode())
    assert refused.startswith((b"NO [AUTHENTICATIONFAILED] ", b"NO [AUTHORIZATIONFAILED] "))
    assert (b"AUTHENTICATIONFAILED" in refused) == (b"authentication" in refused)
    await client.login()


async def test_a_store_that_fails_is_not_a_wrong_password(
    relay: "Relay", greeted: "Device", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise StoreFull("the disk is full")

    monkeypatch.setattr(relay.store.accounts, "create", full)
    client = await greeted()
    refused = await client.refused(b'LOGIN "newcomer1@relay.example" "long enough"')
    assert refused.startswith(b"NO [UNAVAILABLE]")
    assert b"authentication" not in refused.lower()


async def test_select_tells_what_the_app_needs(relay: "Relay", device: "Device") -> None:
    client = await device()
    await relay.deliver(times=2)
    told = await client.ok(b'SELECT "inbox"')
    assert told[:3] == [b"FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)", b"2 EXISTS", b"0 RECENT"]
    assert b"OK [UNSEEN 1] First unseen" in told
    assert b"OK [UIDNEXT 3] Next" in told
    assert any(response.startswith(b"OK [UIDVALIDITY ") for response in told)
    assert (await client.refused(b"SELECT Nowhere")).startswith(b"NO [NONEXISTENT]")
    assert await client.refused(b"FETCH 1 UID") == b"BAD Not now"
    assert (await client.do(b"EXAMINE INBOX"))[-1].startswith(b"OK [READ-ONLY]")


async def test_what_was_opened_for_reading_is_not_changed(relay: "Relay", device: "Device") -> None:
    client, writer = await device(), await device(b"INBOX")
    await relay.deliver()
    await writer.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
    await client.ok(b"EXAMINE INBOX")
    for command in (b"STORE 1 +FLAGS (x)", b"EXPUNGE", b"UID EXPUNGE 1", b"MOVE 1 INBOX"):
        assert (await client.refused(command)).startswith(b"NO [NOPERM]")
    assert b"FLAGS" not in (await client.ok(b"FETCH 1 BODY[HEADER.FIELDS (SUBJECT)]"))[0]
    await client.ok(b"CLOSE")
    assert await writer.ok(b"NOOP") == []


async def test_reading_without_peek_marks_as_seen(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver()
    wanted = b"1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {18}\r\nSubject: [...]\r\n\r\n"
    assert await client.ok(b"FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject)]") == [b"1 EXISTS", wanted + b")"]
    assert await client.ok(b"FETCH 1 BODY[HEADER.FIELDS (Subject)]") == [wanted + b" FLAGS (\\Seen))"]
    assert await client.ok(b"FETCH 1 BODY[HEADER.FIELDS (Subject)]") == [wanted + b")"]
    assert await client.ok(b"NOOP") == []


async def test_one_device_deletes_at_once_as_the_app_does(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver()
    await client.ok(b"UID FETCH 1 (FLAGS BODY.PEEK[])")
    assert await client.ok(b"UID STORE 1 +FLAGS (\\Deleted)") == [b"1 FETCH (UID 1 FLAGS (\\Deleted))"]
    assert await client.ok(b"CLOSE") == []
    told = await client.ok(b'SELECT "INBOX"')
    assert b"0 EXISTS" in told
    assert b"OK [UIDNEXT 2] Next" in told


async def test_unselect_destroys_nothing(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver()
    await client.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
    await client.ok(b"UNSELECT")
    assert b"1 EXISTS" in await client.ok(b"SELECT INBOX")


async def test_store(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver(times=2)
    await client.ok(b"STORE 1 FLAGS.SILENT (\\Seen Work)")
    assert await client.ok(b"STORE 1:2 -FLAGS (\\seen)") == [
        b"1 FETCH (UID 1 FLAGS (Work))",
        b"2 FETCH (UID 2 FLAGS ())",
    ]
    assert await client.ok(b"STORE 1:2 FLAGS (\\Draft)") == [
        b"1 FETCH (UID 1 FLAGS (\\Draft))",
        b"2 FETCH (UID 2 FLAGS (\\Draft))",
    ]
    assert await client.ok(b"STORE 1 FLAGS (\\Draft)") == [b"1 FETCH (UID 1 FLAGS (\\Draft))"]
    assert await client.refused(b"STORE 3 FLAGS ()") == b"BAD No such message"
    assert await client.ok(b"NOOP") == []


async def test_copy_and_move(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver(times=3)
    assert await client.refused(b"COPY 1 Archive") == b"NO [TRYCREATE] No such mailbox"
    await client.ok(b"CREATE Archive")
    *_, copied = await client.do(b"UID COPY 1,3,9 Archive")
    assert copied.startswith(b"OK [COPYUID ")
    assert copied.endswith(b" 1,3 1:2] Completed")
    moved, *gone = await client.ok(b"MOVE 1:2 Archive")
    assert moved.endswith(b" 1:2 3:4] Moved")
    assert gone == [b"2 EXPUNGE", b"1 EXPUNGE"]
    assert await client.ok(b"UID MOVE 99 Archive") == []
    assert await client.ok(b"STATUS Archive (MESSAGES UIDNEXT)") == [b'STATUS "Archive" (MESSAGES 4 UIDNEXT 5)']


async def test_expunge_by_uid(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver(times=3)
    await client.ok(b"STORE 1:3 +FLAGS.SILENT (\\Deleted)")
    assert await client.ok(b"UID EXPUNGE 2,9") == [b"2 EXPUNGE"]
    assert await client.ok(b"EXPUNGE") == [b"2 EXPUNGE", b"1 EXPUNGE"]


async def test_append_takes_only_what_could_be_sent(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    refused = await client.refused(b"APPEND INBOX " + literal(CLEAR))
    assert refused.startswith(b"NO [CANNOT] ")
    assert b"invalid unencrypted mail" in refused.lower()
    assert await client.refused(b"APPEND Nowhere " + literal(relay.mail)) == b"NO [TRYCREATE] No such mailbox"
    untagged, tagged = await client.do(b'APPEND INBOX (\\Seen) "01-Jan-2020 00:00:00 +0000" ' + literal(relay.mail))
    assert untagged == b"* 1 EXISTS"
    assert tagged.startswith(b"OK [APPENDUID ")
    assert await client.ok(b"FETCH 1 (FLAGS RFC822.SIZE INTERNALDATE)") == [
        b'1 FETCH (FLAGS (\\Seen) RFC822.SIZE %d INTERNALDATE "04-Oct-2024 00:00:00 +0000")' % len(relay.mail)
    ]


async def test_a_full_account(relay: "Relay", device: "Device") -> None:
    relay.retention = Retention(quota=1_048_576)
    client = await device(b"INBOX")
    await relay.deliver(b"Subject: big\r\n\r\n" + b"x" * 1_047_000)
    assert (await client.refused(b"APPEND INBOX " + literal(relay.mail))).startswith(b"NO [OVERQUOTA]")
    assert (await client.refused(b"COPY 1 INBOX")).startswith(b"NO [OVERQUOTA]")
    assert await client.ok(b'GETQUOTA "account"') == [b'QUOTA "account" (STORAGE 1023 1024)']
    assert (await client.refused(b'GETQUOTA "other"')).startswith(b"NO [NONEXISTENT]")
    assert (await client.refused(b'SETQUOTA "account" (STORAGE 9)')).startswith(b"NO [NOPERM]")


async def test_mailboxes(device: "Device") -> None:
    client = await device()
    assert await client.ok(b'LIST "" ""') == [b'LIST (\\Noselect) "/" ""']
    for name in (b"a/b/", b"&BB8-", b"z"):
        await client.ok(b"CREATE " + name)
    assert await client.ok(b'LIST "" "*"') == [
        b'LIST (\\HasNoChildren) "/" "INBOX"',
        b'LIST (\\HasChildren) "/" "a"',
        b'LIST (\\HasNoChildren) "/" "a/b"',
        b'LIST (\\HasNoChildren) "/" "z"',
        b'LIST (\\HasNoChildren) "/" "&BB8-"',
    ]
    assert await client.ok(b'LIST "" inb%') == [b'LIST (\\HasNoChildren) "/" "INBOX"']
    assert await client.ok(b"LIST a/ %") == [b'LIST (\\HasNoChildren) "/" "a/b"']
    assert await client.ok(b'LSUB "" z') == [b'LSUB (\\HasNoChildren) "/" "z"']
    await client.ok(b"DELETE a")
    assert await client.ok(b'LIST "" %') == [
        b'LIST (\\HasNoChildren) "/" "INBOX"',
        b'LIST (\\HasNoChildren) "/" "z"',
        b'LIST (\\HasNoChildren) "/" "&BB8-"',
        b'LIST (\\Noselect \\HasChildren) "/" "a"',
    ]
    await client.ok(b"CREATE a")
    await client.ok(b"RENAME a c")
    assert await client.ok(b'LIST "" c*') == [
        b'LIST (\\HasChildren) "/" "c"',
        b'LIST (\\HasNoChildren) "/" "c/b"',
    ]
    await client.ok(b"SUBSCRIBE z")
    await client.ok(b"UNSUBSCRIBE z")
    assert await client.ok(b"NAMESPACE") == [b'NAMESPACE (("" "/")) NIL NIL']


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b"CREATE inbox", b"CANNOT"),
        (b"CREATE INBOX/x", b"CANNOT"),
        (b"CREATE a//b", b"CANNOT"),
        (b"CREATE z", b"ALREADYEXISTS"),
        (b"CREATE {1}\r\n\x07", b"CANNOT"),
        (b"DELETE INBOX", b"CANNOT"),
        (b"DELETE y", b"NONEXISTENT"),
        (b"RENAME y x", b"NONEXISTENT"),
        (b"RENAME z INBOX", b"CANNOT"),
        (b"RENAME z z/y", b"CANNOT"),
        (b"RENAME z z", b"ALREADYEXISTS"),
        (b"RENAME INBOX z", b"ALREADYEXISTS"),
        (b"STATUS y (MESSAGES)", b"NONEXISTENT"),
        (b"SUBSCRIBE y", b"NONEXISTENT"),
        (b"COMPRESS LZMA", b"CANNOT"),
        (b"SETMETADATA INBOX (/private/comment NIL)", b"NOPERM"),
    ],
)
async def test_refusals(device: "Device", command: bytes, code: bytes) -> None:
    client = await device()
    await client.ok(b"CREATE z")
    assert (await client.refused(command)).removeprefix(b"+ OK").startswith((b"NO [" + code, b"BAD")), command


async def test_too_many_mailboxes(device: "Device") -> None:
    client = await device()
    for number in range(99):
        await client.ok(b"CREATE m%d" % number)
    assert (await client.refused(b"CREATE one-more")).startswith(b"NO [LIMIT]")


async def test_the_selected_mailbox_may_be_renamed_or_deleted(relay: "Relay", device: "Device") -> None:
    client = await device()
    await client.ok(b"CREATE a")
    await client.ok(b"APPEND a " + literal(relay.mail))
    await client.ok(b"SELECT a")
    await client.ok(b"RENAME a b")
    assert await client.ok(b"UID STORE 1 FLAGS (x)") == [b"1 FETCH (UID 1 FLAGS (x))"]
    await client.ok(b"DELETE b")
    assert await client.refused(b"FETCH 1 UID") == b"BAD Not now"


async def test_renaming_inbox_moves_its_messages(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver(times=2)
    await client.ok(b"RENAME INBOX old")
    assert await client.ok(b"NOOP") == [b"2 EXPUNGE", b"1 EXPUNGE"]
    assert await client.ok(b"STATUS old (MESSAGES)") == [b'STATUS "old" (MESSAGES 2)']


async def test_metadata(relay: "Relay", device: "Device") -> None:
    relay.metadata = {"/shared/comment": "hi", "/shared/vendor/deltachat/turn": "x:1:2:y", "/shared/admin": "a\nb"}
    client = await device()
    assert await client.ok(b'GETMETADATA "" (/shared/comment /shared/vendor/deltachat/irohrelay)') == [
        b'METADATA "" (/shared/comment "hi")'
    ]
    assert await client.ok(b'GETMETADATA "" /shared/admin') == [b'METADATA "" (/shared/admin {3}\r\na\nb)']
    assert await client.ok(b'GETMETADATA "" /shared/nothing') == []
    assert await client.ok(b"GETMETADATA INBOX /shared/comment") == []
    assert len((await client.ok(b'GETMETADATA (DEPTH infinity) "" /shared'))[0].split(b"/shared/")) == 4
    assert b"turn" not in (await client.ok(b'GETMETADATA (DEPTH 1) "" /shared'))[0]
    told, tagged = await client.do(b'GETMETADATA (MAXSIZE 3) "" (/shared/comment /shared/vendor/deltachat/turn)')
    assert told == b'* METADATA "" (/shared/comment "hi")'
    assert tagged.startswith(b"OK [METADATA LONGENTRIES 7]")


async def test_device_tokens(relay: "Relay", device: "Device") -> None:
    client = await device()
    tokens = relay.store.tokens
    await client.ok(b'SETMETADATA "INBOX" (/private/devicetoken "one")')
    await client.ok(b'SETMETADATA "INBOX" (/private/devicetoken "two")')
    assert sorted(await tokens.of("alice1234")) == ["one", "two"]
    await client.ok(b'SETMETADATA "INBOX" (/private/devicetoken ' + literal(b"y" * 4096) + b")")
    long = await client.refused(b"SETMETADATA INBOX (/private/devicetoken " + literal(b"y" * 4097) + b")")
    assert long.startswith(b"NO [METADATA MAXSIZE 4096]")
    for token in ("\u043f".encode(), b"", b"a b"):
        refused = await client.refused(b"SETMETADATA INBOX (/private/devicetoken " + literal(token) + b")")
        assert refused.startswith(b"NO [CANNOT]")
    await client.ok(b"SETMETADATA INBOX (/private/devicetoken NIL)")
    assert await tokens.of("alice1234") == []


async def test_condstore(relay: "Relay", device: "Device") -> None:
    one, other = await device(), await device(b"INBOX")
    await relay.deliver(times=2)
    told = await one.ok(b"SELECT INBOX (CONDSTORE)")
    [modseq] = [int(each.split(b"]")[0].split()[-1]) for each in told if b"HIGHESTMODSEQ" in each]
    assert await one.ok(b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % modseq) == []
    await other.ok(b"STORE 2 +FLAGS (\\Seen)")
    [changed] = await one.ok(b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % modseq)
    assert changed == b"2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (%d))" % (modseq + 1)
    assert (await one.do(b"UID STORE 1:2 (UNCHANGEDSINCE %d) +FLAGS.SILENT (x)" % modseq)) == [
        b"* 1 FETCH (UID 1 MODSEQ (%d))" % (modseq + 2),
        b"OK [MODIFIED 2] Some were changed in between",
    ]
    assert await one.ok(b"SEARCH MODSEQ %d" % (modseq + 2)) == [b"SEARCH 1 (MODSEQ %d)" % (modseq + 2)]
    await other.ok(b"STORE 1 +FLAGS (y)")
    assert await one.ok(b"NOOP") == [b"1 FETCH (UID 1 FLAGS (x y) MODSEQ (%d))" % (modseq + 3)]
    assert await other.ok(b"STATUS INBOX (HIGHESTMODSEQ)") == [b'STATUS "INBOX" (HIGHESTMODSEQ %d)' % (modseq + 3)]
    assert await other.ok(b"ENABLE CONDSTORE X") == [b"ENABLED"]


async def test_search(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver(b"Subject: one\r\nMessage-ID: <1@x>\r\n\r\nfirst\r\n")
    await relay.deliver(b"Subject: two\r\nMessage-ID: <2@x>\r\n\r\nsecond\r\n")
    assert (await client.ok(b"UID SEARCH HEADER Message-ID <2@x>"))[-1] == b"SEARCH 2"
    assert await client.ok(b"SEARCH TEXT first") == [b"SEARCH 1"]
    assert await client.ok(b"SEARCH NOT BODY first UID 1:*") == [b"SEARCH 2"]
    assert await client.ok(b"SEARCH KEYWORD nothing") == [b"SEARCH"]
    refused = await client.refused(b"SEARCH CHARSET KOI8-R TEXT x")
    assert refused == b"NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset"


async def test_logout(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await client.say(b"a LOGOUT\r\n")
    assert await client.ended() == b"* BYE Logging out\r\na OK Completed\r\n"
    client = await device(b"INBOX")
    await client.say(b"a LOGOUT\r\nb NOOP\r\n")
    assert await client.ended() == b"* BYE Logging out\r\na OK Completed\r\n"
    await relay.quiet()


async def test_starttls_discards_what_came_in_clear(greeted: "Device", relay: "Relay") -> None:
    client = await greeted(tls=False)
    await client.say(b"a STARTTLS\r\n")
    assert await client.line() == b"a OK Begin TLS now"
    await client.connection.start_tls_client(relay.client, "127.0.0.1", timeout=10)
    assert b"AUTH=PLAIN" in (await client.ok(b"CAPABILITY"))[0]
    assert await client.refused(b"STARTTLS") == b"BAD Not now"
    await client.login()
