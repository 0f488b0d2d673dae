"""Sessions of TLS that look like nginx's, as a client sees them."""

import _ssl
import ctypes
import socket
import ssl
import threading
from pathlib import Path

import pytest
import trustme

from angarium.reach.disguise import CHAIN_AS_IT_IS, SET_MODE, disguise
from angarium.reach.openssl import KNOWN


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("site.example").configure_cert(made)
    return made


def visit(
    context: ssl.SSLContext, session: ssl.SSLSession | None, client: ssl.SSLContext
) -> tuple[ssl.SSLSession, bool]:
    """A client's session after its handshake, and whether it is the one it came with."""
    near, far = socket.socketpair()
    serving = threading.Thread(target=lambda: context.wrap_socket(far, server_side=True).close())
    serving.start()
    with client.wrap_socket(near, session=session) as shaken:
        serving.join()
        made, reused = shaken.session, shaken.session_reused
    assert made is not None
    return made, bool(reused)


@pytest.mark.skipif(not KNOWN, reason="this Python's contexts cannot be reached")
@pytest.mark.parametrize("tickets", [True, False])
def test_sessions_last_five_minutes_and_none_is_kept_here(context: ssl.SSLContext, *, tickets: bool) -> None:
    assert disguise(context)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    if not tickets:
        client.options |= ssl.OP_NO_TICKET
    session, _ = visit(context, None, client)
    assert session.has_ticket is tickets
    if tickets:
        assert session.ticket_lifetime_hint == 300
    assert len(session.id) == 32
    assert visit(context, session, client)[1] is tickets


@pytest.mark.skipif(not KNOWN, reason="this Python's contexts cannot be reached")
def test_no_chain_is_looked_for_in_a_handshake(context: ssl.SSLContext) -> None:
    assert not mode(context) & CHAIN_AS_IT_IS
    disguise(context)
    assert mode(context) & CHAIN_AS_IT_IS


def mode(context: ssl.SSLContext) -> int:
    """SSL_CTX_get_mode(3)."""
    inner = ctypes.c_void_p(ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value)
    return int(ctypes.CDLL(_ssl.__file__).SSL_CTX_ctrl(inner, SET_MODE, ctypes.c_long(0), None))
