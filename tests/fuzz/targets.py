"""What is fuzzed: every parser that reads what strangers send. Each target takes any bytes and may raise nothing.

A target is made by a function that imports what it tests, so that atheris can instrument the import, and so that one
that cannot be imported spoils only itself. It checks what the parser promises: only documented exceptions, the same
events however the bytes are cut, and that what is written can be read.
"""

import base64
import contextlib
from collections.abc import Callable

Run = Callable[[bytes], None]


def address() -> Run:
    from angarium.wire.address import Address, AddressError

    def run(data: bytes) -> None:
        text = data.decode(errors="surrogateescape")
        try:
            found = Address.parse(text)
        except AddressError:
            return
        assert Address.parse(str(found)) == found
        assert found.canonical == found.canonical.canonical

    return run


def sasl() -> Run:
    from angarium.wire.sasl import Exchange, SaslError

    def run(data: bytes) -> None:
        mechanism, *lines = data.split(b"\n")
        for spelt in (lines, [base64.b64encode(line) for line in lines]):
            with contextlib.suppress(SaslError):
                exchange = Exchange(mechanism.decode(errors="replace"), spelt[0] if spelt else None)
                for line in spelt[1:]:
                    if exchange.credentials:
                        assert exchange.credentials.password
                        break
                    exchange.receive(line)

    return run


def stream() -> Run:
    from angarium.wire.stream import LineTooLong, Parser, Stream

    def lines(read: Stream, found: list[bytes]) -> Parser[None]:
        while True:
            try:
                found.append((yield from read.line(12)))
            except LineTooLong:
                found.append(b"too long")
                yield from read.drop_line()
            found.append((yield from read.exactly(len(found) % 3)))

    def feed(data: bytes, size: int) -> list[bytes]:
        read, found = Stream(), list[bytes]()
        parser = lines(read, found)
        next(parser)
        for at in range(0, len(data), size):
            read.feed(data[at : at + size])
            next(parser)
        return found

    def run(data: bytes) -> None:
        assert feed(data, len(data) or 1) == feed(data, 1) == feed(data, 5)

    return run


def smtp() -> Run:
    from angarium.wire.smtp.order import State
    from angarium.wire.smtp.replies import Reply
    from angarium.wire.smtp.server import Event, Login, Server, StartTls, Terms

    terms = Terms("relay.example", size=200, recipients=3, line=120, errors=10, starttls=True)
    login = b"EHLO x\r\nAUTH PLAIN AGEAYg==\r\n"

    def answer(event: Event) -> Reply:
        if isinstance(event, Login):
            return Reply(235, "2.7.0", "in") if len(event.credentials.password) < 3 else Reply(535, "5.7.8", "no")
        return Reply(250, "2.0.0", "OK") if len(repr(event)) % 4 else Reply(450, "4.7.1", "later")

    between_relays = Terms("relay.example", size=200, recipients=3, line=120, errors=10, starttls=True, login=False)

    def feed(data: bytes, size: int, *, secure: bool, login: bytes = login) -> tuple[bytes, State]:
        server = Server(terms if login else between_relays, secure=secure)
        out = server.to_send()
        if secure:
            data = login + data
        for at in range(0, len(data), size):
            events = server.receive(data[at : at + size])
            while events:
                assert len(events) == 1
                for event in events:
                    if isinstance(event, StartTls):
                        server.secured()
                    else:
                        server.reply(answer(event))
                events = server.receive(b"")
            out += server.to_send()
        for line in out.splitlines():
            assert line[:3].isdigit()
            assert line.decode("ascii").isprintable()
        return out, server.state

    def run(data: bytes) -> None:
        assert feed(data, len(data) + len(login), secure=True) == feed(data, 1, secure=True)
        feed(data, len(data) or 1, secure=False)
        for secure in (True, False):
            feed(data, len(data) or 1, secure=secure, login=b"")

    return run


def smtp_data() -> Run:
    from angarium.wire.smtp.data import Data, stuff

    def read(data: bytes, size: int) -> tuple[bytes | None, object, bytes]:
        reader, rest = Data(64), None
        for at in range(0, len(data), size):
            rest = reader.receive(data[at : at + size])
            if rest is not None:
                rest += data[at + size :]
                break
        return rest, reader.refusal, b"" if rest is None else reader.message()

    def run(data: bytes) -> None:
        assert read(data, len(data) or 1) == read(data, 1) == read(data, 3)
        try:
            sent = stuff(data[:64])
        except ValueError:
            return
        rest, refusal, message = read(sent, 7)
        assert rest == b""
        assert refusal or message in (data[:64], data[:64] + b"\r\n")

    return run


def smtp_client() -> Run:
    from angarium.wire.smtp.client import Client, ClientState, Hello, Login, Quit, Request, StartTls, Submit
    from angarium.wire.smtp.errors import TheirError

    requests: tuple[Request, ...] = (
        Hello(),
        StartTls(),
        Login("a@b", "password"),
        Submit("a@b", ("c@d", "e@f"), b".\r\n"),
        Quit(),
    )

    def run(data: bytes) -> None:
        client = Client()
        with contextlib.suppress(TheirError):
            for number, line in enumerate(data.splitlines(keepends=True)):
                client.receive(line)
                if client.state is ClientState.IDLE:
                    with contextlib.suppress(ValueError):
                        client.request(requests[(number + len(line)) % len(requests)])
                client.to_send()

    return run


def imap() -> Run:
    from angarium.wire.imap.commands import State
    from angarium.wire.imap.commands.messages import Idle
    from angarium.wire.imap.reader import Limits
    from angarium.wire.imap.server import Done, Event, Received, Server

    limits = Limits(line=500, early=200, message=300, depth=4)

    def feed(data: bytes, size: int, state: State) -> tuple[list[Event], bytes]:
        server = Server(limits, secure=True)
        server.state = state
        seen: list[Event] = []
        out = b""
        for at in range(0, len(data), size):
            events = server.receive(data[at : at + size])
            while events:
                for event in events:
                    seen.append(event)
                    match event:
                        case Received(Idle()):
                            server.idling()
                        case Received() | Done():
                            server.complete("OK", "done")
                events = server.receive(b"")
            while said := server.to_send():
                out += said
        return seen, out

    def run(data: bytes) -> None:
        for state in (State.GREETED, State.SELECTED):
            assert feed(data, len(data) or 1, state) == feed(data, 1, state)

    return run


def imap_fetch() -> Run:
    """What FETCH makes of a message that somebody managed to have stored."""
    from angarium.wire.imap.envelope import envelope
    from angarium.wire.imap.parts import whole
    from angarium.wire.imap.structure import structure

    def run(data: bytes) -> None:
        for made in (structure(data, extended=True), structure(data, extended=False), envelope(whole(data))):
            assert made.startswith(b"(")
            assert made.endswith(b")")

    return run


def message() -> Run:
    """The header, the parts and the originator, as a submission is judged by them."""
    from angarium.wire.message import Malformed, parse, rewrite
    from angarium.wire.mime import content_type, decoded, parts
    from angarium.wire.originator import from_address

    def run(data: bytes) -> None:
        with contextlib.suppress(Malformed):
            entity = parse(data)
            assert rewrite(entity) == data
            parse(rewrite(entity, drop={b"received"}, replace={b"subject": b"[...]"}))
            with contextlib.suppress(Malformed):
                assert from_address(entity)
            kind = content_type(entity)
            for part in (entity, *parts(entity, kind, limit=3, around=100)):
                decoded(part)

    return run


def dkim() -> Run:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from angarium.wire.dkim.record import read_record, write_record
    from angarium.wire.dkim.sign import sign
    from angarium.wire.dkim.signature import read_signature, signature_fields
    from angarium.wire.dkim.tags import Unverified
    from angarium.wire.dkim.verify import Verification
    from angarium.wire.message import Malformed, parse

    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    own = read_record(write_record(key.public_key()).encode())

    def run(data: bytes) -> None:
        text, _, message = data.partition(b"\0")
        published = own
        with contextlib.suppress(Unverified):
            published = read_record(text)
        with contextlib.suppress(Malformed):
            entity = parse(message)
            verification = Verification(entity)
            for field in signature_fields(entity):
                with contextlib.suppress(Unverified):
                    verification.check(read_signature(entity, field, now=1 << 31), published)
            if [field.name for field in entity.fields].count(b"from") == 1:
                entity = parse(sign(entity, "relay.example", [("one", key)]) + message)
                Verification(entity).check(read_signature(entity, entity.fields[0]), own)

    return run


def openpgp() -> Run:
    from angarium.wire.openpgp import NotEncrypted, dearmour, require_encrypted

    def run(data: bytes) -> None:
        with contextlib.suppress(NotEncrypted):
            require_encrypted(data)
        with contextlib.suppress(NotEncrypted):
            require_encrypted(dearmour(data))

    return run


def card() -> Run:
    from angarium.wire.card import Agreement, Box, Card, CardError, _summed, read_agreement, read_card

    def run(data: bytes) -> None:
        text = data.decode(errors="replace")
        for line in (text, _summed(text), _summed(f"angarium:card/{text}"), _summed(f"angarium:hold/{text}")):
            with contextlib.suppress(CardError):
                card: Card = read_card(line)
                assert read_card(str(card)) == card
            with contextlib.suppress(CardError):
                agreement: Agreement = read_agreement(line)
                assert read_agreement(str(agreement)) == agreement
                assert isinstance(agreement.box, Box)

    return run


def parcel() -> Run:
    from angarium.wire.parcel import (
        HEAD,
        TAG,
        VERSION,
        ParcelError,
        read_contents,
        read_parcel,
        size_class,
        write_contents,
    )

    def run(data: bytes) -> None:
        filled = data + bytes(size_class(HEAD + len(data) + TAG) - HEAD - len(data) - TAG)
        for plain in (data, filled):
            with contextlib.suppress(ParcelError):
                assert write_contents(read_contents(plain)) == plain
        for raw in (data, VERSION + filled):
            with contextlib.suppress(ParcelError):
                assert b"".join((VERSION, *read_parcel(raw))) == raw

    return run


def socks() -> Run:
    from angarium.wire.socks import Server, State

    def feed(data: bytes, size: int) -> tuple[list[object], bytes, State]:
        server, asked, sent = Server(), list[object](), b""
        for at in range(0, len(data), size):
            question = server.receive(data[at : at + size])
            while question is not None:
                asked.append(question)
                server.reply(yes=bool(len(str(question)) % 3))
                question = server.receive(b"")
            sent += server.to_send()
        return asked, sent, server.state

    def run(data: bytes) -> None:
        assert feed(data, len(data) or 1) == feed(data, 1)

    return run


def export_json() -> Run:
    """A channel's export in JSON: what is taken is the same however it comes."""
    import io

    from angarium.channel.intake.message import Placed
    from angarium.channel.intake.refusal import Refused
    from angarium.channel.intake.scan import Scan
    from angarium.channel.intake.telegram_json import messages

    def read(data: bytes, size: int) -> list[Placed] | str:
        file = io.BytesIO(data)
        try:
            scan = Scan(lambda asked: file.read(min(asked, size)), "result.json", most=10_000)
            return list(messages(scan, "result.json", lambda chat, alone: True))
        except Refused:
            return "refused"

    def run(data: bytes) -> None:
        for octets in (data, b'{"type": "x", "id": 1, "messages": [{"id": 1, "text": ' + data + b"}]}"):
            assert read(octets, len(octets) or 1) == read(octets, 3)

    return run


def shadowsocks() -> Run:
    from angarium.wire.shadowsocks import CIPHERS, Cipher, Damaged, Opener, Sealer

    def feed(cipher: Cipher, data: bytes, size: int) -> bytes:
        opener, found = Opener(cipher, bytes(cipher.octets), bytes(cipher.octets)), b""
        with contextlib.suppress(Damaged):
            for at in range(0, len(data), size):
                found += opener.receive(data[at : at + size])
        return found

    def run(data: bytes) -> None:
        for cipher in CIPHERS:
            begun = Sealer(cipher, bytes(cipher.octets), bytes(cipher.octets)).seal(data)[cipher.octets :]
            changed = bytearray(begun)
            for at in data[:4]:
                changed[at % len(changed)] ^= at
            for said in (data, begun, begun + data, bytes(changed)):
                assert feed(cipher, said, len(said) or 1) == feed(cipher, said, 3)
            assert feed(cipher, begun, 100) == data

    return run


def export_html() -> Run:
    """A channel's export in HTML."""
    from angarium.channel.intake.refusal import Refused
    from angarium.channel.intake.telegram_html import Page

    def run(data: bytes) -> None:
        text = data.decode(errors="replace")
        for html in (text, f"<!DOCTYPE html><div class='message' id='message1'>{text}</div>"):
            with contextlib.suppress(Refused):
                page = Page("messages.html")
                list(page.read(html))
                page.finish()

    return run


def feed() -> Run:
    import io

    from angarium.channel.intake.feed import Entry, Feed
    from angarium.channel.intake.refusal import Refused
    from angarium.channel.post import Author

    def read(data: bytes, size: int) -> list[Entry] | str:
        file, signed = io.BytesIO(data), list[Author]()
        try:
            return list(Feed(lambda asked: file.read(min(asked, size)), "feed", signed.append, now=1 << 31).entries())
        except Refused:
            return "refused"

    def run(data: bytes) -> None:
        assert read(data, len(data) or 1) == read(data, 7)

    return run


def markup() -> Run:
    """HTML of strangers becomes a text, with links that may stand in a post alone."""
    from angarium.channel.markup import markup

    def run(data: bytes) -> None:
        markup(data.decode(errors="surrogateescape"), "https://example.org/a/")

    return run


def picture() -> Run:
    """What is stripped once has nothing left to strip."""
    from angarium.channel.filetype import filetype
    from angarium.channel.stripping import STRIPPED, BadPicture, strip

    def run(data: bytes) -> None:
        for type_ in STRIPPED & {filetype(data)}:
            with contextlib.suppress(BadPicture):
                picture = strip(data, type_)
                assert strip(picture.octets, type_) == picture

    return run


def recording() -> Run:
    """What is stripped once has nothing left to strip, and is no longer than it was."""
    import io

    from angarium.channel.filetype import filetype
    from angarium.channel.recording.strip import RECORDED, BadRecording, strip_recording

    def strip(data: bytes, type_: str) -> bytes:
        return b"".join(strip_recording(lambda: io.BytesIO(data), type_))

    def run(data: bytes) -> None:
        for type_ in RECORDED & {filetype(data)}:
            with contextlib.suppress(BadRecording):
                stripped = strip(data, type_)
                assert len(stripped) <= len(data)
                assert strip(stripped, type_) == stripped

    return run


TARGETS: dict[str, Callable[[], Run]] = {
    "address": address,
    "card": card,
    "dkim": dkim,
    "export_html": export_html,
    "export_json": export_json,
    "feed": feed,
    "imap": imap,
    "imap_fetch": imap_fetch,
    "markup": markup,
    "message": message,
    "openpgp": openpgp,
    "parcel": parcel,
    "picture": picture,
    "recording": recording,
    "sasl": sasl,
    "shadowsocks": shadowsocks,
    "smtp": smtp,
    "smtp_client": smtp_client,
    "smtp_data": smtp_data,
    "socks": socks,
    "stream": stream,
}
