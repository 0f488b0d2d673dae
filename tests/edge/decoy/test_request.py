"""Reading heads as nginx does; to the byte, that is `test_like_nginx`: here, in pieces and out of anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.edge.decoy.body import Body
from angarium.edge.decoy.request import Bad, Head, read_head
from tests.edge.decoy.probes import probes


def outcome(said: bytes) -> object:
    try:
        return read_head(said)
    except Bad as bad:
        return bad.status


@pytest.mark.parametrize("pace", [1, 7])
def test_in_pieces_it_is_waited_for_and_comes_to_the_same(pace: int) -> None:
    for said in probes():
        if len(said) > 2000:
            continue
        for at in range(0, len(said), pace):
            early = outcome(said[:at])
            if isinstance(early, Head):
                assert early == outcome(said[: early.octets])
                break
            if early is not None:
                assert early == outcome(said), said[:at]
                break


def test_a_head_is_read() -> None:
    head = read_head(b"GET /a/../b%20c?d=e#f HTTP/1.1\r\nHost: H\r\nX: 1\r\nX: 2\r\n\r\nbehind")
    assert head is not None
    assert (head.method, head.path, head.query, head.host, head.minor) == ("GET", "/b c", "?d=e", "H", 1)
    assert head.target == "/a/../b%20c?d=e#f"
    assert head.lines == [("host", "H"), ("x", "1"), ("x", "2")]
    assert head.octets == len(b"GET /a/../b%20c?d=e#f HTTP/1.1\r\nHost: H\r\nX: 1\r\nX: 2\r\n\r\n")


@given(st.binary(max_size=200))
def test_anything_is_a_head_or_refused_or_waited_for(said: bytes) -> None:
    outcome(said)
    outcome(b"GET / HTTP/1.1\r\nHost: x\r\n" + said)
    outcome(b"GET /" + said + b" HTTP/1.1\r\nHost: x\r\n\r\n")


CHUNKS = b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"


@given(st.lists(st.integers(0, len(CHUNKS)), max_size=8))
def test_a_body_in_chunks_ends_where_it_ends_however_it_comes(cuts: list[int]) -> None:
    said = CHUNKS + b"GET"
    body = Body(Head("POST", "/", None, 1, {"transfer-encoding": "chunked"}))
    behind, last = b"", 0
    for cut in [*sorted(cuts), len(said)]:
        behind += body.take(said[last:cut])
        last = cut
    assert body.done
    assert not body.broken
    assert behind == b"GET"


@given(st.binary(max_size=100))
def test_any_body_keeps_nothing(said: bytes) -> None:
    body = Body(Head("POST", "/", None, 1, {"transfer-encoding": "chunked"}))
    body.take(said)
    body.take(b"FFFFFFFF\r\n" + bytes(100_000))
    assert len(body._line) < 8192
