"""Over SMTP to another relay of ours, and to servers that say what they like."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from angarium.mail.federation import smtp as smtp_module
from angarium.mail.federation.consignment import Fault, Unreachable
from angarium.mail.federation.smtp import SmtpRoad
from angarium.mail.federation.via import Via
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.resolver import NoSuchName, NullMx, Unanswered
from angarium.reach.transport import Connection

THERE = "there.example"
HELLO = b"250-there.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"


def road(there: Any) -> SmtpRoad:
    return SmtpRoad(there.names.exchanges, there.names.addresses, there.trust(), "relay.example")


async def carry(there: Any, port: int, consignment: Any, destination: str = THERE) -> Any:
    return await road(there).carry(destination, Via("127.0.0.1", port), consignment)


async def test_the_exchangers_of_dns(there: Any, serving: Any, consign: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is not there, the second shows a certificate for its own name."""
    there.names.mx[THERE] = ("gone.example", "nowhere.example", f"mx.{THERE}")
    there.names.hosts["gone.example"] = ("127.0.0.9",)
    there.show(f"mx.{THERE}")
    async with serving(there, there.mx) as port:
        monkeypatch.setattr(smtp_module, "PORT", port)
        assert await road(there).carry(THERE, None, consign("bob12345", "carol123")) == [ACCEPTED] * 2
    assert await there.inbox("bob12345") == await there.inbox("carol123") == [consign().message]


async def test_a_domain_that_names_no_exchanger_is_one(
    there: Any, serving: Any, consign: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.names.mx[THERE] = (THERE,)
    async with serving(there, there.mx) as port:
        monkeypatch.setattr(smtp_module, "PORT", port)
        assert await road(there).carry(THERE, None, consign("bob12345")) == [ACCEPTED]


@pytest.mark.parametrize("said", [NoSuchName(), NullMx()])
async def test_what_dns_says_for_good(there: Any, consign: Any, said: Exception) -> None:
    there.names.mx[THERE] = said
    with pytest.raises(type(said)):
        await road(there).carry(THERE, None, consign("bob12345"))


async def test_a_dns_that_does_not_answer(there: Any, consign: Any) -> None:
    there.names.mx[THERE] = Unanswered()
    with pytest.raises(Unreachable, match=r"^DNS does not answer$") as error:
        await road(there).carry(THERE, None, consign("bob12345"))
    assert error.value.fault is Fault.DNS


async def test_each_recipient_is_told_apart(there: Any, serving: Any, consign: Any) -> None:
    async with serving(there, there.mx) as port:
        found = await carry(there, port, consign("nobody12", "bob12345", "x@other.example"))
    assert [(each.code, each.enhanced) for each in found] == [(550, "5.1.1"), (250, "2.0.0"), (550, "5.7.1")]
    assert len(await there.inbox("bob12345")) == 1


async def test_many_recipients_go_in_several_transactions(there: Any, serving: Any, consign: Any) -> None:
    everybody = [f"n{number:07}" for number in range(249)] + ["bob12345"]
    async with serving(there, there.mx) as port:
        found = await carry(there, port, consign(*everybody))
    assert [each.code for each in found] == [550] * 249 + [250]
    assert there.connections == 1


async def test_a_report_and_a_forgery(there: Any, serving: Any, consign: Any) -> None:
    async with serving(there, there.mx) as port:
        (report,) = await carry(there, port, consign("bob12345", sender=""))
        (forged,) = await carry(there, port, consign("bob12345", sender="alice@bank.example"))
    assert (report.code, forged.code) == (550, 554)


@pytest.mark.parametrize("destination", ["127.0.0.1", "_there.localhost"])
async def test_a_relay_without_an_authority(there: Any, serving: Any, consign: Any, destination: str) -> None:
    there.show("whatever.example")
    to = f"bob12345@{destination}"
    async with serving(there, there.mx) as port:
        for _ in range(2):
            assert await carry(there, port, consign(to), destination) == [ACCEPTED]
        there.show("whatever.example")
        with pytest.raises(Unreachable, match=f"angarium peer accept {destination}"):
            await carry(there, port, consign(to), destination)


async def test_a_certificate_for_another_name(there: Any, serving: Any, consign: Any) -> None:
    there.show(f"mx.{THERE}")
    async with serving(there, there.mx) as port:
        with pytest.raises(Unreachable, match="TLS: Hostname mismatch"):
            await carry(there, port, consign("bob12345"))
    assert there.asked == []


def says(there: Any, *lines: bytes, heard: list[bytes] | None = None) -> Callable[[Connection], Awaitable[None]]:
    """A server that answers so, one command after the other, and DATA's message as one; b"tls" begins TLS."""

    async def session(connection: Connection) -> None:
        data = b""
        for number, line in enumerate(lines):
            if number:
                end = b"\r\n.\r\n" if lines[number - 1].startswith(b"354") else b"\r\n"
                while end not in data:
                    more = await connection.read(timeout=10)
                    if not more:
                        return
                    data += more
                said, _, data = data.partition(end)
                if heard is not None:
                    heard.append(said)
            if line == b"tls":
                await connection.write(b"220 go\r\n")
                await connection.start_tls(there.tls, timeout=10)
            else:
                await connection.write(line)
        await connection.close()

    return session


def after_tls(*lines: bytes) -> tuple[bytes, ...]:
    return (b"220 hello\r\n", b"250-there.example\r\n250 STARTTLS\r\n", b"tls", HELLO, *lines)


OK, GO = b"250 ok\r\n", b"354 go\r\n"


async def test_what_is_said(there: Any, serving: Any, consign: Any) -> None:
    heard: list[bytes] = []
    async with serving(there, says(there, *after_tls(OK, OK, GO, OK, b"221 bye\r\n"), heard=heard)) as port:
        assert await carry(there, port, consign("bob12345")) == [ACCEPTED]
    assert heard[:3] == [b"EHLO relay.example", b"STARTTLS", b"EHLO relay.example"]
    assert heard[3] == b"MAIL FROM:<alice1234@relay.example> BODY=8BITMIME"
    assert heard[4:6] == [b"RCPT TO:<bob12345@there.example>", b"DATA"]
    assert heard[6] + b"\r\n" == consign().message
    assert heard[7] == b"QUIT"


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        ((b"450 4.7.1 too fast\r\n", OK, b"503 x\r\n"), Verdict.defer(450, "4.7.1", "too fast")),
        ((b"550 5.7.1 not you a@b\r\n", OK, b"503 x\r\n"), Verdict.reject(550, "5.7.1", "not you …")),
        ((OK, b"550 no\r\n", b"503 x\r\n"), Verdict.reject(550, "5.0.0", "no")),
        ((OK, b"452 4.5.3 too many\r\n", b"503 x\r\n"), Verdict.defer(452, "4.5.3", "too many")),
        ((OK, OK, b"451 4.3.0 wait\r\n"), Verdict.defer(451, "4.3.0", "wait")),
        ((OK, OK, GO, b"554 5.7.1 bad\r\n"), Verdict.reject(554, "5.7.1", "bad")),
        ((OK, OK, GO, b"421 4.3.2 bye\r\n"), Verdict.defer(421, "4.3.2", "bye")),
    ],
)
async def test_what_the_exchanger_decides(
    there: Any, serving: Any, consign: Any, lines: tuple[bytes, ...], verdict: Verdict
) -> None:
    async with serving(there, says(there, *after_tls(*lines))) as port:
        assert await carry(there, port, consign("bob12345")) == [verdict]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((b"554 no mail here\r\n",), "greeted with 554"),
        ((b"421 busy\r\n",), "greeted with 421"),
        ((b"HTTP/1.1 400\r\n",), "connection broken"),
        ((b"",), "connection broken"),
        ((b"220 hello\r\n", b"502 what\r\n"), "HELLO answered 502"),
        ((b"220 hello\r\n", b"250-there.example\r\n250 AUTH PLAIN\r\n"), "no STARTTLS"),
        ((b"220 hello\r\n", b"250-x\r\n250 STARTTLS\r\n", b"454 not now\r\n"), "STARTTLS answered 454"),
        ((b"220 hello\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n250 injected\r\n"), "connection broken"),
        (after_tls(OK, OK, GO), "connection broken"),
    ],
)
async def test_where_there_is_nobody_to_talk_to(
    there: Any, serving: Any, consign: Any, lines: tuple[bytes, ...], why: str
) -> None:
    heard: list[bytes] = []
    async with serving(there, says(there, *lines, heard=heard)) as port:
        with pytest.raises(Unreachable, match=f"^{why}$") as error:
            await carry(there, port, consign("bob12345"))
    assert error.value.fault is Fault.OTHER
    if b"tls" not in lines:
        assert not any(b"@" in line for line in heard)


async def test_addresses_in_another_script_need_smtputf8(there: Any, serving: Any, consign: Any) -> None:
    narrow = (b"220 hello\r\n", b"250-x\r\n250 STARTTLS\r\n", b"tls", b"250 there.example\r\n")
    heard: list[bytes] = []
    lines = (*narrow, OK, OK, GO, OK, b"221 bye\r\n")
    async with serving(there, says(there, *lines, heard=heard)) as port:
        found = await carry(there, port, consign("иван@there.example", "bob12345"))
        assert [each.code for each in found] == [553, 250]
        assert sum(line.startswith(b"RCPT") for line in heard) == 1
        (only,) = await carry(there, port, consign("иван@there.example"))
        (sender,) = await carry(there, port, consign("bob12345", sender="иван@relay.example"))
    assert (only.enhanced, sender.enhanced) == ("5.6.7", "5.6.7")


async def test_nothing_in_clear_to_who_begins_no_tls(there: Any, serving: Any, consign: Any) -> None:
    heard = b""

    async def session(connection: Connection) -> None:
        nonlocal heard
        await connection.write(b"220 hello\r\n")
        heard += await connection.read(timeout=10)
        await connection.write(b"250-x\r\n250 STARTTLS\r\n")
        heard += await connection.read(timeout=10)
        await connection.write(b"220 go\r\n")
        await connection.write(b"not TLS at all\r\n")
        with contextlib.suppress(ConnectionError):
            heard += await connection.read(timeout=10)

    async with serving(there, session) as port:
        with pytest.raises(Unreachable):
            await carry(there, port, consign("bob12345"))
    assert b"MAIL" not in heard
    assert b"alice" not in heard
