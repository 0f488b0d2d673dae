"""A script on a connection, against a server that a test plays in a thread."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from angarium.lab.load.connection import Connection, Refused, Script, parked
from angarium.lab.load.poll import Poll
from tests.lab.load.bad_relay import context

BIG = 8 << 20


@contextmanager
def server(play: Callable[[ssl.SSLSocket], None], times: int = 1) -> Iterator[tuple[str, int]]:
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(times):
            with contextlib.suppress(OSError), context().wrap_socket(listening.accept()[0], server_side=True) as one:
                play(one)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()
    finally:
        thread.join()
        listening.close()


def line(buffer: bytes) -> int:
    return buffer.find(b"\n") + 1


def run(poll: Poll, connection: Connection, script: Script[None]) -> Exception | None:
    """Run a script to its end; why it ended."""
    ended: list[Exception | None] = []
    connection.start(script, ended.append)
    assert poll.run(lambda: bool(ended), 10)
    return ended[0]


def test_a_question_and_an_answer() -> None:
    def play(one: ssl.SSLSocket) -> None:
        one.sendall(b"hel")
        time.sleep(0.05)
        one.sendall(b"lo\nand\n")
        assert one.recv(9) == b"bye"

    poll, said = Poll(), list[bytes]()

    def script() -> Script[None]:
        said.append((yield line))
        said.append((yield line))
        connection.write(b"bye")

    with server(play) as address:
        connection = Connection(poll, address, "127.0.0.9")
        assert run(poll, connection, script()) is None
    assert said == [b"hello\n", b"and\n"]
    assert not connection.open


def test_what_the_server_does_not_take_yet_is_sent_later() -> None:
    taken = 0

    def play(one: ssl.SSLSocket) -> None:
        nonlocal taken
        time.sleep(0.2)
        while taken < BIG:
            taken += len(one.recv(1 << 16))
        one.sendall(b"x" * BIG + b"\n")

    def script() -> Script[None]:
        connection.write(b"y" * BIG)
        assert len((yield line)) == BIG + 1

    poll = Poll()
    with server(play) as address:
        connection = Connection(poll, address)
        assert run(poll, connection, script()) is None
    assert taken == BIG


def test_a_parked_script_goes_on_when_it_is_resumed() -> None:
    def play(one: ssl.SSLSocket) -> None:
        one.sendall(b"early\n")
        one.recv(1)

    def script() -> Script[None]:
        assert (yield parked) == b"go"
        assert (yield line) == b"early\n"

    poll = Poll()
    with server(play) as address:
        connection = Connection(poll, address)
        poll.at(time.monotonic() + 0.1, lambda: connection.resume(b"go"))
        assert run(poll, connection, script()) is None


def wait() -> Script[None]:
    yield line


def refuse() -> Script[None]:
    yield line
    raise Refused("no")


def test_the_end_is_told() -> None:
    poll = Poll()
    with server(lambda _: None) as address:
        assert isinstance(run(poll, Connection(poll, address), wait()), ConnectionError)
    with server(lambda one: one.sendall(b"x\n")) as address:
        assert isinstance(run(poll, Connection(poll, address), refuse()), Refused)
    error = run(poll, Connection(poll, address), wait())
    assert isinstance(error, ConnectionError)
    assert str(error) == "cannot connect: ECONNREFUSED"


def test_before_the_handshake_there_is_no_session() -> None:
    poll = Poll()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        connection = Connection(poll, mute.getsockname())
        connection.start(wait(), lambda _: None)
        poll.rest(0.1)
        assert connection.session is None
        connection.abort()


@pytest.mark.parametrize("resume", [False, True])
def test_a_session_may_be_resumed(*, resume: bool) -> None:
    reused: list[bool | None] = []

    def play(one: ssl.SSLSocket) -> None:
        reused.append(one.session_reused)
        one.sendall(b"x\n")
        one.recv(1)

    poll = Poll()
    with server(play, times=2) as address:
        first = Connection(poll, address)
        assert run(poll, first, wait()) is None
        assert run(poll, Connection(poll, address, None, first.session if resume else None), wait()) is None
    assert reused == [False, resume]
