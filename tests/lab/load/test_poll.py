"""The loop: what is due is done in order, and how busy it was is known."""

import select
import socket
import time

import pytest

from angarium.lab.load.poll import Poll


def test_what_is_due_first_is_done_first() -> None:
    poll, done = Poll(), list[str]()
    now = time.monotonic()
    poll.at(now + 0.02, lambda: done.append("late"))
    poll.at(now + 0.01, lambda: done.append("early"))
    poll.soon(lambda: done.append("soon"))
    assert poll.run(lambda: len(done) == 3, 1)
    assert done == ["soon", "early", "late"]
    assert time.monotonic() - now >= 0.02


def test_what_never_comes_is_not_waited_for() -> None:
    assert not Poll().run(lambda: False, 0.05)


def test_who_waits_is_not_busy() -> None:
    poll = Poll()
    poll.rest(0.2)
    assert poll.waited == pytest.approx(0.2, abs=0.05)


def test_who_works_is_busy() -> None:
    poll = Poll()
    end = time.monotonic() + 0.2

    def work() -> None:
        time.sleep(0.01)
        if time.monotonic() < end:
            poll.soon(work)

    poll.soon(work)
    poll.run(lambda: time.monotonic() >= end, 1)
    assert poll.waited < 0.05


def test_a_socket_is_heard_until_it_is_forgotten() -> None:
    poll, heard = Poll(), list[bytes]()
    here, there = socket.socketpair()
    with here, there:
        poll.watch(here.fileno(), select.EPOLLIN, lambda _: heard.append(here.recv(9)))
        there.send(b"one")
        poll.run(lambda: bool(heard), 1)
        poll.forget(here.fileno())
        there.send(b"two")
        poll.rest(0.05)
    assert heard == [b"one"]
    poll.close()
