"""Where the comment forms of the site are sent to: a small HTTP server, to be put behind the web server of the site.

A form is answered with a page that shows what will be sent and holds a ticket (`ticket`); sending that page is what
counts. No script and no cookie; every error is said on the page, in the channel's language. Whose connection it is is
never asked, so that no address can be stored or logged; a proxy's headers about it are not read either.

Bounded: connections at a time, octets of a request, seconds for it. One request on a connection.
"""

import asyncio
import base64
import contextlib
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import parse_qs

import h11
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from angarium.channel.archive import Archive, Filed
from angarium.channel.question import asked_under
from angarium.channel.replies import NAME, REPLY, WORDS, Replies, Taken
from angarium.channel.settings import Settings
from angarium.channel.site import paths
from angarium.channel.speech import speech
from angarium.channel.ticket import Tickets, Verdict

__all__ = ["Form", "Page", "serving"]

log = logging.getLogger("angarium.channel")

BODY, HEAD = 64 << 10, 16 << 10
"""Octets."""
SECONDS = 20.0
"""For a whole exchange."""
CONNECTIONS = 100
FIELDS = ("post", "words", "name", "reply")
"""What a comment is made of. Beside it come `answer`, to the question, `ticket`, and `site`, which is to stay empty."""
STYLE = """
body{font:1rem/1.6 system-ui,sans-serif;margin:0;padding:1rem;color:#1b1b1b;background:#fff}
main{max-width:40rem;margin:auto}
h1{font-size:1.4rem}
dt{font-weight:600}
dd{margin:0 0 1rem}
.words{white-space:pre-wrap;overflow-wrap:anywhere}
[role=alert]{border-inline-start:.3rem solid #b00020;padding-inline-start:.7rem}
button{font:inherit;padding:.5rem 1.2rem}
@media(prefers-color-scheme:dark){body{color:#eee;background:#121212}a{color:#9cf}[role=alert]{border-color:#ff8a95}}
""".strip()
POLICY = (
    "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'"
)
HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", POLICY),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Connection", "close"),
)
TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
    files(__package__).joinpath("form.html").read_text(encoding="utf-8")
)
STATUS = {
    "missing": HTTPStatus.BAD_REQUEST,
    "too_long": HTTPStatus.BAD_REQUEST,
    "answer": HTTPStatus.BAD_REQUEST,
    "request": HTTPStatus.BAD_REQUEST,
    "expired": HTTPStatus.BAD_REQUEST,
    "early": HTTPStatus.BAD_REQUEST,
    "unknown": HTTPStatus.NOT_FOUND,
    "full": HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    status: int
    body: bytes


class Form:
    """Takes what the forms of one channel send."""

    def __init__(
        self,
        settings: Settings,
        archive: Archive,
        replies: Replies,
        wake: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._archive = archive
        self._replies = replies
        self._wake = wake
        self._tickets = Tickets(clock)
        self._speech = speech(settings.language)

    def answer(self, method: str, body: bytes) -> Page:
        """Answer a request."""
        if method != "POST":
            return self.refusal("request", status=HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            parsed = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20, errors="strict")
            sent = {name: values[0] for name, values in parsed.items()}
            number = int(sent["post"]) if sent["post"].isascii() and sent["post"].isdecimal() else 0
            filed = self._archive.get(number) if 0 < number < 1 << 53 else None
        except (ValueError, KeyError):
            return self.refusal("request")
        if filed is None:
            return self.refusal("unknown")
        fields = {name: sent.get(name, "").replace("\r\n", "\n").replace("\0", "").strip() for name in FIELDS}
        if wrong := _wrong(fields):
            return self.refusal(wrong, filed)
        if "ticket" in sent:
            return self._take(filed, fields, sent["ticket"])
        if sent.get("site"):  # a field that people do not see
            return self.refusal("request", filed)
        if not asked_under(filed).answered(sent.get("answer", "")):
            return self.refusal("answer", filed)
        ticket = self._tickets.issue(*fields.values())
        return self._page(HTTPStatus.OK, filed, ticket=ticket, fields=fields)

    def _take(self, filed: Filed, fields: Mapping[str, str], ticket: str) -> Page:
        verdict = self._tickets.take(ticket, *fields.values())
        if verdict is Verdict.EARLY:
            early = self._speech.form["early"]
            return self._page(HTTPStatus.BAD_REQUEST, filed, ticket=ticket, fields=fields, error=early)
        if verdict is not Verdict.GOOD:
            return self.refusal(verdict, filed)
        taken = self._replies.comment(filed.number, fields["words"], fields["name"], fields["reply"])
        if taken is not Taken.TAKEN:
            return self.refusal(taken, filed)
        self._wake()
        return self._page(HTTPStatus.OK, filed, sent=True)

    def refusal(self, why: str, filed: Filed | None = None, *, status: int | None = None) -> Page:
        """A page that says why not."""
        error = self._speech.form[why].format(most=WORDS, name=NAME)
        return self._page(status or STATUS[why], filed, error=error)

    def _page(
        self,
        status: int,
        filed: Filed | None,
        *,
        error: str = "",
        sent: bool = False,
        ticket: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> Page:
        address = self._settings.address
        body = TEMPLATE.render(
            language=self._settings.language,
            direction=self._speech.direction,
            say=self._speech.form,
            style=Markup(STYLE),  # noqa: S704 (our own)
            channel=self._settings.title,
            article=f"{address}{paths.post(filed.number)}" if filed and address else address,
            error=error,
            sent=sent,
            ticket=ticket,
            fields=fields or {},
            words=(fields or {}).get("words", ""),
            name=(fields or {}).get("name", ""),
        )
        return Page(status, body.encode("utf-8", "replace"))


def _wrong(fields: Mapping[str, str]) -> str:
    """What is the matter with a comment; empty: nothing."""
    if not fields["words"]:
        return "missing"
    if len(fields["words"]) > WORDS or len(fields["name"]) > NAME or len(fields["reply"]) > REPLY:
        return "too_long"
    return ""


@contextlib.asynccontextmanager
async def serving(form: Form, host: str, port: int) -> AsyncIterator[int]:
    """Take what forms send at this address until the context ends; the port, which the system chooses where it is 0.

    Raises:
        OSError: it cannot listen there.
    """
    slots = asyncio.Semaphore(CONNECTIONS)

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if slots.locked():
                return
            async with slots:
                with contextlib.suppress(TimeoutError, ConnectionError):
                    async with asyncio.timeout(SECONDS):
                        await _exchange(form, reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(meet, host, port, limit=BODY)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _exchange(form: Form, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    machine = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
    try:
        method, body = await _request(machine, reader, writer)
        page = form.answer(method, body)
    except (h11.RemoteProtocolError, _TooMuch):
        if machine.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        page = form.refusal("request")
    except Exception as error:
        log.error("a comment was not taken (%s)", type(error).__name__)
        page = form.refusal("full")
    headers = [*HEADERS, ("Date", formatdate(usegmt=True)), ("Content-Length", str(len(page.body)))]
    pieces = [machine.send(h11.Response(status_code=page.status, headers=headers)), page.body]
    writer.write(b"".join(piece or b"" for piece in pieces))
    await writer.drain()


class _TooMuch(Exception):
    """More octets than a form has."""


async def _request(
    machine: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, bytes]:
    method, body = "", b""
    while True:
        event = machine.next_event()
        if event is h11.NEED_DATA:
            if machine.they_are_waiting_for_100_continue:
                writer.write(machine.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            machine.receive_data(await reader.read(HEAD))
        elif isinstance(event, h11.Request):
            method = event.method.decode("ascii")
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY:
                raise _TooMuch
        elif isinstance(event, h11.EndOfMessage):
            return method, body
        else:
            raise ConnectionError
