"""Tickets: for these words, after a while, once."""

import pytest

from angarium.channel.ticket import LATEST, SOONEST, Tickets, Verdict


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_ticket_counts_after_a_while_and_once(clock: Clock) -> None:
    tickets = Tickets(clock)
    ticket = tickets.issue("1", "words")
    assert tickets.take(ticket, "1", "words") is Verdict.EARLY
    clock.now += SOONEST
    assert tickets.take(ticket, "1", "words") is Verdict.GOOD
    assert tickets.take(ticket, "1", "words") is Verdict.EXPIRED


def test_sent_back_at_once_it_is_early_wherever_between_two_tenths_of_a_second(clock: Clock) -> None:
    tickets = Tickets(clock)
    clock.now += 0.06
    assert tickets.take(tickets.issue("x"), "x") is Verdict.EARLY


def test_and_for_its_own_words_only(clock: Clock) -> None:
    tickets, others = Tickets(clock), Tickets(clock)
    ticket, foreign = tickets.issue("1", "words"), others.issue("1", "words")
    clock.now += SOONEST
    for attempt in (("1", "other"), ("1words", ""), ("2", "words"), ("1", "words", "")):
        assert tickets.take(ticket, *attempt) is Verdict.EXPIRED
    assert tickets.take(foreign, "1", "words") is Verdict.EXPIRED
    for broken in ("", ".", "a.b.c", ticket[:-1], ticket.replace("1", "2", 1), f"{ticket}é", "\ud800"):
        assert tickets.take(broken, "1", "words") is Verdict.EXPIRED


def test_not_for_ever(clock: Clock) -> None:
    tickets = Tickets(clock)
    ticket = tickets.issue("x")
    clock.now += LATEST
    assert tickets.take(ticket, "x") is Verdict.EXPIRED


def test_used_ones_are_remembered_within_bounds(clock: Clock) -> None:
    tickets = Tickets(clock, used=2)
    issued = [tickets.issue("x") for _ in range(4)]
    clock.now += SOONEST
    assert [tickets.take(ticket, "x") for ticket in issued[:3]] == [Verdict.GOOD, Verdict.GOOD, Verdict.FULL]
    clock.now += LATEST
    later = tickets.issue("x")
    clock.now += SOONEST
    assert tickets.take(later, "x") is Verdict.GOOD
