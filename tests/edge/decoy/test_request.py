"""Reading heads as nginx does; to the byte, that is `test_like_nginx`: here, in pieces and out of anything."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.edge.decoy.body import Body
from angarium.edge.decoy.ordinary import ordinary_head
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


def read(reading: Callable[[bytes], Head | None], said: bytes) -> Head | dict[str, object] | None:
    """A head, or all that is said of why it is refused."""
    try:
        return reading(said)
    except Bad as bad:
        return vars(bad)


def agree(said: bytes) -> bool:
    """Whether this was read in one pass; if so, it came to the same as octet by octet."""
    found = read(ordinary_head, said)
    assert found is None or found == read(read_head, said)
    return found is not None


def test_every_probe_is_read_alike_and_many_in_one_pass() -> None:
    said = probes()
    assert sum(map(agree, said)) > len(said) / 3
    for one in said:
        end = one.find(b"\r\n\r\n") + 3
        assert not any(agree(one[:at]) for at in range(0, min(end, 200), 7)), one  # there is more to come


def test_what_browsers_say_is_read_in_one_pass() -> None:
    lines = (
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Encoding: gzip, deflate, br, zstd",
        'If-None-Match: W/"6553f100-12"',
        "Cookie: a=b; c=\xe4",
    )
    for target in ("/", "/style.css", "/a/b-c/d.html?e=f&g", "/a~b/;c/d/", "/d\xe4r"):
        head = f"GET {target} HTTP/1.1\r\nHost: site.example:8443\r\n" + "\r\n".join(lines) + "\r\n\r\n"
        assert agree(head.encode("latin-1") + b"behind")


STEPS = ["/", ".", "..", "//", "a", "B-b", "%20", "%2e", "?", "#", "x=1", "\xe4", "~", ":", "\\", " "]
NAMES = ["Host", "host", "X", "x-Y", "X_y", "Content-Length", "Transfer-Encoding", "Expect", "A b", ""]
VALUES = ["", "h", "h:80", "a b", "a/b", "..", "0", "17", "chunked", "\xfc", "\t", " t ", "a\0", "a\r"]
VERSIONS = [" HTTP/1.1", " HTTP/1.0", " HTTP/1.2", " HTTP/1.10", " HTTP/2.0", "", "  HTTP/1.1", " HTTP/1.1 "]
ENDS = ["\r\n", "\r\n", "\r\n", "\n", "\r\r\n", ""]
LINES = st.tuples(*map(st.sampled_from, (NAMES, [": ", ":", " : ", ":  "], VALUES, ENDS))).map("".join)


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PATCH", "TRACE", "CONNECT", "PRI", "get", ""]),
    target=st.lists(st.sampled_from(STEPS), max_size=6).map("".join),
    version=st.sampled_from(VERSIONS),
    lines=st.lists(LINES, max_size=4).map("".join),
    padding=st.sampled_from([0, 0, 900, 960, 1100]),
    behind=st.sampled_from(["", "behind", "\r\nGET /"]),
)
def test_any_head_is_read_alike(method: str, target: str, version: str, lines: str, padding: int, behind: str) -> None:
    head = f"{method} /{target}{version}\r\nHost: h\r\nL: {'a' * padding}\r\n{lines}\r\n{behind}"
    agree(head.encode("latin-1"))


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
