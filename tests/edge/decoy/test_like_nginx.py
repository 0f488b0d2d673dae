"""To whoever probes, the decoy is Debian's nginx: byte for byte, but for the date, and to the end of the connection."""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from angarium.lab.censor.probes import MAIL, PROBES
from angarium.lab.censor.sighting import Sighting, look
from tests.edge.decoy.conftest import Ports
from tests.edge.decoy.probes import probes

QUIET = 0.45
"""Seconds after which nothing more will come. nginx holds back short answers for a fifth of one."""
AT_ONCE = 64
PATIENT, PROBERS = 0.8, 20
"""The same for few who look more closely."""


def trusting(*alpn: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


async def say(port: int, said: bytes, context: ssl.SSLContext | None) -> tuple[bytes, str]:
    """What is heard, and whether the connection is still open then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    heard, end = b"", "open"
    try:
        writer.write(said)
        while end == "open":
            try:
                data = await asyncio.wait_for(reader.read(1 << 16), QUIET)
            except TimeoutError:
                break
            heard += data
            end = "open" if data else "ended"
    except (ConnectionError, ssl.SSLError):
        end = "ended"
    finally:
        writer.transport.abort()
    return heard, end


def plain(heard: bytes, port: int) -> bytes:
    heard = re.sub(rb"Date: [^\r]*", b"Date: today", heard)
    heard = re.sub(rb"(boundary=|--)0{10,}[0-9]+", rb"\1N", heard)
    return heard.replace(b":%d" % port, b":PORT")


async def hear(port: int, said: Sequence[bytes], context: ssl.SSLContext | None) -> list[tuple[bytes, str]]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(what: bytes) -> tuple[bytes, str]:
        async with turn:
            heard, end = await say(port, what, context)
            return plain(heard, port), end

    return await asyncio.gather(*map(one, said))


async def compare(theirs: int, ours: int, said: Sequence[bytes], context: ssl.SSLContext | None) -> list[str]:
    asked = list(dict.fromkeys(said))
    wanted, found = await asyncio.gather(hear(theirs, asked, context), hear(ours, asked, context))
    return [
        f"\n{what[:100]!r}\n  nginx {want[1]} {want[0][:700]!r}\n  ours  {got[1]} {got[0][:700]!r}"
        for what, want, got in zip(asked, wanted, found, strict=True)
        if want != got
    ]


async def test_every_probe_hears_the_same(nginx: Ports, ours: Ports) -> None:
    said = probes()
    assert len(set(said)) >= 500
    different = await compare(nginx.https, ours.https, said, trusting())
    assert not different, f"{len(different)} differ:{''.join(different[:40])}"


async def test_who_has_no_site_shows_what_nginx_shows_of_an_empty_folder(nginx: Ports, ours: Ports) -> None:
    different = await compare(nginx.empty, ours.empty, probes(), trusting())
    assert not different, f"{len(different)} differ:{''.join(different[:40])}"


async def test_the_port_without_tls_leads_to_the_other(nginx: Ports, ours: Ports) -> None:
    different = await compare(nginx.http, ours.http, probes(), None)
    assert not different, f"{len(different)} differ:{''.join(different[:40])}"


async def test_who_speaks_no_tls_where_tls_begins(nginx: Ports, ours: Ports) -> None:
    different = await compare(nginx.https, ours.https, probes(), None)
    assert not different, f"{len(different)} differ:{''.join(different[:40])}"


async def test_tls_and_the_end_are_the_same_to_the_censors_own_prober(nginx: Ports, ours: Ports) -> None:
    """Records, tickets, who says goodbye how, and what becomes of who speaks after the end."""
    probes = [probe for probe in PROBES if probe.port not in MAIL]

    async def ask(prober: ThreadPoolExecutor, ports: Ports) -> list[Sighting]:
        at = {443: ports.https, 80: ports.http}
        run = asyncio.get_running_loop().run_in_executor
        asked = [
            partial(look, "127.0.0.1", one, n, port=at[one.port], patience=PATIENT) for n, one in enumerate(probes)
        ]
        return await asyncio.gather(*(run(prober, each) for each in asked))

    with ThreadPoolExecutor(PROBERS) as prober:
        pairs = [*zip(await ask(prober, nginx), await ask(prober, ours), strict=True)]
    told = ("kind", "end", "records", "ticket", "cipher", "group", "goodbye")
    different = [
        f"{want.probe}, {name}: {want.said.get(name)}, ours {got.said.get(name)}"
        for want, got in pairs
        for name in told
        if want.said.get(name) != got.said.get(name)
    ]
    assert not different


def greet(port: int, *alpn: str, latest: ssl.TLSVersion | None = None, ciphers: str = "") -> tuple[object, ...]:
    """What a handshake comes to: version, cipher and protocol, or how it was refused."""
    context = trusting(*alpn)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if latest is not None:
        context.maximum_version = latest
        context.set_ciphers("DEFAULT@SECLEVEL=0")  # or some builds of Python refuse to say the hello of an old version
    try:
        if ciphers:
            context.set_ciphers(ciphers)
        with socket.create_connection(("127.0.0.1", port), 10) as raw, context.wrap_socket(raw) as tls:
            return tls.version(), tls.cipher(), tls.selected_alpn_protocol(), tls.compression()
    except ssl.SSLError as error:
        return (error.reason,)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize(
    "alpn",
    [(), ("imap",), ("smtp",), ("h2",), ("http/1.1",), ("h2", "http/1.1"), ("http/1.0",), ("http/0.9",), ("x", "imap")],
)
async def test_protocols_of_mail_are_refused_as_nginx_refuses_them(
    nginx: Ports, ours: Ports, alpn: Sequence[str]
) -> None:
    for latest in (None, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_1):
        wanted = await asyncio.to_thread(greet, nginx.https, *alpn, latest=latest)
        assert await asyncio.to_thread(greet, ours.https, *alpn, latest=latest) == wanted


async def test_ciphers_are_chosen_as_nginx_chooses_them(nginx: Ports, ours: Ports) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    names = [each["name"] for each in context.get_ciphers() if not str(each["name"]).startswith("TLS_")]
    for ciphers in (*names, "ALL", "AES128-SHA:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"):
        asked = {"latest": ssl.TLSVersion.TLSv1_2, "ciphers": f"{ciphers}:@SECLEVEL=0"}
        wanted = await asyncio.to_thread(greet, nginx.https, **asked)  # type: ignore[arg-type]
        assert await asyncio.to_thread(greet, ours.https, **asked) == wanted, ciphers  # type: ignore[arg-type]


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x00\x05hello", b"\x80\x00\x00\r\n\r\n", b"\x16", b"\x16\x03\x01\x02"])
async def test_what_looks_like_tls_and_is_none(nginx: Ports, ours: Ports, said: bytes) -> None:
    assert await say(ours.https, said, None) == await say(nginx.https, said, None)


@pytest.mark.parametrize("said", [b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
async def test_who_ends_in_the_middle_of_a_hello_is_not_waited_for(nginx: Ports, ours: Ports, said: bytes) -> None:
    for port in (nginx.https, ours.https):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_hello_in_pieces_is_waited_for(ours: Ports) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting("imap").wrap_bio(incoming, outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    reader, writer = await asyncio.open_connection("127.0.0.1", ours.https)
    for at in range(0, len(hello), 100):
        writer.write(hello[at : at + 100])
        await asyncio.sleep(0.02)
    assert await asyncio.wait_for(reader.read(), 10) == bytes((21, 3, 3, 0, 2, 2, 120))
    writer.close()


async def test_a_hello_that_ends_in_its_middle_is_ended_at_once(nginx: Ports, ours: Ports) -> None:
    async def heard(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        await asyncio.sleep(0.05)  # so that it is being waited for
        writer.write_eof()
        try:
            return await asyncio.wait_for(reader.read(), 2)
        finally:
            writer.close()

    assert await heard(ours.https) == await heard(nginx.https)
