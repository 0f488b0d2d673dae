"""The order of an SMTP session as a table: its states, and which command is out of place in which of them.

    START ──EHLO──► GREETED ──AUTH──► READY ──MAIL──► SENDER ──RCPT──► RECIPIENTS ──DATA──► DATA ──CRLF.CRLF──► READY
      ▲                │                │
      └─── STARTTLS ───┘                └─ MAIL, refused ──► REFUSED ──MAIL──► …

RSET, and EHLO again, lead from READY and everything to its right but DATA back to READY; QUIT, an error too many and
our own wish lead to CLOSED from anywhere. REFUSED differs from READY only in that RCPT and DATA are forgiven there:
a client that pipelines has sent them before it could know (RFC 2920).

Mail from other relays needs no login but TLS: there EHLO leads to GREETED in clear, and to READY in TLS.
"""

from collections.abc import Mapping
from enum import Enum

from angarium.wire.members import direct
from angarium.wire.smtp.replies import Reply

__all__ = ["FORGIVEN", "LOGGED_IN", "OUT_OF_PLACE", "OUT_OF_PLACE_BETWEEN_RELAYS", "State"]


@direct
class State(Enum):
    """Where a session is. Each name says what has been done."""

    START = "nothing"
    GREETED = "EHLO or HELO"
    HANDSHAKE = "STARTTLS was answered; the caller now does TLS and then says `secured`"
    READY = "logged in; no transaction"
    REFUSED = "logged in; MAIL was refused"
    SENDER = "MAIL"
    RECIPIENTS = "MAIL and at least one RCPT"
    DATA = "DATA; the message is being read or judged"
    CLOSED = "the end: send what is to be sent, then close"

    __hash__ = object.__hash__


_HELLO_FIRST = Reply(503, "5.5.1", "Say EHLO first")
_LOGIN_FIRST = Reply(530, "5.7.0", "Authentication required")
_MAIL_FIRST = Reply(503, "5.5.1", "MAIL first")
_RCPT_FIRST = Reply(503, "5.5.1", "No recipients")
_NESTED = Reply(503, "5.5.1", "A transaction is under way: DATA or RSET first")
_TLS_FIRST = Reply(530, "5.7.0", "Must issue a STARTTLS command first")
_NO_LOGIN = Reply(502, "5.5.1", "Nobody logs in here")
_TLS_ALREADY = Reply(503, "5.5.1", "TLS is on already")
_ONCE = Reply(503, "5.5.1", "Already authenticated")
_TOO_LATE = Reply(503, "5.5.1", "Not after authentication")

OUT_OF_PLACE: Mapping[str, dict[State, Reply]] = {
    "STARTTLS": {
        State.START: _HELLO_FIRST,
        State.READY: _TOO_LATE,
        State.REFUSED: _TOO_LATE,
        State.SENDER: _TOO_LATE,
        State.RECIPIENTS: _TOO_LATE,
    },
    "AUTH": {
        State.START: _HELLO_FIRST,
        State.READY: _ONCE,
        State.REFUSED: _ONCE,
        State.SENDER: _ONCE,
        State.RECIPIENTS: _ONCE,
    },
    "MAIL": {
        State.START: _HELLO_FIRST,
        State.GREETED: _LOGIN_FIRST,
        State.SENDER: _NESTED,
        State.RECIPIENTS: _NESTED,
    },
    "RCPT": {
        State.START: _HELLO_FIRST,
        State.GREETED: _LOGIN_FIRST,
        State.READY: _MAIL_FIRST,
        State.REFUSED: _MAIL_FIRST,
    },
    "DATA": {
        State.START: _HELLO_FIRST,
        State.GREETED: _LOGIN_FIRST,
        State.READY: _MAIL_FIRST,
        State.REFUSED: _MAIL_FIRST,
        State.SENDER: _RCPT_FIRST,
    },
}
"""For each command the states it is out of place in, with the answer. A command or state not listed is in place."""

OUT_OF_PLACE_BETWEEN_RELAYS: Mapping[str, Mapping[State, Reply]] = {
    "STARTTLS": dict.fromkeys(OUT_OF_PLACE["STARTTLS"], _TLS_ALREADY) | {State.START: _HELLO_FIRST},
    "AUTH": dict.fromkeys(State, _NO_LOGIN),
    **{verb: OUT_OF_PLACE[verb] | {State.GREETED: _TLS_FIRST} for verb in ("MAIL", "RCPT", "DATA")},
}
"""The same where mail comes from other relays (RFC 3207, 4: 530)."""

FORGIVEN = frozenset({("RCPT", State.REFUSED), ("DATA", State.REFUSED), ("DATA", State.SENDER)})
"""What is out of place without being counted as an error: the rest of what a client pipelined."""

LOGGED_IN = frozenset({State.READY, State.REFUSED, State.SENDER, State.RECIPIENTS})
"""The states a RSET or EHLO turns into READY."""
