"""The machine: one command at a time, literals, limits, IDLE, and nothing but documented exceptions."""

from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.imap.commands import Command, State
from angarium.wire.imap.commands.entry import Noop
from angarium.wire.imap.commands.mailboxes import Append, Create
from angarium.wire.imap.commands.messages import Idle
from angarium.wire.imap.reader import Limits
from angarium.wire.imap.server import Done, Event, Hung, Received, Refused, Server

LIMITS = Limits(line=8192, early=512, message=1000, depth=6)


def server(state: State = State.SELECTED, *, secure: bool = True) -> Server:
    made = Server(LIMITS, secure=secure)
    made.state = state
    return made


def drain(machine: Server) -> bytes:
    sent = b""
    while data := machine.to_send():
        sent += data
    return sent


def serve(machine: Server, data: bytes) -> list[Event]:
    """Complete every command at once; end every IDLE that way too."""
    events = []
    while some := machine.receive(data):
        data = b""
        for event in some:
            events.append(event)
            match event:
                case Received(Idle()):
                    machine.idling()
                case Received() | Done():
                    machine.complete("OK", "x")
    return events


def test_a_command_waits_until_the_one_before_is_completed() -> None:
    machine = server()
    assert machine.receive(b"a NOOP\r\nb NOOP\r\n") == [Received(Noop())]
    assert machine.receive(b"c NOOP\r\n") == []
    machine.complete("OK", "one")
    assert machine.receive(b"") == [Received(Noop())]
    machine.complete("NO", "two", "CODE")
    assert machine.receive(b"") == [Received(Noop())]
    machine.complete("BAD", "three")
    assert machine.receive(b"") == []
    assert drain(machine) == b"a OK one\r\nb NO [CODE] two\r\nc BAD three\r\n"


def test_a_thousand_commands_sent_ahead_are_all_run_in_order() -> None:
    machine = server()
    events = serve(machine, b"".join(b"t%d NOOP\r\n" % n for n in range(1000)))
    assert events == [Received(Noop())] * 1000
    assert drain(machine) == b"".join(b"t%d OK x\r\n" % n for n in range(1000))


def test_the_continuation_is_sent_before_the_literal_comes() -> None:
    machine = server()
    assert machine.receive(b"a CREATE {3}\r\n") == []
    assert drain(machine) == b"+ OK\r\n"
    assert machine.receive(b"foo\r\n") == [Received(Create("foo"))]


def test_no_continuation_for_a_literal_that_does_not_wait() -> None:
    machine = server()
    assert machine.receive(b"a CREATE {3+}\r\nfoo\r\n") == [Received(Create("foo"))]
    assert drain(machine) == b""


def test_a_literal_too_large_is_refused_and_not_asked_for() -> None:
    machine = server()
    assert machine.receive(b"a APPEND x {1001}\r\n") == [Refused()]
    assert drain(machine) == b"a NO [TOOBIG] Literal too large\r\n"
    assert machine.receive(b"b CREATE {8193}\r\n") == [Refused()]
    assert drain(machine) == b"b BAD [TOOBIG] Literal too large\r\n"
    assert machine.receive(b"c APPEND x {1000}\r\n" + b"y" * 1000 + b"\r\n") == [
        Received(Append("x", frozenset(), b"y" * 1000))
    ]


def test_a_literal_too_large_that_comes_unasked_is_skipped_and_never_run() -> None:
    machine = server()
    inside = b"x DELETE INBOX\r\n" * 100
    events = serve(machine, b"a APPEND x {%d+}\r\n%s\r\nb NOOP\r\n" % (len(inside), inside))
    assert events == [Refused(), Received(Noop())]
    assert drain(machine) == b"a NO [TOOBIG] Literal too large\r\nb OK x\r\n"


def test_literals_behind_a_fault_are_skipped_too() -> None:
    machine = server()
    events = serve(machine, b"a XYZZY {9+}\r\nb NOOP\r\n! {9+}\r\nc NOOP\r\n!\r\nd NOOP\r\n")
    assert events == [Refused(), Received(Noop())]
    assert drain(machine).endswith(b"d OK x\r\n")


def test_who_announces_more_than_it_is_worth_skipping_is_hung_up_on() -> None:
    machine = server()
    events = serve(machine, b"a APPEND x {4000000000+}\r\n")
    assert Hung() in events
    assert machine.state is State.LOGOUT
    assert drain(machine).endswith(b"* BYE Too much\r\n")
    assert machine.receive(b"b NOOP\r\n") == []


def test_lines_and_literals_of_one_command_share_one_limit() -> None:
    machine = server()
    literal = b"{3000+}\r\n" + b"h" * 3000
    events = serve(machine, b"a ID (" + b" ".join([literal] * 4) + b")\r\nb NOOP\r\n")
    assert events == [Refused(), Received(Noop())]
    assert b"a BAD [TOOBIG]" in drain(machine)


def test_an_endless_line_is_dropped_in_constant_memory() -> None:
    machine = server()
    assert machine.receive(b"a SEARCH ") == []
    for _ in range(100):
        assert machine.receive(b"y" * 65536) == []
    assert len(machine.leftover()) < 65536 * 2
    machine.receive(b"\r\n")
    events = serve(machine, b"b NOOP\r\n")
    assert Received(Noop()) in events
    assert drain(machine) == b"a BAD [TOOBIG] Command too long\r\nb OK x\r\n"


def test_a_literal_announced_by_an_endless_line_is_skipped_as_well() -> None:
    machine = server()
    events = serve(machine, b"a SEARCH TEXT " + b"y" * 20000 + b" {9+}\r\nx NOOP\r\n!\r\nb NOOP\r\n")
    assert events == [Refused(), Received(Noop())]
    assert drain(machine) == b"a BAD [TOOBIG] Command too long\r\nb OK x\r\n"


def test_before_login_lines_are_shorter() -> None:
    machine = server(State.GREETED)
    assert serve(machine, b"a LOGIN {600}\r\nb LOGIN u " + b"p" * 600 + b"\r\nc NOOP\r\n") == [
        Refused(),
        Refused(),
        Received(Noop()),
    ]


def test_a_bare_lf_ends_no_command() -> None:
    machine = server()
    assert serve(machine, b"a NOOP\nb NOOP\r\n") == [Refused(), Received(Noop())]
    assert drain(machine) == b"a BAD Lines end in CRLF\r\nb OK x\r\n"


def test_no_password_in_clear() -> None:
    machine = server(State.GREETED, secure=False)
    serve(machine, b"a LOGIN u p\r\nb AUTHENTICATE PLAIN\r\nc LOGIN {1}\r\nd NOOP\r\n")
    assert drain(machine) == (
        b"a NO [PRIVACYREQUIRED] Use TLS first\r\n"
        b"b NO [PRIVACYREQUIRED] Use TLS first\r\n"
        b"c NO [PRIVACYREQUIRED] Use TLS first\r\nd OK x\r\n"
    )


def test_what_came_in_clear_behind_starttls_is_never_read() -> None:
    machine = server(State.GREETED, secure=False)
    machine.receive(b"a STARTTLS\r\nb LOGIN u p\r\n")
    machine.complete("OK", "x")
    machine.secured()
    assert machine.receive(b"") == []
    assert serve(machine, b"c NOOP\r\n") == [Received(Noop())]


def test_what_came_behind_compress_is_given_back() -> None:
    machine = server()
    machine.receive(b"a COMPRESS DEFLATE\r\n\x01\x02")
    machine.complete("OK", "x")
    assert machine.leftover() == b"\x01\x02"
    assert machine.receive(b"b NOOP\r\n") == [Received(Noop())]


def test_idle() -> None:
    machine = server()
    assert machine.receive(b"a IDLE\r\n") == [Received(Idle())]
    machine.idling()
    machine.untagged(b"3 EXISTS")
    assert machine.receive(b"do") == []
    assert machine.receive(b"ne\r\n") == [Done(asked=True)]
    machine.complete("OK", "x")
    assert drain(machine) == b"+ idling\r\n* 3 EXISTS\r\na OK x\r\n"


def test_idle_ended_by_something_else() -> None:
    for end in (b"b NOOP\r\n", b"y" * 5000 + b"\r\n", b"\x00\n"):
        machine = server()
        machine.receive(b"a IDLE\r\n")
        machine.idling()
        assert machine.receive(end) == [Done(asked=False)]
        machine.complete("BAD", "x")
        assert serve(machine, b"c NOOP\r\n") == [Received(Noop())]


def test_done_may_be_sent_ahead() -> None:
    machine = server()
    assert machine.receive(b"a IDLE\r\nDONE\r\nb NOOP\r\n") == [Received(Idle())]
    machine.idling()
    assert serve(machine, b"") == [Done(asked=True), Received(Noop())]


def test_a_large_piece_goes_out_by_itself_and_uncopied() -> None:
    machine = server()
    body = b"x" * 100_000
    machine.untagged(b"1 FETCH (BODY[] {100000}\r\n", body, b")")
    pieces = []
    while piece := machine.to_send():
        pieces.append(piece)
    assert b"".join(pieces) == b"* 1 FETCH (BODY[] {100000}\r\n" + body + b")\r\n"
    assert any(piece is body for piece in pieces)


def test_text_for_the_peer_cannot_break_out_of_its_line() -> None:
    machine = server()
    machine.receive(b"a NOOP\r\n")
    machine.complete("NO", "one\r\n* BYE two \u043f")
    assert drain(machine) == b"a NO one * BYE two ?\r\n"


WORDS = st.sampled_from(
    [
        *(
            b"a",
            b"b1",
            b" ",
            b" ",
            b" ",
            b"\r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b"(",
            b")",
            b'"',
            b"\\",
            b"[",
            b"]",
            b"<",
            b">",
        ),
        *(b"UID", b"FETCH", b"STORE", b"SEARCH", b"SELECT", b"APPEND", b"LIST", b"IDLE", b"DONE", b"LOGIN", b"ID"),
        *(b"1:*", b"1", b"0", b"*", b"%", b"FLAGS", b"+FLAGS", b"BODY", b"BODY.PEEK[", b"HEADER.FIELDS", b"NOT", b"OR"),
        *(b"{1}", b"{3+}", b"{9999+}", b"{99999999999+}", b"~{2}", b"INBOX", b"&", b"&AAA-", b"\x00", b"\xff", b"NIL"),
        *(b"AUTHENTICATE PLAIN", b"GETMETADATA", b"SETMETADATA", b"/a", b"COMPRESS DEFLATE", b"CHARSET", b"HEADER"),
    ]
)
TEXTS = st.lists(WORDS | st.binary(max_size=8), max_size=40).map(b"".join)


def outcome(state: State, pieces: list[bytes]) -> tuple[list[Event], bytes]:
    machine = server(state)
    events = [event for piece in pieces for event in serve(machine, piece)]
    return events, drain(machine)


@given(TEXTS, st.sampled_from([State.GREETED, State.AUTHENTICATED, State.SELECTED]), st.lists(st.integers(1, 30)))
def test_any_bytes_mean_the_same_however_they_come(data: bytes, state: State, cuts: list[int]) -> None:
    pieces, rest = [], data
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    whole = outcome(state, [data])
    assert outcome(state, [*pieces, rest]) == whole
    assert outcome(state, [bytes([octet]) for octet in data]) == whole


@given(TEXTS)
def test_after_any_bytes_a_command_is_still_heard_or_the_peer_was_told_bye(data: bytes) -> None:
    machine = server()
    serve(machine, data)
    serve(machine, b"\r\n" + b"y" * 40000 + b'"\r\n\r\nDONE\r\n')
    commands: list[Command] = [e.command for e in serve(machine, b"z NOOP\r\n") if isinstance(e, Received)]
    assert Noop() in commands or machine.state is State.LOGOUT
