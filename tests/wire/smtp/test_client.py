"""The client machine against the server machine, and against servers that misbehave."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.smtp.client import Client, ClientState, Done, Greeting, Hello, Login, Quit, Request, StartTls, Submit
from angarium.wire.smtp.data import Data
from angarium.wire.smtp.errors import OurError, TheirError
from angarium.wire.smtp.replies import Reply
from angarium.wire.smtp.server import Event, Message, Recipient, Sender, Server, Terms
from angarium.wire.smtp.server import Login as LoginAsked
from angarium.wire.smtp.server import StartTls as StartTlsAsked

TERMS = Terms("relay.example", size=10_000, starttls=True)
OK = Reply(250, "2.0.0", "OK")
MESSAGE = b"Subject: dots\r\n\r\n.\r\n..two\r\nno end"
SUBMIT = Submit("anna@relay.example", ("bob@relay.example", "eve@relay.example"), MESSAGE)


class Pair:
    """A client and a server machine, wired to each other."""

    def __init__(self, *, secure: bool = True, answer: Callable[[Event], Reply] = lambda _: OK) -> None:
        self.client = Client()
        self.server = Server(TERMS, secure=secure)
        self.answer = answer
        self.asked: list[Event] = []
        self.writes: list[bytes] = []
        (greeting,) = self.client.receive(self.server.to_send())
        assert isinstance(greeting, Greeting)
        assert greeting.reply.code == 220

    def ask(self, request: Request) -> Done:
        self.client.request(request)
        while True:
            sent = self.client.to_send()
            self.writes.append(sent)
            events = self.server.receive(sent)
            while events:
                for event in events:
                    self.asked.append(event)
                    if not isinstance(event, StartTlsAsked):
                        self.server.reply(self.answer(event))
                events = self.server.receive(b"")
            done = self.client.receive(self.server.to_send())
            if done:
                assert isinstance(done[0], Done)
                assert done[0].request == request
                return done[0]

    def log_in(self) -> None:
        self.ask(Hello("bench"))
        assert self.ask(Login("anna@relay.example", "password")).reply.accepted


def test_a_submission() -> None:
    pair = Pair()
    pair.log_in()
    assert pair.client.extensions["SIZE"] == "10000"
    pair.writes.clear()
    done = pair.ask(SUBMIT)
    assert done.reply == OK
    assert done.recipients == (OK, OK)
    assert len(pair.writes) == 2
    assert pair.writes[0].endswith(b"\r\nDATA\r\n")
    assert pair.asked[-1] == Message(SUBMIT.sender, SUBMIT.recipients, MESSAGE + b"\r\n")
    assert pair.ask(Quit()).reply.code == 221
    assert pair.client.state is ClientState.CLOSED


@pytest.mark.parametrize(
    ("sender", "recipient", "message", "wide"),
    [
        ("anna@relay.example", "bob@relay.example", MESSAGE, False),
        ("آنا@relay.example", "bob@relay.example", MESSAGE, True),
        ("anna@relay.example", "боб@relay.example", MESSAGE, True),
        ("anna@relay.example", "bob@relay.example", "Subject: سلام\r\n\r\n".encode(), True),
    ],
)
def test_smtputf8_is_asked_for_where_it_is_needed(sender: str, recipient: str, message: bytes, wide: bool) -> None:
    pair = Pair()
    pair.log_in()
    pair.writes.clear()
    assert pair.ask(Submit(sender, (recipient,), message)).reply == OK
    assert (b" SMTPUTF8\r\nRCPT TO:<" in pair.writes[0]) is wide


def test_starttls() -> None:
    pair = Pair(secure=False)
    pair.ask(Hello())
    assert "AUTH" not in pair.client.extensions
    with pytest.raises(ValueError, match="no way to log in"):
        pair.client.request(Login("anna@relay.example", "password"))
    assert pair.ask(StartTls()).reply.code == 220
    assert pair.client.extensions == {}
    pair.server.secured()
    pair.log_in()


def test_a_refused_sender() -> None:
    pair = Pair(answer=lambda event: Reply(553, "5.7.1", "Not you") if isinstance(event, Sender) else OK)
    pair.log_in()
    done = pair.ask(SUBMIT)
    assert done.reply == Reply(553, "5.7.1", "Not you")
    assert done.recipients == ()
    assert pair.ask(Hello()).reply.accepted


def test_some_refused_recipients() -> None:
    pair = Pair(answer=lambda event: Reply(550, "5.1.1", "No") if event == Recipient("eve@relay.example") else OK)
    pair.log_in()
    done = pair.ask(SUBMIT)
    assert done.reply == OK
    assert [reply.accepted for reply in done.recipients] == [True, False]
    assert pair.asked[-1] == Message(SUBMIT.sender, ("bob@relay.example",), MESSAGE + b"\r\n")


@pytest.mark.parametrize("pipelining", [True, False])
def test_all_recipients_refused(pipelining: bool) -> None:
    pair = Pair(answer=lambda event: Reply(550, "5.1.1", "No") if isinstance(event, Recipient) else OK)
    pair.log_in()
    if not pipelining:
        del pair.client.extensions["PIPELINING"]
    done = pair.ask(SUBMIT)
    assert done.reply == Reply(550, "5.1.1", "No")
    assert not any(isinstance(event, Message) for event in pair.asked)
    assert pair.ask(Hello()).reply.accepted


def test_one_by_one_where_the_server_cannot_pipeline() -> None:
    pair = Pair()
    pair.log_in()
    del pair.client.extensions["PIPELINING"]
    pair.writes.clear()
    assert pair.ask(SUBMIT).reply == OK
    assert len(pair.writes) == 5


def test_auth_login() -> None:
    pair = Pair()
    pair.ask(Hello())
    pair.client.extensions["AUTH"] = "LOGIN"
    assert pair.ask(Login("anna@relay.example", "pässword")).reply.accepted
    (asked,) = pair.asked
    assert isinstance(asked, LoginAsked)
    assert asked.credentials.password == "pässword"


def test_a_421_in_the_middle() -> None:
    pair = Pair(answer=lambda event: Reply(421, "4.3.2", "Away") if isinstance(event, Recipient) else OK)
    pair.log_in()
    assert pair.ask(SUBMIT).reply == Reply(421, "4.3.2", "Away")
    assert pair.client.state is ClientState.CLOSED
    with pytest.raises(OurError):
        pair.client.request(Quit())


def test_a_421_unasked() -> None:
    client = Client()
    client.receive(b"220 x\r\n")
    assert client.receive(b"421 4.4.2 Timeout\r\n") == []
    assert client.state is ClientState.CLOSED


@pytest.mark.parametrize(
    "request_",
    [
        *(Hello(""), Hello("a b"), Hello("a\r\nQUIT"), Submit("a@b", (), b""), Submit("a", ("a@b",), b"")),
        *(Submit("a@b", ("a@b>\r\nQUIT",), b""), Submit("a@b", ("a@b",), b"\n.\n"), Submit("a@b", ("a@b",), b"\0")),
        *(Submit("a@b", ("آ@b",), b""), Submit("a@b", ("",), b"")),
    ],
    ids=repr,
)
def test_what_cannot_be_said_is_not(request_: Request) -> None:
    client = Client()
    client.receive(b"220 x\r\n")
    with pytest.raises(ValueError, match=r".+"):
        client.request(request_)
    assert client.to_send() == b""
    client.request(Hello())


def test_out_of_turn() -> None:
    client = Client()
    with pytest.raises(OurError):
        client.request(Hello())
    client.receive(b"220 x\r\n")
    client.request(Hello())
    with pytest.raises(OurError):
        client.request(Quit())


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n",
        b"99 x\r\n",
        b"250-a\r\n251 b\r\n",
        b"2500 x\r\n",
        b"x" * 5000,
        b"250-x\r\n" * 300,
        b"\r\n",
        b"100 x\r\n",
    ],
    ids=lambda sent: repr(sent[:9]),
)
def test_a_server_that_does_not_speak_smtp(sent: bytes) -> None:
    client = Client()
    with pytest.raises(TheirError):
        client.receive(sent)
    assert client.state is ClientState.CLOSED
    assert client.receive(b"220 x\r\n") == []


@pytest.mark.parametrize(
    "sent",
    [
        b"250 ok\r\n250 ok\r\n250 ok\r\n250 accepted what?\r\n",
        b"221 bye\r\n",
        b"250 ok\r\n250 ok\r\n221 bye\r\n",
        b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n221 bye\r\n",
    ],
)
def test_nothing_passes_for_the_acceptance_of_a_message_but_one(sent: bytes) -> None:
    client = Client()
    client.receive(b"220 x\r\n")
    client.request(Hello())
    client.receive(b"250-x\r\n250 PIPELINING\r\n")
    client.request(SUBMIT)
    with pytest.raises(TheirError):
        client.receive(sent)
    assert client.state is ClientState.CLOSED


def test_clear_bytes_after_starttls_are_an_attack() -> None:
    client = Client()
    client.receive(b"220 x\r\n")
    client.request(StartTls())
    with pytest.raises(TheirError):
        client.receive(b"220 go\r\n250 injected\r\n")


def test_an_answer_is_not_lost_to_what_follows_it() -> None:
    client = Client()
    client.receive(b"220 x\r\n")
    client.request(Hello())
    (done,) = client.receive(b"250-x\r\n250 size 10\r\nnonsense\r\n")
    assert isinstance(done, Done)
    assert client.extensions == {"SIZE": "10"}
    assert client.state is ClientState.CLOSED


@given(st.lists(st.sampled_from([b".", b"..", b"a", b"\r\n"]), max_size=20))
def test_dots_arrive_as_they_were(parts: list[bytes]) -> None:
    pair = Pair()
    pair.log_in()
    message = b"".join(parts)
    pair.ask(Submit("anna@relay.example", ("bob@relay.example",), message))
    asked = pair.asked[-1]
    assert isinstance(asked, Message)
    assert asked.message in (message, message + b"\r\n")


@given(
    st.lists(
        st.sampled_from([b"220 x\r\n", b"250-a\r\n", b"250 b\r\n", b"354 go\r\n", b"421 x\r\n", b"\xff", b"334 \r\n"])
        | st.binary(max_size=8)
    )
)
def test_only_documented_errors_escape(parts: list[bytes]) -> None:
    client = Client()
    try:
        for part in parts:
            client.receive(part)
            if client.state is ClientState.IDLE:
                client.request(Submit("a@b", ("c@d",), b"x") if len(part) % 2 else Hello())
    except TheirError:
        pass


def test_a_reader_reads_what_the_client_stuffs() -> None:
    client = Client()
    client.receive(b"220 x\r\n")
    client.request(SUBMIT)
    client.receive(b"250 ok\r\n250 ok\r\n")
    client.receive(b"250 ok\r\n354 go\r\n")
    sent = client.to_send()
    data = Data(1000)
    assert data.receive(sent[sent.index(b"DATA\r\n") + 6 :]) == b""
    assert data.message() == MESSAGE + b"\r\n"
