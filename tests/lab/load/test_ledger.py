"""The account of every message."""

import pytest

from angarium.lab.load.ledger import Faults, Ledger, Message, Window
from angarium.lab.load.letter import END, Letter, mark_of

LETTER = Letter.of("a@relay.example", 1536)


class Sent:
    """One message to two, and what became of it."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.ended = 0
        self.message, content = self.send()
        self.content = content.removesuffix(END)

    def send(self) -> tuple[Message, bytes]:
        return self.ledger.begin(LETTER, [1, 2], 0.0, self.end)

    def end(self) -> None:
        self.ended += 1


@pytest.fixture
def sent() -> Sent:
    return Sent()


def test_a_message_ends_when_it_was_answered_and_all_have_it(sent: Sent) -> None:
    sent.ledger.fetched(2, sent.content)
    sent.ledger.fetched(1, sent.content)
    assert (sent.ended, len(sent.ledger.open)) == (0, 1)
    sent.ledger.accepted(sent.message)
    assert (sent.ended, len(sent.ledger.open)) == (1, 0)
    assert (sent.ledger.window.deliveries, sent.ledger.window.fetched.count) == (2, 2)
    assert not sent.ledger.faults


def test_headers_may_be_added_and_dropped(sent: Sent) -> None:
    sent.ledger.fetched(1, b"Received: by relay\r\n" + sent.content)
    sent.ledger.fetched(2, sent.content.replace(b"Chat-Version: 1.0\r\n", b"").replace(b"Message-ID", b"Message-Id"))
    assert not sent.ledger.faults
    assert sent.ledger.window.deliveries == 2


def test_what_does_not_come_is_lost_at_each_recipient(sent: Sent) -> None:
    sent.ledger.accepted(sent.message)
    sent.ledger.fetched(1, sent.content)
    sent.ledger.give_up()
    assert sent.ledger.faults == Faults(lost=1)
    assert sent.message.window.lost == 1
    sent.ledger.fetched(2, sent.content)
    assert sent.ledger.faults == Faults(lost=1, doubled=1), "too late is not once"


def test_twice_is_doubled_before_the_end_and_after(sent: Sent) -> None:
    sent.ledger.fetched(1, sent.content)
    sent.ledger.fetched(1, sent.content)
    sent.ledger.accepted(sent.message)
    sent.ledger.fetched(2, sent.content)
    sent.ledger.fetched(2, sent.content)
    assert sent.ledger.faults == Faults(doubled=2)


def test_another_messages_body_is_a_change(sent: Sent) -> None:
    _, second = sent.send()
    head = sent.content.partition(b"\r\n\r\n")[0]
    sent.ledger.fetched(1, head + b"\r\n\r\n" + second.partition(b"\r\n\r\n")[2].removesuffix(END))
    assert sent.ledger.faults == Faults(changed=1)
    assert sent.ledger.window.deliveries == 0


@pytest.mark.parametrize("at", [600, 1000, -3])
def test_one_bit_is_a_change(sent: Sent, at: int) -> None:
    changed = bytearray(sent.content)
    changed[at] ^= 1
    sent.ledger.fetched(1, bytes(changed))
    assert sent.ledger.faults == Faults(changed=1)


def test_what_was_refused_must_not_arrive(sent: Sent) -> None:
    sent.ledger.refused(sent.message, "554 no")
    assert sent.ended == 1
    sent.ledger.fetched(1, sent.content)
    assert sent.ledger.faults == Faults(refused=1, strange=1, why="554 no")


def test_what_is_not_known_to_be_taken_may_come_or_not(sent: Sent) -> None:
    sent.ledger.unanswered(sent.message, "the server ended the connection")
    sent.ledger.fetched(1, sent.content)
    sent.ledger.give_up()
    assert sent.ledger.faults == Faults(refused=1, why="the server ended the connection")


def test_other_mail_is_strange(sent: Sent) -> None:
    for content in (b"From: x\r\n\r\nbody", b"no header at all", sent.content.replace(b"000@", b"999@", 1)):
        sent.ledger.fetched(1, content)
    sent.ledger.fetched(3, sent.content)
    assert sent.ledger.faults == Faults(strange=3, doubled=1)


def test_latency_belongs_to_the_window_of_sending_and_delivery_to_its_own(sent: Sent) -> None:
    before, sent.ledger.window = sent.ledger.window, Window()
    sent.ledger.fetched(1, sent.content)
    assert (before.sent, before.fetched.count, before.deliveries) == (1, 1, 0)
    assert (sent.ledger.window.fetched.count, sent.ledger.window.deliveries) == (0, 1)


def test_what_waited_for_who_was_away_has_no_latency(sent: Sent) -> None:
    sent.ledger.fetched(1, sent.content, since=5.0)
    assert (sent.ledger.window.fetched.count, sent.ledger.window.deliveries) == (0, 1)


@pytest.mark.parametrize("size", [1536, 10_240, 102_400])
def test_a_letter_has_its_size_and_its_mark_twice(size: int) -> None:
    letter = Letter.of("a@relay.example", size)
    mark = b"0123456789abcdef0123456789abcdef"
    content = letter.marked(mark)
    assert abs(len(letter) - size) < 70
    assert len(content) == len(letter) + len(END)
    assert content.count(mark) == 2
    assert mark_of(content) == mark
    assert b"From: <b@relay.example>\r\n" in letter.by("b@relay.example").marked(mark)
