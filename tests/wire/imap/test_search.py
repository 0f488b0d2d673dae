"""What search keys match, and that a message is read only where it decides."""

import pytest

from angarium.wire.imap.commands import State
from angarium.wire.imap.commands.messages import Search
from angarium.wire.imap.entry import Entry
from angarium.wire.imap.keys import And
from angarium.wire.imap.reader import Limits
from angarium.wire.imap.search import Candidate, asks_modseq, test_of
from angarium.wire.imap.server import Received, Server

test_of.__test__ = False  # type: ignore[attr-defined]

MESSAGE = (
    b"From: Alice <a@b>\r\nTo: c@d\r\nSubject: =?utf-8?B?0J/RgNC40LLQtdGC?= =?utf-8?q?_there?=\r\n"
    b"Date: Wed, 3 Jan 1970 23:59:00 -1200\r\nX-Folded: one\r\n two\r\nX-Empty:\r\n\r\nThe Body\r\n"
)
ENTRY = Entry(50, 1000, frozenset({"\\Seen", "Work"}), day=10, modseq=7)


def key(text: str) -> And:
    server = Server(Limits(), secure=True)
    server.state = State.SELECTED
    [event] = server.receive(f"a SEARCH {text}\r\n".encode())
    assert isinstance(event, Received)
    assert isinstance(event.command, Search)
    assert event.command.key is not None
    return event.command.key


def ask(text: str, *, read: bool) -> bool | None:
    one = Candidate(3, ENTRY, MESSAGE if read else None)
    return test_of(key(text), last_number=5, last_uid=60)(one)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ALL", True),
        ("SEEN", True),
        ("UNSEEN", False),
        ("UNDELETED UNDRAFT UNFLAGGED UNANSWERED", True),
        ("KEYWORD work", True),
        ("UNKEYWORD WORK", False),
        ("NEW", False),
        ("OLD", True),
        ("3", True),
        ("4:*", False),
        ("*", False),
        ("UID 50:60", True),
        ("UID *", False),
        ("UID 1,50", True),
        ("LARGER 999", True),
        ("LARGER 1000", False),
        ("SMALLER 1001", True),
        ("SMALLER 1000", False),
        ("ON 11-Jan-1970", True),
        ("SINCE 11-Jan-1970", True),
        ("SINCE 12-Jan-1970", False),
        ("BEFORE 11-Jan-1970", False),
        ("BEFORE 12-Jan-1970", True),
        ("MODSEQ 7", True),
        ("MODSEQ 8", False),
        ("NOT (SEEN 3)", False),
        ("OR UNSEEN 3", True),
        ("OR UNSEEN 4", False),
        ("UNSEEN TEXT x", False),
        ("OR SEEN TEXT x", True),
        ("NOT (UNSEEN SUBJECT x)", True),
    ],
)
def test_decided_by_the_entry_alone(text: str, answer: bool) -> None:
    assert ask(text, read=False) is answer
    assert ask(text, read=True) is answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("FROM alice", True),
        ("FROM A@B", True),
        ("TO alice", False),
        ("CC x", False),
        ("BCC x", False),
        ('SUBJECT "\u043f\u0440\u0438\u0432\u0435\u0442 THERE"', True),
        ("SUBJECT utf-8", False),
        ('HEADER X-Folded "one two"', True),
        ('HEADER x-empty ""', True),
        ('HEADER x-missing ""', False),
        ("BODY body", True),
        ("BODY alice", False),
        ("TEXT alice", True),
        ("SENTON 3-Jan-1970", True),
        ("SENTBEFORE 3-Jan-1970", False),
        ("SENTSINCE 3-Jan-1970", True),
        ("NOT TEXT alice", False),
        ("SEEN TEXT alice", True),
        ("OR TEXT nothing TEXT alice", True),
    ],
)
def test_decided_by_the_message(text: str, answer: bool) -> None:
    assert ask(text, read=False) is None
    assert ask(text, read=True) is answer


def test_a_message_without_a_date_was_not_sent_on_any_day() -> None:
    one = Candidate(1, ENTRY, b"Date: nonsense\r\n\r\n")
    assert test_of(key("SENTSINCE 1-Jan-1970"), last_number=1, last_uid=1)(one) is False


def test_modseq_is_found_wherever_it_is() -> None:
    assert asks_modseq(key("OR ALL NOT (SEEN MODSEQ 1)"))
    assert not asks_modseq(key("OR ALL NOT (SEEN)"))
