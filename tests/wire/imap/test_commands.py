"""Every command's grammar, read whole and byte by byte with the same result."""

from collections.abc import Iterable

import pytest

from angarium.wire.imap.commands import Command, State
from angarium.wire.imap.commands.account import GetMetadata, GetQuota, GetQuotaRoot, SetMetadata, SetQuota
from angarium.wire.imap.commands.entry import Capability, Compress, Enable, Id, Login, Logout, Noop, StartTls
from angarium.wire.imap.commands.mailboxes import (
    Append,
    Create,
    Delete,
    List,
    Namespace,
    Rename,
    Select,
    Status,
    Subscribe,
)
from angarium.wire.imap.commands.messages import (
    Change,
    Check,
    Close,
    Copy,
    Expunge,
    Fetch,
    Idle,
    Search,
    Store,
    Unselect,
)
from angarium.wire.imap.items import Attribute, Part, Section
from angarium.wire.imap.keys import And, Dated, Field, Flag, ModSeq, Not, Numbers, Or, Sized, Text
from angarium.wire.imap.reader import Limits
from angarium.wire.imap.sequence import SequenceSet
from angarium.wire.imap.server import Received, Refused, Server
from angarium.wire.sasl import Credentials

ALL = SequenceSet(((1, None),))
LIMITS = Limits(line=8192, early=1024, message=4096, depth=6)


def parse(data: bytes, *, state: State, pieces: Iterable[bytes] | None = None) -> list[Command | bytes]:
    """The commands in `data`, with what was said instead of those that are none."""
    server = Server(LIMITS, secure=True)
    server.state = state
    heard: list[Command | bytes] = []
    for piece in [data] if pieces is None else pieces:
        events = server.receive(piece)
        while events:
            for event in events:
                if isinstance(event, Received):
                    heard.append(event.command)
                    while server.to_send():
                        pass
                    server.complete("OK", "x")
                    assert server.to_send().endswith(b" OK x\r\n")
                elif isinstance(event, Refused):
                    heard.append(server.to_send())
            events = server.receive(b"")
    return heard


def both_ways(data: bytes, *, state: State) -> list[Command | bytes]:
    whole = parse(data, state=state)
    assert parse(data, state=state, pieces=[bytes([octet]) for octet in data]) == whole
    return whole


def fetch(*items: Attribute | Section, by_uid: bool = True, since: int | None = None) -> Fetch:
    return Fetch(ALL, items, by_uid, since)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"CAPABILITY", Capability()),
        (b"noop", Noop()),
        (b"LOGOUT", Logout()),
        (b"NOOP ", Noop()),
        (b"STARTTLS", StartTls()),
        (b"ID NIL", Id()),
        (b'ID ("name" "Delta Chat")', Id()),
        (b'ID ("name" NIL "version" {1}\r\n1)', Id()),
        (b"ID ()", Id()),
        (b'LOGIN "user@dom" "pw"', Login(Credentials("user@dom", "pw"))),
        (b"LOGIN user@dom pw]", Login(Credentials("user@dom", "pw]"))),
        (rb'LOGIN u "a\"b\\c"', Login(Credentials("u", 'a"b\\c'))),
        (b"LOGIN {1}\r\nu {3+}\r\na b", Login(Credentials("u", "a b"))),
        ('LOGIN u "\u043f"'.encode(), Login(Credentials("u", "\u043f"))),
        (b"AUTHENTICATE PLAIN AHUAcA==", Login(Credentials("u", "p"))),
        (b"authenticate plain\r\nAHUAcA==", Login(Credentials("u", "p"))),
    ],
)
def test_at_the_door(line: bytes, command: Command) -> None:
    assert both_ways(b"a1 " + line + b"\r\n", state=State.GREETED) == [command]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"ENABLE CONDSTORE UTF8=ACCEPT", Enable(("CONDSTORE", "UTF8=ACCEPT"))),
        (b"COMPRESS DEFLATE", Compress("DEFLATE")),
        (b'SELECT "INBOX"', Select("INBOX", read_only=False, condstore=False)),
        (b"EXAMINE inBox (CONDSTORE)", Select("INBOX", read_only=True, condstore=True)),
        (b"CREATE Foo/", Create("Foo")),
        (b"DELETE {3}\r\nFoo", Delete("Foo")),
        (b'RENAME a "b c"', Rename("a", "b c")),
        (b"SUBSCRIBE a", Subscribe("a")),
        (b"UNSUBSCRIBE a", Subscribe("a")),
        (b'LIST "" ""', List("", "", subscribed=False)),
        (b'LIST "" *', List("", "*", subscribed=False)),
        (b'lsub a/ "%/b"', List("a/", "%/b", subscribed=True)),
        (b"STATUS &BB8- (MESSAGES UIDNEXT)", Status("\u041f", ("MESSAGES", "UIDNEXT"))),
        (b"APPEND x {3}\r\nabc", Append("x", frozenset(), b"abc")),
        (b"APPEND x (\\seen Foo) {3+}\r\na\r\n", Append("x", frozenset({"\\Seen", "Foo"}), b"a\r\n")),
        (
            b'APPEND x () " 1-Jan-2024 00:00:00 +0000" ~{2}\r\n\x00{',
            Append("x", frozenset(), b"\x00{"),
        ),
        (b"NAMESPACE", Namespace()),
        (b"IDLE", Idle()),
        (b"CHECK", Check()),
        (b"CLOSE", Close()),
        (b"UNSELECT", Unselect()),
        (b"EXPUNGE", Expunge()),
        (b"UID EXPUNGE 3,5:*", Expunge(SequenceSet(((3, 3), (5, None))))),
        (b"STORE 1:* FLAGS ()", Store(ALL, Change.SET, frozenset(), silent=False, by_uid=False)),
        (
            b"UID STORE 1:* (UNCHANGEDSINCE 7) +flags.silent \\deleted",
            Store(ALL, Change.ADD, frozenset({"\\Deleted"}), silent=True, by_uid=True, unchanged_since=7),
        ),
        (b"STORE 1:* -FLAGS (a b)", Store(ALL, Change.REMOVE, frozenset({"a", "b"}), silent=False, by_uid=False)),
        (b"COPY 1:* x", Copy(ALL, "x", move=False, by_uid=False)),
        (b"UID MOVE 1:* {1}\r\nx", Copy(ALL, "x", move=True, by_uid=True)),
        (b'GETQUOTA ""', GetQuota(b"")),
        (b'GETQUOTAROOT "INBOX"', GetQuotaRoot("INBOX")),
        (b"SETQUOTA x (STORAGE 512 MESSAGE 3)", SetQuota()),
        (
            b'GETMETADATA "" (/shared/comment /Shared/Vendor/deltachat/turn)',
            GetMetadata("", ("/shared/comment", "/shared/vendor/deltachat/turn"), 0, None),
        ),
        (b'GETMETADATA (MAXSIZE 9 DEPTH infinity) "" /shared', GetMetadata("", ("/shared",), None, 9)),
        (
            b'SETMETADATA "INBOX" (/private/devicetoken "x" /private/y NIL)',
            SetMetadata("INBOX", (("/private/devicetoken", b"x"), ("/private/y", None))),
        ),
    ],
)
def test_inside(line: bytes, command: Command) -> None:
    assert both_ways(b"a1 " + line + b"\r\n", state=State.SELECTED) == [command]


PREFETCH = b"UID FETCH 1:* (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID Date)])"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (
            PREFETCH,
            fetch(
                Attribute.UID,
                Attribute.SIZE,
                Section(
                    b"BODY[HEADER.FIELDS (MESSAGE-ID DATE)]",
                    part=Part.FIELDS,
                    fields=frozenset({b"message-id", b"date"}),
                    peek=True,
                ),
            ),
        ),
        (b"UID FETCH 1:* (FLAGS BODY.PEEK[])", fetch(Attribute.FLAGS, Section(b"BODY[]", peek=True))),
        (b"FETCH 1:* fast", fetch(Attribute.FLAGS, Attribute.DATE, Attribute.SIZE, by_uid=False)),
        (
            b"FETCH 1:* ALL",
            fetch(Attribute.FLAGS, Attribute.DATE, Attribute.SIZE, Attribute.ENVELOPE, by_uid=False),
        ),
        (
            b"FETCH 1:* FULL",
            fetch(*(Attribute.FLAGS, Attribute.DATE, Attribute.SIZE, Attribute.ENVELOPE, Attribute.BODY), by_uid=False),
        ),
        (b"FETCH 1:* BODYSTRUCTURE", fetch(Attribute.STRUCTURE, by_uid=False)),
        (b"FETCH 1:* (BODY)", fetch(Attribute.BODY, by_uid=False)),
        (b"FETCH 1:* RFC822", fetch(Section(b"RFC822"), by_uid=False)),
        (b"FETCH 1:* RFC822.HEADER", fetch(Section(b"RFC822.HEADER", part=Part.HEADER, peek=True), by_uid=False)),
        (b"FETCH 1:* RFC822.TEXT", fetch(Section(b"RFC822.TEXT", part=Part.TEXT), by_uid=False)),
        (b"FETCH 1:* body[text]", fetch(Section(b"BODY[TEXT]", part=Part.TEXT), by_uid=False)),
        (b"FETCH 1:* BODY[1.2]", fetch(Section(b"BODY[1.2]", path=(1, 2)), by_uid=False)),
        (
            b"FETCH 1:* BODY.PEEK[1.2.mime]<3.9>",
            fetch(Section(b"BODY[1.2.MIME]<3>", (1, 2), Part.MIME, partial=(3, 9), peek=True), by_uid=False),
        ),
        (
            b"FETCH 1:* BODY[HEADER.FIELDS.NOT ({2}\r\nTo)]",
            fetch(
                Section(b"BODY[HEADER.FIELDS.NOT (TO)]", part=Part.NOT_FIELDS, fields=frozenset({b"to"})),
                by_uid=False,
            ),
        ),
        (b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE 5)", fetch(Attribute.FLAGS, since=5)),
        (b"UID FETCH 1:* (UID FLAGS UID)", fetch(Attribute.UID, Attribute.FLAGS)),
    ],
)
def test_fetch(line: bytes, command: Command) -> None:
    assert both_ways(b"a1 " + line + b"\r\n", state=State.SELECTED) == [command]


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        (b"ALL", [And(())]),
        (b"1:*", [Numbers(ALL, by_uid=False)]),
        (b"UID 1:* UNSEEN", [Numbers(ALL, by_uid=True), Not(Flag("\\Seen"))]),
        (b"NOT DELETED OR FLAGGED KEYWORD x", [Not(Flag("\\Deleted")), Or(Flag("\\Flagged"), Flag("x"))]),
        (b"(SMALLER 9 LARGER 3)", [And((Sized(below=9), Sized(above=3)))]),
        (b'SINCE 1-Jan-1970 BEFORE "02-feb-1970"', [Dated(0, None), Dated(None, 32)]),
        (b"SENTON 2-Jan-1970", [Dated(1, 2, sent=True)]),
        (b'HEADER Message-ID "<x>"', [Field(b"message-id", "<x>")]),
        (b"FROM a SUBJECT {1+}\r\nb", [Field(b"from", "a"), Field(b"subject", "b")]),
        (b'CHARSET utf-8 TEXT "\xd0\xbf" BODY z', [Text("\u043f", header=True), Text("z", header=False)]),
        (b'MODSEQ "/flags/\\\\draft" all 5 MODSEQ 6', [ModSeq(5), ModSeq(6)]),
        (b"NEW OLD RECENT", [Not(And(())), And(()), Not(And(()))]),
    ],
)
@pytest.mark.parametrize("by_uid", [False, True])
def test_search(line: bytes, keys: list[object], by_uid: bool) -> None:
    prefix = b"a1 UID SEARCH " if by_uid else b"a1 SEARCH "
    assert both_ways(prefix + line + b"\r\n", state=State.SELECTED) == [Search(And(tuple(keys)), by_uid)]  # type: ignore[arg-type]


def test_search_in_an_unknown_charset_is_known_as_such() -> None:
    line = b"a1 SEARCH CHARSET KOI8-R TEXT x\r\n"
    assert both_ways(line, state=State.SELECTED) == [Search(None, by_uid=False)]


@pytest.mark.parametrize(
    "line",
    [
        b"NOOP x",
        b"XYZZY",
        b"UID XYZZY 1",
        b"SELECT",
        b"SELECT ",
        b"SELECT a b",
        b'SELECT "a',
        b"SELECT &",
        b"SELECT &BB8",
        b"SELECT &AGE-",
        b"SELECT " + b"x" * 300,
        b"STATUS a (SIZE)",
        b"STATUS a ()",
        b"FETCH 0 FLAGS",
        b"FETCH 1:4294967296 FLAGS",
        b"FETCH a FLAGS",
        b"FETCH 1,, FLAGS",
        b"FETCH 1 ()",
        b"FETCH 1 (FLAGS",
        b"FETCH 1 FLAGS)",
        b"FETCH 1 NOTHING",
        b"FETCH 1 BODY[MIME]",
        b"FETCH 1 BODY[1.]",
        b"FETCH 1 BODY[.TEXT]",
        b"FETCH 1 BODY[0]",
        b"FETCH 1 BODY[" + b".".join([b"1"] * 65) + b"]",
        b"FETCH 1 BODY[]<1>",
        b"FETCH 1 BODY[]<1.0>",
        b"FETCH 1 BODY[HEADER.FIELDS ()]",
        b'FETCH 1 BODY[HEADER.FIELDS ("a b")]',
        b"FETCH 1 BODY.PEEK",
        b"FETCH 1 FLAGS (CHANGEDSINCE)",
        b"STORE 1 +FLAGS",
        b"STORE 1 +FLAGS ",
        b"STORE 1 +FLAGS (\\Recent)",
        b"STORE 1 +FLAGS (a b",
        b"STORE 1 +FLAGS (" + b"a" * 65 + b")",
        b"STORE 1 +FLAGS (" + b" ".join(b"k%d" % n for n in range(33)) + b")",
        b"SEARCH",
        b"SEARCH (ALL",
        b"SEARCH ((((((((ALL))))))))",
        b"SEARCH " + b"NOT " * 50 + b"ALL",
        b"SEARCH " + b"OR ALL " * 50 + b"ALL",
        b"SEARCH XYZZY x",
        b"SEARCH SINCE 31-Feb-2024",
        b"SEARCH SINCE yesterday",
        b"SEARCH LARGER x",
        b'SEARCH TEXT "\xff"',
        b"LOGIN a b",
        b"APPEND x abc",
        b'APPEND x "yesterday" {1+}\r\nx',
        b'LIST "" ' + b"*" * 300,
        b"GETMETADATA (COLOUR 1) x /shared",
        b"GETMETADATA (DEPTH 7) x /shared",
        b"GETMETADATA x shared",
        b"GETMETADATA x /shared/*",
        b"SETMETADATA x (/a)",
        b"COMPRESS",
        b"ENABLE",
        b"\x00",
        b"NOOP\rNOOP",
        b"SELECT {2}\r\n\x00a",
        b"SELECT {99999999999999999999999}",
    ],
)
def test_faulty_commands_are_answered_and_the_next_one_is_run(line: bytes) -> None:
    refused, command = both_ways(b"a1 " + line + b"\r\na2 NOOP\r\n", state=State.SELECTED)
    assert isinstance(refused, bytes)
    assert b"\r\na1 BAD " in b"\r\n" + refused
    assert command == Noop()


@pytest.mark.parametrize(
    "line", [b"", b" ", b"*", b"+ NOOP", b"a+ NOOP", b"(a NOOP", b"x" * 65 + b" NOOP", b"\xff NOOP"]
)
def test_what_has_no_tag_is_answered_without_one(line: bytes) -> None:
    refused, command = both_ways(line + b"\r\na2 NOOP\r\n", state=State.SELECTED)
    assert isinstance(refused, bytes)
    assert refused.startswith(b"* BAD ")
    assert command == Noop()


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"AUTHENTICATE GSSAPI", b"a1 NO [CANNOT] "),
        (b"AUTHENTICATE PLAIN !", b"a1 NO "),
        (b"AUTHENTICATE PLAIN =", b"a1 NO "),
        (b"AUTHENTICATE PLAIN\r\n*", b"+ \r\na1 BAD "),
        (b"AUTHENTICATE PLAIN\r\nAGEA/w==", b"+ \r\na1 NO "),
        (b"SELECT x", b"a1 BAD Log in first"),
        (b"LOGIN u {1}\r\n\xff", b"+ OK\r\na1 BAD "),
    ],
)
def test_refused_at_the_door(line: bytes, answer: bytes) -> None:
    refused, command = both_ways(b"a1 " + line + b"\r\na2 NOOP\r\n", state=State.GREETED)
    assert isinstance(refused, bytes)
    assert refused.startswith(answer)
    assert command == Noop()
