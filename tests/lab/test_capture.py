"""What passes the loopback interface is seen whole, and once."""

import socket
import threading

import pytest

from angarium.lab.capture import TCP, UDP, capture, permitted

HERE, THERE = "127.0.91.1", "127.0.91.2"


pytestmark = [pytest.mark.alone, pytest.mark.skipif(not permitted(), reason="needs the right to open a packet socket")]


def test_a_stream_is_seen_whole_and_once() -> None:
    sent = b"".join(b"%06d " % number for number in range(20_000))
    with capture() as taken, socket.create_server((THERE, 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while connection.recv(65_536):
                    pass

        serving = threading.Thread(target=serve)
        serving.start()
        with socket.create_connection((THERE, port), source_address=(HERE, 0)) as connection:
            connection.sendall(sent)
        serving.join()
    assert taken.dropped == 0
    seen = [one for one in taken.between(HERE, THERE) if one.target == (THERE, port)]
    assert {one.protocol for one in seen} == {TCP}
    assert b"".join(one.payload for one in seen) == sent


def test_datagrams_too_and_nobody_else() -> None:
    with (
        capture() as taken,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        one.bind((HERE, 0))
        other.bind((THERE, 0))
        one.sendto(b"between the two", other.getsockname())
        one.sendto(b"to another", ("127.0.91.3", 9))
        assert other.recv(100) == b"between the two"
    assert [(seen.protocol, seen.payload) for seen in taken.between(HERE, THERE)] == [(UDP, b"between the two")]
