"""What is behind Python's objects, and that nothing is taken for it that is not."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from angarium.reach import openssl
from angarium.reach.openssl import KNOWN, connection_of, context_of

pytestmark = pytest.mark.skipif(not KNOWN, reason="this Python's objects cannot be looked behind")


@pytest.fixture
def tls() -> Iterator[ssl.SSLSocket]:
    """A connection, before its handshake."""
    ours, theirs = socket.socketpair()
    with ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(
        ours, server_hostname="x", do_handshake_on_connect=False
    ) as made:
        yield made
    theirs.close()


def test_each_has_its_own(tls: ssl.SSLSocket) -> None:
    found, other = connection_of(tls), context_of(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert found is not None
    assert context_of(tls.context) not in (None, other)
    assert found[0] != context_of(tls.context)


def test_between_other_neighbours_nothing_is_taken_for_it(tls: ssl.SSLSocket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "_context", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert connection_of(tls) is None


def test_behind_what_is_over_there_is_nothing(tls: ssl.SSLSocket) -> None:
    tls.close()
    assert connection_of(tls) is None


def test_in_another_python_nothing_is_looked_for(tls: ssl.SSLSocket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openssl, "KNOWN", False)
    assert connection_of(tls) is None
    assert context_of(tls.context) is None
