"""Every dialog in `smtp/`: against the machine, whole and byte by byte, and over TCP through the edge.

Options: `begin` (`secure`, the default, or `clear`), `size`, `recipients`, `line`, `errors`, `starttls` (`no`).

The people: anna, whose password is `password1`. Recipients at refused.example are refused, at later.example deferred.
A message that says "refuse me" is refused, one that says "fail" makes the relay fail.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import trustme

from angarium.edge.settings import Limits
from angarium.edge.smtp import SmtpSite, serve_smtp
from angarium.mail.accounts import Gate, Refused
from angarium.mail.settings import Messages
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.connect import connect
from angarium.reach.transport import Connection
from angarium.store.interfaces import Owner
from angarium.wire.smtp.order import State
from angarium.wire.smtp.replies import Answer, Reply
from angarium.wire.smtp.server import Event, Login, Message, Recipient, Sender, Server, StartTls, Terms
from tests.transcripts.network import Network

if TYPE_CHECKING:
    from angarium.mail.delivery import Delivery
    from angarium.store.interfaces import Changes
    from tests.transcripts.conftest import Dialog, Peer

DIALOGS = sorted((Path(__file__).parent / "smtp").glob("*.txt"))
HOST = "relay.example"
ANNA = "anna@relay.example"

Play = Callable[["Dialog", "Peer"], Awaitable[None]]
Read = Callable[[Path], "Dialog"]

NOT_YOU = Verdict.reject(553, "5.7.1", "not you")
REFUSED = Verdict.reject(550, "5.1.1", "no such person")
LATER = Verdict.defer(450, "4.2.0", "later")
NOT_THIS = Verdict.reject(523, "5.7.1", "not this")


class Policy:
    """The gate and the delivery of the dialogs."""

    async def login(self, username: str, password: str) -> Owner:
        if (username, password) != (ANNA, "password1"):
            raise Refused("authentication failed")
        return cast("Owner", self)

    async def attend(self, _owner: Owner, _farewell: Callable[[], None]) -> "Policy":
        return self

    def close(self) -> None:
        """Nobody is missed here."""

    def sender(self, _owner: Owner, address: str) -> Verdict:
        return ACCEPTED if address == ANNA else NOT_YOU

    def recipient(self, address: str) -> Verdict:
        return {"refused.example": REFUSED, "later.example": LATER}.get(address.rpartition("@")[2], ACCEPTED)

    async def submit(self, _owner: Owner, _sender: str, recipients: Sequence[str], message: bytes) -> Verdict:
        if b"fail" in message:
            raise RuntimeError("the text of an error")
        return NOT_THIS if b"refuse me" in message else taken(recipients, message)


def taken(recipients: Sequence[str], message: bytes) -> Verdict:
    """Tells the dialog what arrived."""
    return Verdict(ACCEPTED.outcome, 250, "2.0.0", f"{len(message)} bytes for {len(recipients)}")


def decide(event: Event) -> Answer:
    """What the edge makes of the policy's answers."""
    policy = Policy()
    match event:
        case Login(credentials) if (credentials.username, credentials.password) == (ANNA, "password1"):
            return Reply(235, "2.7.0", "Authentication succeeded")
        case Login():
            return Reply(535, "5.7.8", "authentication failed")
        case Sender(address):
            return ACCEPTED if address == ANNA else NOT_YOU
        case Recipient(address):
            return policy.recipient(address)
        case Message(_, _, message) if b"fail" in message:
            return Reply(451, "4.3.0", "The relay failed, try again later")
        case Message(_, recipients, message):
            return NOT_THIS if b"refuse me" in message else taken(recipients, message)
        case _:
            raise AssertionError(event)


class Machine:
    """The pure machine as a peer; `piece` is how many bytes it is given at a time."""

    def __init__(self, dialog: "Dialog", piece: int) -> None:
        options = dialog.options
        terms = Terms(
            HOST,
            size=int(options.get("size", 100_000)),
            recipients=int(options.get("recipients", 1000)),
            line=int(options.get("line", 4096)),
            errors=int(options.get("errors", 20)),
            starttls=options.get("starttls") != "no",
        )
        self.piece = piece
        self.server = Server(terms, secure=options.get("begin") != "clear")
        self.said = self.server.to_send()

    async def send(self, data: bytes) -> None:
        for at in range(0, len(data), self.piece):
            events = self.server.receive(data[at : at + self.piece])
            while events:
                for event in events:
                    if not isinstance(event, StartTls):
                        self.server.reply(decide(event))
                events = self.server.receive(b"")
            self.said += self.server.to_send()

    async def line(self) -> bytes:
        line, end, self.said = self.said.partition(b"\n")
        assert line or self.server.state is State.CLOSED, "the server says nothing"
        return line + end

    async def start_tls(self) -> None:
        self.server.secured()

    def unread(self) -> bytes:
        return self.said


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for the server and for the client."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(HOST, key_type=trustme.KeyType.ECDSA).configure_cert(server)
    authority.configure_trust(client)
    return server, client


@contextlib.asynccontextmanager
async def relay(dialog: "Dialog", contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[Network]:
    """One connection to a relay with the dialog's options."""
    options = dialog.options
    server_context, client_context = contexts
    secure = options.get("begin") != "clear"
    messages = Messages(max_size=int(options.get("size", 100_000)), max_recipients=int(options.get("recipients", 1000)))
    limits = Limits(line_bytes=int(options.get("line", 4096)), errors=int(options.get("errors", 20)))
    policy = Policy()
    tls = None if options.get("starttls") == "no" else server_context
    site = SmtpSite(
        HOST, limits, messages, cast("Gate", policy), cast("Delivery", policy), lambda: tls, cast("Changes", policy)
    )

    async def serve() -> None:
        accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
        connection = Connection(accepted)
        if secure:
            await connection.start_tls(server_context, timeout=10)
        await serve_smtp(connection, site)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        serving = asyncio.create_task(serve())
        port = listening.getsockname()[1]
        connection = await connect("127.0.0.1", port, client_context if secure else None, server_name=HOST)
        try:
            yield Network(connection, client_context, HOST)
        finally:
            connection.abort()
            await serving


@pytest.mark.parametrize("piece", [1 << 20, 1], ids=["whole", "bytes"])
@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
async def test_machine(path: Path, piece: int, read_dialog: Read, play: Play) -> None:
    dialog = read_dialog(path)
    await play(dialog, Machine(dialog, piece))


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
async def test_network(
    path: Path, contexts: tuple[ssl.SSLContext, ssl.SSLContext], read_dialog: Read, play: Play
) -> None:
    dialog = read_dialog(path)
    async with asyncio.timeout(30), relay(dialog, contexts) as peer:
        await play(dialog, peer)


def test_there_are_dialogs() -> None:
    assert len(DIALOGS) >= 25


async def test_a_dialog_that_differs_is_noticed(tmp_path: Path, read_dialog: Read, play: Play) -> None:
    (tmp_path / "wrong.txt").write_text("S: 220 relay.example ESMTP ready\nC: NOOP\nC: NOOP\nS: 250 2.0.0 OK\n")
    dialog = read_dialog(tmp_path / "wrong.txt")
    with pytest.raises(AssertionError, match="the server said more"):
        await play(dialog, Machine(dialog, 100))
    (tmp_path / "wrong.txt").write_text("S~ 220 .*ready\nC: NOOP\nS: 250 2.0.0 No\n")
    dialog = read_dialog(tmp_path / "wrong.txt")
    with pytest.raises(AssertionError, match=r"wrong\.txt:3"):
        await play(dialog, Machine(dialog, 100))
