"""Every dialog in `mx/`: against the machine, whole and byte by byte, and over TCP through the edge.

Options: `size`, `recipients`. The people of here.example: bob, carol, full (whose mailbox is), narrow (room for 1000
bytes), leaving (who is gone after RCPT). Mail from denied.example is not taken. A message that says "refuse me" is
refused, one that says "fail" makes the relay fail.
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

from angarium.edge.hold import Hold
from angarium.edge.mx import ERRORS, MxSite, serve_mx
from angarium.edge.settings import Limits
from angarium.mail.settings import Messages
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.connect import connect
from angarium.reach.transport import Connection
from angarium.wire.smtp.order import State
from angarium.wire.smtp.replies import Answer, Reply
from angarium.wire.smtp.server import Event, Message, Recipient, Sender, Server, StartTls, Terms
from tests.transcripts.network import Network

if TYPE_CHECKING:
    from angarium.mail.incoming import Incoming
    from tests.transcripts.conftest import Dialog, Peer

DIALOGS = sorted((Path(__file__).parent / "mx").glob("*.txt"))
HOST = "here.example"
HELD = 200_000

Play = Callable[["Dialog", "Peer"], Awaitable[None]]
Read = Callable[[Path], "Dialog"]

NOT_FROM_YOU = Verdict.reject(550, "5.7.1", "this relay takes no mail from yours")
ELSEWHERE = Verdict.reject(550, "5.7.1", "this relay delivers only to its own people")
UNKNOWN = Verdict.reject(550, "5.1.1", "there is no such address at this relay")
FULL = Verdict.reject(552, "5.2.2", "the mailbox is full")
NOT_ALONE = Verdict.defer(451, "4.5.3", "not delivered, since another recipient could not have it")
NOT_THIS = Verdict.reject(523, "5.7.1", "not this")
ROOM = {"bob": 1 << 30, "carol": 1 << 30, "leaving": 1 << 30, "narrow": 1000, "full": -1}


class Policy:
    """The incoming mail of the dialogs."""

    def sender(self, address: str) -> Verdict:
        return NOT_FROM_YOU if address.endswith("denied.example") else ACCEPTED

    def judged(self, address: str, octets: int) -> Verdict:
        name, _, domain = address.partition("@")
        if domain != HOST:
            return ELSEWHERE
        if name not in ROOM:
            return UNKNOWN
        return ACCEPTED if octets <= ROOM[name] else FULL

    async def recipient(self, address: str, octets: int = 0) -> Verdict:
        return self.judged(address, octets)

    async def receive(
        self, _sender: str, recipients: Sequence[str], message: bytes, *, together: bool, admitted: bool
    ) -> list[Verdict]:
        assert together
        assert admitted
        if b"fail" in message:
            raise RuntimeError("the text of an error")
        if b"refuse me" in message:
            return [NOT_THIS] * len(recipients)
        if any("leaving" in each for each in recipients):
            return [UNKNOWN if "leaving" in each else NOT_ALONE for each in recipients]
        return [Verdict(ACCEPTED.outcome, 250, "2.0.0", f"{len(message)} bytes for {len(recipients)}")] * len(
            recipients
        )


class Machine:
    """The pure machine as a peer; `piece` is how many bytes it is given at a time."""

    def __init__(self, dialog: "Dialog", piece: int) -> None:
        options = dialog.options
        terms = Terms(HOST, size=int(options.get("size", 100_000)), errors=ERRORS, starttls=True, login=False)
        self.piece = piece
        self.announced = 0
        self.server = Server(terms, secure=False)
        self.said = self.server.to_send()

    async def send(self, data: bytes) -> None:
        for at in range(0, len(data), self.piece):
            events = self.server.receive(data[at : at + self.piece])
            while events:
                for event in events:
                    if not isinstance(event, StartTls):
                        self.server.reply(await self.decide(event))
                events = self.server.receive(b"")
            self.said += self.server.to_send()

    async def decide(self, event: Event) -> Answer:
        """What the edge makes of the policy's answers."""
        policy = Policy()
        match event:
            case Sender(address, size):
                self.announced = size or 0
                return policy.sender(address)
            case Recipient(address):
                return policy.judged(address, self.announced)
            case Message(_, _, message) if b"fail" in message:
                return Reply(451, "4.3.0", "The relay failed, try again later")
            case Message(sender, recipients, message):
                verdicts = await policy.receive(sender, recipients, message, together=True, admitted=True)
                return next((each for each in verdicts if each.code == 451), verdicts[0])
            case _:
                raise AssertionError(event)

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
    """One connection to a relay with the dialog's options; afterwards nothing is held for it any more."""
    server_context, client_context = contexts
    messages = Messages(max_size=int(dialog.options.get("size", 100_000)))
    hold = Hold(HELD)
    site = MxSite(HOST, Limits(), messages, cast("Incoming", Policy()), hold, lambda: server_context)

    async def serve() -> None:
        accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
        await serve_mx(Connection(accepted), site)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        serving = asyncio.create_task(serve())
        connection = await connect("127.0.0.1", listening.getsockname()[1])
        try:
            yield Network(connection, client_context, HOST)
        finally:
            connection.abort()
            await serving
    assert hold.free == HELD


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
    assert len(DIALOGS) >= 10
