"""Mail from other relays over HTTPS, as the existing network sends it: `POST /mxdeliv`.

The envelope is in the headers, `X-MAIL-FROM` and one `X-MAIL-TO` for each recipient, and the body is the message. 200:
accepted, all of it; 400: refused, with the reason, and nobody got it; 413: too large; 503: not now, try again.

A relay that says `X-MAIL-VERDICTS: each` wants to hear of each recipient by itself, as SMTP would tell it: the message
goes to those who can have it, the answer is 200 with the same header, and has a line for each recipient in order, such
as `550 5.1.1 there is no such address at this relay`. Without that header a message goes to all or to nobody, since one
answer cannot tell apart who got it.
"""

from collections.abc import Sequence

from angarium.edge.hold import Hold
from angarium.edge.pages.exchange import Inlet, Request, Response, plain
from angarium.mail.incoming import Incoming
from angarium.mail.settings import Messages
from angarium.mail.verdict import Outcome, Verdict

__all__ = ["HEAD_BYTES", "PATH", "addressed", "mxdeliv"]

PATH = "/mxdeliv"
HEAD_BYTES = 131_072
"""Longest head of a request: a message may have a thousand recipients."""

EACH = ("X-MAIL-VERDICTS", "each")


def mxdeliv(incoming: Incoming, messages: Messages, hold: Hold) -> Inlet:
    """The handler, and how long a body it takes."""
    return Inlet(_Deliver(incoming).answer, messages.max_size, hold)


def addressed(request: Request) -> list[str]:
    """To whom a request to deliver is; empty: it is none."""
    if request.method != "POST" or request.path != PATH or "x-mail-from" not in request.headers:
        return []
    try:
        return [_utf8(line) for line in request.every("x-mail-to")]
    except UnicodeError:
        return []


class _Deliver:
    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming

    async def answer(self, request: Request) -> Response:
        """Deliver one message."""
        try:
            sender = _utf8(request.headers.get("x-mail-from", ""))
            recipients = [_utf8(line) for line in request.every("x-mail-to")]
        except UnicodeError:
            return plain(400, "The headers are not UTF-8.")
        sender = "" if sender == "<>" else sender
        each = request.headers.get(EACH[0].lower(), "").lower() == EACH[1]
        if not recipients:
            return plain(400, "There is no X-MAIL-TO.")
        verdicts = await self._incoming.receive(sender, recipients, request.body, together=not each)
        if each:
            return plain(200, "\n".join(map(_line, verdicts)), EACH)
        return _whole(recipients, verdicts)


def _whole(recipients: Sequence[str], verdicts: Sequence[Verdict]) -> Response:
    """One status for all of it; the reasons name the recipients they are about, unless they are the same for all."""
    if all(verdict.accepted for verdict in verdicts):
        return plain(200, "OK")
    refused = [pair for pair in zip(recipients, verdicts, strict=True) if pair[1].outcome is Outcome.REJECT]
    if len(set(verdicts)) == 1:
        reason = _line(verdicts[0])
    else:
        reason = "\n".join(f"{_line(verdict)}: {recipient}" for recipient, verdict in refused)
    if not refused:
        return plain(503, reason)
    too_large = all(verdict.enhanced == "5.3.4" for _, verdict in refused)
    return plain(413 if too_large else 400, reason)


def _line(verdict: Verdict) -> str:
    return f"{verdict.code} {verdict.enhanced} {verdict.text}"


def _utf8(header: str) -> str:
    return header.encode("latin-1").decode()
