"""The server's side of SOCKS5, whole and byte by byte."""

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.socks import Ask, BadGoal, Login, Reply, Server, State, read_goal

GREETING = b"\5\2\0\2"
LOGIN = b"\1\5alice\6secret"
NAME = b"\5\1\0\3\x0drelay.example\3\xe1"
IPV4 = b"\5\1\0\1\xc0\0\2\7\1\xbb"
IPV6 = b"\5\1\0\4" + ipaddress.IPv6Address("2001:db8::7").packed + b"\1\xd1"
NOTHING = b"\0\1\0\0\0\0\0\0"


def talk(
    said: bytes, size: int, judge: Callable[[Login | Ask], bool] = lambda question: True
) -> tuple[list[object], bytes, Server]:
    """The questions, what was sent, and the machine at the end."""
    server, asked, sent = Server(), list[object](), b""
    for at in range(0, len(said), size) if said else ():
        question = server.receive(said[at : at + size])
        while question is not None:
            asked.append(question)
            server.reply(yes=judge(question))
            question = server.receive(b"")
        sent += server.to_send()
    return asked, sent, server


def same(
    said: bytes, judge: Callable[[Login | Ask], bool] = lambda question: True
) -> tuple[list[object], bytes, Server]:
    """The same however it is cut."""
    whole = talk(said, len(said) or 1, judge)
    piecewise = talk(said, 1, judge)
    assert whole[:2] == piecewise[:2]
    assert whole[2].state is piecewise[2].state
    assert whole[2].rest() == piecewise[2].rest() or whole[2].state is State.OVER
    return talk(said, len(said) or 1, judge)


@pytest.mark.parametrize(
    ("request_", "authority"),
    [(NAME, "relay.example:993"), (IPV4, "192.0.2.7:443"), (IPV6, "[2001:db8::7]:465")],
)
def test_a_name_a_password_and_a_goal(request_: bytes, authority: str) -> None:
    asked, sent, server = same(GREETING + LOGIN + request_ + b"hello")
    assert asked == [Login("alice", "secret"), Ask(authority)]
    assert sent == b"\5\2" + b"\1\0" + b"\5\0" + NOTHING
    assert server.state is State.OPEN
    assert server.rest() == b"hello"


def test_nothing_is_read_before_a_question_is_answered() -> None:
    server = Server()
    assert server.receive(GREETING + LOGIN + NAME) == Login("alice", "secret")
    assert server.receive(b"more") is None
    assert server.state is State.ASKED


def test_who_is_not_let_in_hears_so_and_no_more() -> None:
    asked, sent, server = same(GREETING + LOGIN + NAME, lambda question: False)
    assert asked == [Login("alice", "secret")]
    assert (sent, server.state) == (b"\5\2\1\1", State.OVER)


def test_a_goal_that_is_not_allowed() -> None:
    _, sent, server = same(GREETING + LOGIN + NAME, lambda question: isinstance(question, Login))
    assert (sent, server.state) == (b"\5\2\1\0\5\2" + NOTHING, State.OVER)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (b"\4\1\1\xbb\xc0\0\2\7\0", b""),  # SOCKS4
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (b"\5\0", b"\5\xff"),
        (b"\5\1\0", b"\5\xff"),
        (b"\5\2\0\1", b"\5\xff"),
        (GREETING + b"\2\5alice\6secret", b"\5\2\1\1"),
        (GREETING + b"\1\2\xff\xff\1x", b"\5\2\1\1"),
        (GREETING + LOGIN + b"\5\2\0\1\xc0\0\2\7\1\xbb", b"\5\2\1\0\5\7" + NOTHING),  # BIND
        (GREETING + LOGIN + b"\5\3\0\1\xc0\0\2\7\1\xbb", b"\5\2\1\0\5\7" + NOTHING),  # UDP
        (GREETING + LOGIN + b"\4\1\0\1\xc0\0\2\7\1\xbb", b"\5\2\1\0\5\7" + NOTHING),
        (GREETING + LOGIN + b"\5\1\0\2\xc0\0\2\7\1\xbb", b"\5\2\1\0\5\x08" + NOTHING),
        (GREETING + LOGIN + b"\5\1\0\3\1\xff\1\xbb", b"\5\2\1\0\5\2" + NOTHING),
    ],
)
def test_what_is_refused(said: bytes, heard: bytes) -> None:
    asked, sent, server = same(said)
    assert not any(isinstance(question, Ask) for question in asked)
    assert (sent, server.state) == (heard, State.OVER)


@given(st.binary(max_size=80), st.sampled_from([b"", GREETING, GREETING + LOGIN, GREETING + LOGIN + b"\5\1\0"]))
def test_any_octets_are_a_dialog_however_they_are_cut(said: bytes, begun: bytes) -> None:
    same(begun + said)


def goal_of(data: bytes) -> tuple[str, int] | Reply | None:
    try:
        return read_goal(data)
    except BadGoal as bad:
        return bad.reply


@given(st.binary(max_size=300))
def test_a_goal_is_read_alike_however_it_comes(data: bytes) -> None:
    found = [goal_of(data[:end]) for end in range(len(data) + 1)]
    known = [each for each in found if each is not None]
    assert known == [goal_of(data)] * len(known)
