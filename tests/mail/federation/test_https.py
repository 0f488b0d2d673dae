"""Over HTTPS to another relay of ours, and to others that answer as they like."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from angarium.mail.federation.consignment import Fault, Unreachable
from angarium.mail.federation.https import HttpsRoad
from angarium.mail.federation.via import Via, parse_via
from angarium.mail.verdict import ACCEPTED, Outcome, Verdict
from angarium.reach.resolver import NoSuchName, Unanswered
from angarium.reach.transport import Connection

THERE = "there.example"


def road(there: Any) -> HttpsRoad:
    return HttpsRoad(there.names.addresses, there.trust())


async def carry(there: Any, port: int, consignment: Any, destination: str = THERE, host: str = "127.0.0.1") -> Any:
    one = road(there)
    try:
        return await one.carry(destination, Via(host, port), consignment)
    finally:
        one.close()


async def test_a_message_arrives(there: Any, serving: Any, consign: Any) -> None:
    one = road(there)
    async with serving(there, there.https) as port:
        for host in ("127.0.0.1", THERE, f"mx.{THERE}"):
            assert await one.carry(THERE, Via(host, port), consign("bob12345", "carol123")) == [ACCEPTED] * 2
        assert await one.carry(THERE, Via(THERE, port), consign("bob12345")) == [ACCEPTED]
        assert there.connections == 3  # the last one was kept
        one.close()
    assert await there.inbox("bob12345") == await there.inbox("carol123") == [consign().message]
    assert there.asked == ["relay.example"] * 4


async def test_each_recipient_is_told_apart(there: Any, serving: Any, consign: Any) -> None:
    async with serving(there, there.https) as port:
        found = await carry(there, port, consign("nobody12", "bob12345", "x@other.example"))
    assert [(each.outcome, each.enhanced) for each in found] == [
        (Outcome.REJECT, "5.1.1"),
        (Outcome.ACCEPT, "2.0.0"),
        (Outcome.REJECT, "5.7.1"),
    ]
    assert found[0].text == "there is no such address at this relay"
    assert len(await there.inbox("bob12345")) == 1


async def test_a_thousand_recipients_go_in_several_requests(there: Any, serving: Any, consign: Any) -> None:
    everybody = [f"n{number:07}" for number in range(999)] + ["bob12345"]
    async with serving(there, there.https) as port:
        found = await carry(there, port, consign(*everybody))
    assert [each.code for each in found] == [550] * 999 + [250]
    assert there.connections == 1


async def test_a_report_has_no_sender(there: Any, serving: Any, consign: Any) -> None:
    async with serving(there, there.https) as port:
        (verdict,) = await carry(there, port, consign("bob12345", sender=""))
    assert (verdict.code, verdict.text) == (550, "only reports of failed deliveries come without a sender")


@pytest.mark.parametrize("destination", ["127.0.0.1", "_there.localhost"])
async def test_a_relay_without_an_authority(there: Any, serving: Any, consign: Any, destination: str) -> None:
    there.show("whatever.example")
    to = f"bob12345@{destination}"
    async with serving(there, there.https) as port:
        for _ in range(2):
            assert await carry(there, port, consign(to), destination) == [ACCEPTED]
        there.show("whatever.example")
        with pytest.raises(Unreachable, match=f"angarium peer accept {destination}"):
            await carry(there, port, consign(to), destination)
    assert there.connections == 3


async def test_a_certificate_for_another_name(there: Any, serving: Any, consign: Any) -> None:
    there.show(f"mx.{THERE}")
    async with serving(there, there.https) as port:
        with pytest.raises(Unreachable, match="TLS: Hostname mismatch") as error:
            await carry(there, port, consign("bob12345"), host=f"mx.{THERE}")
    assert error.value.fault is Fault.OTHER
    assert there.asked == []


async def test_nobody_there(there: Any, consign: Any, serving: Any) -> None:
    async with serving(there, there.https) as port:
        pass
    with pytest.raises(Unreachable, match=r"^connection refused$") as error:
        await carry(there, port, consign("bob12345"))
    assert error.value.fault is Fault.OTHER


async def test_no_such_name(there: Any, consign: Any) -> None:
    with pytest.raises(NoSuchName):
        await road(there).carry("nowhere.example", None, consign("a@nowhere.example"))


async def test_a_dns_that_does_not_answer(there: Any, consign: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(name: str) -> list[str]:
        raise Unanswered

    monkeypatch.setattr(there.names, "addresses", silent)
    with pytest.raises(Unreachable) as error:
        await road(there).carry(THERE, None, consign("bob12345"))
    assert error.value.fault is Fault.DNS


def says(there: Any, *answers: bytes, heard: list[bytes] | None = None) -> Callable[[Connection], Awaitable[None]]:
    """Another relay that answers so, one request after the other."""
    left = list(answers)

    async def session(connection: Connection) -> None:
        await connection.start_tls(there.tls, timeout=10)
        data = b""
        while left:
            while b"\r\n\r\n" not in data or len(data) < _length(data):
                more = await connection.read(timeout=10)
                if not more:
                    return
                data += more
            if heard is not None:
                heard.append(data)
            data = b""
            await connection.write(left.pop(0))
        await connection.close()

    return session


def _length(data: bytes) -> int:
    head, _, _ = data.partition(b"\r\n\r\n")
    return len(head) + 4 + int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


def answer(status: int, text: str = "", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text.encode())}", *headers, "", text]
    return "\r\n".join(lines).encode()


async def test_what_is_said(there: Any, serving: Any, consign: Any) -> None:
    heard: list[bytes] = []
    async with serving(there, says(there, answer(200), heard=heard)) as port:
        await carry(there, port, consign("bob12345", "иван@there.example"))
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert body == consign().message
    assert head.decode().split("\r\n") == [
        "POST /mxdeliv HTTP/1.1",
        "Host: there.example",
        "Content-Type: message/rfc822",
        "X-MAIL-VERDICTS: each",
        "X-MAIL-FROM: alice1234@relay.example",
        "X-MAIL-TO: bob12345@there.example",
        "X-MAIL-TO: иван@there.example",
        f"Content-Length: {len(body)}",
    ]


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (answer(200, "OK"), ACCEPTED),
        (answer(400, "523 5.7.1 Encryption Needed"), Verdict.reject(523, "5.7.1", "Encryption Needed")),
        (answer(400, "no such user bob12345@there.example\n"), Verdict.reject(554, "5.0.0", "no such user …")),
        (answer(400), Verdict.reject(554, "5.0.0", "no reason given")),
        (answer(400, "a\tb\x00c" + "x" * 900), Verdict.reject(554, "5.0.0", "a b c" + "x" * 195)),
        (answer(400, "999 5.7.1 strange"), Verdict.reject(554, "5.0.0", "999 5.7.1 strange")),
        (answer(413, "<html>"), Verdict.reject(552, "5.3.4", "the message is too large")),
        (answer(503, "452 4.3.1 no room"), Verdict.defer(452, "4.3.1", "no room")),
        (answer(200, "451 4.7.5 later", "X-Mail-Verdicts: each"), Verdict.defer(451, "4.7.5", "later")),
        (answer(200, "who knows", "X-Mail-Verdicts: each"), Verdict.defer(451, "4.4.2", "the connection broke")),
    ],
)
async def test_what_other_relays_say(there: Any, serving: Any, consign: Any, said: bytes, verdict: Verdict) -> None:
    async with serving(there, says(there, said)) as port:
        assert await carry(there, port, consign("bob12345")) == [verdict]


@pytest.mark.parametrize(
    "said",
    [
        answer(404, "not here"),
        answer(405),
        answer(301, "", "Location: https://evil.example/"),
        answer(403, "Forbidden"),
        answer(500),
        answer(503, "Too much at once."),
        answer(200, "", "X-Mail-Verdicts: each"),
        answer(204),
        b"220 mail.example ESMTP\r\n",
        b"",
    ],
)
async def test_what_is_no_relay(there: Any, serving: Any, consign: Any, said: bytes) -> None:
    async with serving(there, says(there, said)) as port:
        with pytest.raises(Unreachable) as error:
            await carry(there, port, consign("bob12345"))
    assert error.value.fault is Fault.OTHER
    assert "@" not in str(error.value)


async def test_a_list_that_is_refused_as_a_whole_is_tried_one_by_one(there: Any, serving: Any, consign: Any) -> None:
    heard: list[bytes] = []
    answers = [answer(400, "one of them"), answer(200), answer(400, "no such user"), answer(500)]
    async with serving(there, says(there, *answers, heard=heard)) as port:
        found = await carry(there, port, consign("bob12345", "nobody12", "carol123"))
    assert [(each.code, each.text) for each in found] == [
        (250, "OK"),
        (554, "no such user"),
        (451, "the connection broke"),
    ]
    assert [data.count(b"X-MAIL-TO") for data in heard] == [3, 1, 1, 1]


async def test_a_connection_that_breaks_between_two_portions(there: Any, serving: Any, consign: Any) -> None:
    everybody = [f"n{number:07}" for number in range(600)]
    async with serving(there, says(there, answer(200))) as port:
        found = await carry(there, port, consign(*everybody))
    codes = [each.code for each in found]
    assert len(codes) == 600
    assert codes == sorted(codes)
    assert set(codes) == {250, 451}


async def test_a_relay_that_begins_no_tls(there: Any, serving: Any, consign: Any) -> None:
    async def clear(connection: Connection) -> None:
        await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            heard = await connection.read(timeout=10)
            assert b"X-MAIL" not in heard

    async with serving(there, clear) as port:
        with pytest.raises(Unreachable, match="TLS: "):
            await carry(there, port, consign("bob12345"))


async def test_replayed_over_the_same_road_it_is_there_once(there: Any, serving: Any, consign: Any) -> None:
    async with serving(there, there.https) as port:
        both = await asyncio.gather(*(carry(there, port, consign("bob12345")) for _ in range(2)))
    assert both == [[ACCEPTED], [ACCEPTED]]
    assert len(await there.inbox("bob12345")) == 1


def test_via() -> None:
    found = [parse_via(text) for text in ("", "a.example", "a.example:8443", "[2001:DB8::1]", "[::1]:25")]
    assert found == [
        None,
        Via("a.example", None),
        Via("a.example", 8443),
        Via("2001:db8::1", None),
        Via("::1", 25),
    ]
