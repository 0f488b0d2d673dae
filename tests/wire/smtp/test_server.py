"""The server machine by itself: its verbs, one question at a time, what it costs. Dialogs are in tests/transcripts."""

import base64
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angarium.wire.smtp.errors import OurError
from angarium.wire.smtp.order import State
from angarium.wire.smtp.replies import Reply
from angarium.wire.smtp.server import Event, Login, Message, Recipient, Sender, Server, StartTls, Terms

TERMS = Terms("relay.example", size=10_000, recipients=5, line=1000, errors=20, starttls=True)
OK = Reply(250, "2.0.0", "OK")
AUTH = b"AUTH PLAIN " + base64.b64encode(b"\0anna@relay.example\0password") + b"\r\n"
TRANSACTION = (
    b"MAIL FROM:<anna@relay.example> BODY=8BITMIME SMTPUTF8\r\n"
    b"RCPT TO:<bob@relay.example>\r\nRCPT TO:<eve@relay.example>\r\nDATA\r\n"
)


def answer_all(event: Event) -> Reply:
    return OK


def feed(server: Server, data: bytes, answer: Callable[[Event], Reply] = answer_all) -> list[Event]:
    """Give it data and answer everything it asks."""
    asked: list[Event] = []
    events = server.receive(data)
    while events:
        for event in events:
            asked.append(event)
            if isinstance(event, StartTls):
                server.secured()
            else:
                server.reply(answer(event))
        events = server.receive(b"")
    return asked


def state(server: Server) -> State:
    return server.state


def ready(terms: Terms = TERMS) -> Server:
    server = Server(terms, secure=True)
    feed(server, b"EHLO phone\r\n" + AUTH)
    server.to_send()
    assert state(server) is State.READY
    return server


def test_it_greets_first() -> None:
    server = Server(TERMS, secure=False)
    assert server.to_send() == b"220 relay.example ESMTP ready\r\n"
    assert server.to_send() == b""


def test_one_question_at_a_time_and_all_answers_in_one_write() -> None:
    server = ready()
    assert server.receive(TRANSACTION) == [Sender("anna@relay.example")]
    assert server.receive(b"") == []
    server.reply(OK)
    assert server.receive(b"") == [Recipient("bob@relay.example")]
    server.reply(OK)
    assert server.receive(b"") == [Recipient("eve@relay.example")]
    server.reply(OK)
    assert server.receive(b"") == []
    assert state(server) is State.DATA
    assert server.to_send() == b"250 2.0.0 OK\r\n" * 3 + b"354 End data with <CR><LF>.<CR><LF>\r\n"
    message = Message("anna@relay.example", ("bob@relay.example", "eve@relay.example"), b"text\r\n")
    assert server.receive(b"text\r\n.\r\nNOOP\r\n") == [message]
    server.reply(Reply(250, "2.0.0", "Stored"))
    assert server.receive(b"") == []
    assert server.to_send() == b"250 2.0.0 Stored\r\n250 2.0.0 OK\r\n"
    assert state(server) is State.READY


def test_a_login_carries_name_and_password() -> None:
    (login,) = feed(Server(TERMS, secure=True), b"EHLO x\r\n" + AUTH)
    assert isinstance(login, Login)
    assert (login.credentials.username, login.credentials.password) == ("anna@relay.example", "password")
    assert "password'" not in repr(login)


def test_answers_are_only_given_to_questions() -> None:
    server = ready()
    with pytest.raises(OurError):
        server.reply(OK)
    server.receive(b"MAIL FROM:<>\r\n")
    server.reply(OK)
    with pytest.raises(OurError):
        server.reply(OK)
    with pytest.raises(OurError):
        server.secured()


def test_what_comes_in_clear_after_starttls_is_never_heard() -> None:
    server = Server(TERMS, secure=False)
    assert server.receive(b"EHLO x\r\nSTARTTLS\r\nEHLO evil\r\n" + AUTH) == [StartTls()]
    assert state(server) is State.HANDSHAKE
    assert server.receive(b"RSET\r\n" + AUTH) == []
    server.to_send()
    server.secured()
    assert server.receive(b"") == []
    assert server.to_send() == b""
    assert state(server) is State.START
    feed(server, b"MAIL FROM:<anna@relay.example>\r\n")
    assert server.to_send() == b"503 5.5.1 Say EHLO first\r\n"


def test_a_421_from_above_ends_the_session() -> None:
    server = ready()
    asked = feed(server, TRANSACTION, lambda _: Reply(421, "4.3.2", "Away"))
    assert asked == [Sender("anna@relay.example")]
    assert state(server) is State.CLOSED
    assert server.to_send() == b"421 4.3.2 Away\r\n"
    assert feed(server, b"NOOP\r\n") == []
    assert server.to_send() == b""


@pytest.mark.parametrize("data", [b"", b"MAIL FROM:<anna@relay.example>\r\n", TRANSACTION, TRANSACTION + b"text"])
def test_we_may_close_at_any_time(data: bytes) -> None:
    server = ready()
    feed(server, data)
    server.to_send()
    server.close(Reply(421, "4.4.2", "Timeout"))
    server.close(Reply(421, "4.4.2", "Again"))
    assert server.to_send() == b"421 4.4.2 Timeout\r\n"
    assert server.receive(b"\r\n.\r\n") == []


def test_we_may_close_while_a_question_is_open() -> None:
    server = ready()
    assert server.receive(TRANSACTION)
    server.close(Reply(421, "4.3.2", "Away"))
    server.reply(OK)
    assert server.receive(b"") == []
    assert server.to_send() == b"421 4.3.2 Away\r\n"


def test_too_many_recipients() -> None:
    server = ready()
    feed(server, b"MAIL FROM:<anna@relay.example>\r\n" + b"RCPT TO:<bob@relay.example>\r\n" * 7)
    replies = server.to_send().splitlines()
    assert [reply[:3] for reply in replies] == [b"250"] * 6 + [b"452"] * 2


def test_a_message_far_too_big_ends_the_session() -> None:
    server = ready()
    feed(server, TRANSACTION)
    for _ in range(60):
        feed(server, b"x" * 1000)
    assert state(server) is State.CLOSED
    assert server.to_send().endswith(b"552 5.3.4 Message too big\r\n")


def test_the_rest_of_a_refused_transaction_is_not_held_against_the_client() -> None:
    server = ready()
    data = b"MAIL FROM:<anna@relay.example>\r\n" + b"RCPT TO:<bob@relay.example>\r\n" * 50 + b"DATA\r\n"
    feed(server, data, lambda _: Reply(450, "4.7.1", "Later"))
    assert server.to_send().splitlines() == [b"450 4.7.1 Later"] + [b"503 5.5.1 MAIL first"] * 51
    assert state(server) is State.REFUSED


def test_every_code_and_its_enhanced_code_agree() -> None:
    server = Server(TERMS, secure=False)
    lines = [
        b"",
        b"X",
        b"EHLO",
        b"EXPN x",
        b"AUTH PLAIN",
        b"MAIL FROM:<>",
        b"EHLO x",
        b"AUTH PLAIN",
        b"HELP",
        b"VRFY x",
    ]
    feed(server, b"\r\n".join(lines) + b"\r\n" + b"x" * 2000 + b"\r\nNOOP\n\xff\r\n")
    replies = [line for line in server.to_send().splitlines() if line[3:4] == b" "][1:]
    assert len(replies) == len(lines) + 3
    for reply in replies:
        assert reply.startswith(b"250 SMTPUTF8") or reply[4:6] == reply[:1] + b"."


COMMANDS = st.sampled_from(
    [
        *(
            b"EHLO x\r\n",
            b"HELO x\r\n",
            b"STARTTLS\r\n",
            AUTH,
            b"AUTH LOGIN\r\n",
            b"AUTH PLAIN\r\n",
            b"YQ==\r\n",
            b"*\r\n",
        ),
        *(b"MAIL FROM:<a@b>\r\n", b"MAIL FROM:<a@b> SIZE=99999\r\n", b"RCPT TO:<a@b>\r\n", b"RCPT TO:<a@b\r\n"),
        *(b"DATA\r\n", b".\r\n", b"text\r\n.\r\n", b"\n.\n", b"\0", b"\r", b"\n", b"x" * 600, b"RSET\r\n", b"NOOP\r\n"),
        *(b"QUIT\r\n", b"\xff\r\n", b"HELP\r\n", b" \r\n", b"VRFY <>\r\n"),
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(COMMANDS, max_size=25), st.booleans(), st.randoms(use_true_random=False))
def test_pieces_do_not_matter(commands: list[bytes], secure: bool, random: object) -> None:
    """Whole, byte by byte, and in threes: the same questions, the same replies."""

    def answer(event: Event) -> Reply:
        return OK if len(repr(event)) % 3 else Reply(450, "4.7.1", "Later")

    def run(size: int) -> tuple[list[Event], bytes, State]:
        server = Server(TERMS, secure=secure)
        # STARTTLS throws away what came with it, which depends on the pieces: so it ends a piece here.
        data = b"".join(commands)
        asked: list[Event] = []
        for part in data.split(b"STARTTLS\r\n"):
            for at in range(0, len(part), size):
                asked += feed(server, part[at : at + size], answer)
            asked += feed(server, b"STARTTLS\r\n", answer)
        return asked, server.to_send(), server.state

    assert run(1) == run(3) == run(1 << 20)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60) | COMMANDS, max_size=30), st.booleans())
def test_any_bytes_get_replies_and_no_exception(parts: list[bytes], secure: bool) -> None:
    server = Server(TERMS, secure=secure)
    for part in parts:
        feed(server, part)
        for line in server.to_send().splitlines():
            assert line[:3].isdigit()


@pytest.mark.alone
def test_a_transaction_is_cheap() -> None:
    """1.5 kB to one recipient: below 100 microseconds where nothing else runs; ten times that fails."""
    server = ready()
    text = (b"x" * 74 + b"\r\n") * 20 + b".\r\n"
    best = 1.0
    for _ in range(200):
        begun = time.perf_counter()
        feed(server, b"MAIL FROM:<anna@relay.example> BODY=8BITMIME\r\nRCPT TO:<bob@relay.example>\r\nDATA\r\n")
        feed(server, text)
        best = min(best, time.perf_counter() - begun)
        server.to_send()
    assert best < 0.001
    print(f"{best * 1e6:.0f} us")
