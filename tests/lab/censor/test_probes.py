"""What a prober makes of answers, and of one server that is none of those it knows."""

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from angarium.lab.censor import suspicion
from angarium.lab.censor.probes import PROBES, Probe, filled
from angarium.lab.censor.scenarios import ECHO
from angarium.lab.censor.sighting import Sighting, _group, _kind, _records, look
from angarium.lab.censor.suspicion import _by_each_time, _known, _spread, _unlike, suspected


@pytest.fixture
def greeter() -> Iterator[int]:
    """A port where everybody is greeted as by a server of SMTP."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                while True:
                    sock, _ = server.accept()
                    sock.sendall(b"220 relay ESMTP\r\n")
                    sock.close()
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_a_page_is_known_by_status_and_headers_and_not_by_what_it_says() -> None:
    page = b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: %s\r\nContent-Length: %d\r\n\r\n%s"
    one, other = page % (b"now", 3, b"abc"), page % (b"then", 5, b"abcde")
    assert _kind(one) == _kind(other)
    assert _kind(one) != _kind(one.replace(b"Date", b"date"))
    assert _kind(one) != _kind(one.replace(b"200 OK", b"404 Not Found"))


def test_mail_is_known_by_its_first_octets(greeter: int) -> None:
    seen = look("127.0.0.1", Probe("silence", tls=False, port=greeter))
    assert (seen.kind, seen.mail, seen.said["end"]) == ("mail, ended", 17, "ended, then a reset")
    assert {"connect", "first", "last", "end"} <= set(seen.took)
    assert _kind(b"* OK ready\r\n") == "mail"
    assert _kind(b"\x15\x03\x01\0\2\2\x0a") == "alert 10"


def test_what_is_not_tls_and_who_does_not_listen_are_answers_too(greeter: int) -> None:
    assert "nothing, TLS" in look("127.0.0.1", Probe("hands", port=greeter)).kind
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert look("127.0.0.1", Probe("nobody", tls=False, port=port)) == Sighting("nobody", "refused")


def test_records_and_groups_are_read_from_what_is_on_the_wire() -> None:
    hello = bytes(32) + b"\0\x13\2\0" + b"\0\x2c" + b"\0\x33\0\x24\0\x1d\0\x20" + bytes(32)
    hello += b"\0\x2b\0\2\3\4"
    raw = b"\x16\3\3" + (len(hello) + 6).to_bytes(2) + b"\2" + (len(hello) + 2).to_bytes(3) + b"\3\3" + hello
    assert _group(raw) == 29
    assert _group(b"\x15\3\3\0\2\2\x28") is None
    assert _records(raw + b"\x17\3\3\0\3abc") == [(22, len(raw) - 5), (23, 3)]


def test_probes_have_names_of_their_own_and_other_words_each_time() -> None:
    assert len({probe.name for probe in PROBES}) == len(PROBES)
    assert filled(b"{word} {word}", 0) != filled(b"{word} {word}", 0)
    assert len(filled(b"{noise}", 0)) > 200
    assert filled(b"{noise}", 1) == filled(b"{noise}", 5) != filled(b"{noise}", 2)
    assert all(b"{" not in filled(probe.says.replace(b"{noise}", b""), 0) for probe in PROBES)


def test_who_answers_one_probe_as_no_site_does_is_told() -> None:
    site = [Sighting(probe.name, "page") for probe in PROBES]
    strange = [*site[:-1], Sighting(PROBES[-1].name, "mail", 9)]
    assert _unlike(site, _known([site])) == set()
    assert _unlike(strange, _known([site])) == {PROBES[-1].name}
    assert _unlike(strange, _known([site, strange])) == set()


@pytest.mark.parametrize(("greeting", "told"), [("page", ""), ("mail", "told by port 993; 9 octets of mail")])
async def test_of_a_relay_without_the_decoys_site_kinds_decide_and_no_twin_is_made(
    greeting: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.asynccontextmanager
    async def nginx(*_: Any) -> AsyncIterator[None]:
        yield

    def answers(hosts: Sequence[str]) -> list[list[Sighting]]:
        return [[Sighting(probe.name, "echo" if host == ECHO else "page") for probe in PROBES] for host in hosts]

    def compared(hosts: Sequence[str], **_: Any) -> list[list[Sighting]]:
        mail = 9 if greeting == "mail" else 0
        return [[*answers(hosts)[0][1:], Sighting("port 993", greeting, mail)]]

    for name, stands in (("nginx", nginx), ("_answers", answers), ("_compared", compared)):
        monkeypatch.setattr(suspicion, name, stands)
    added: list[str] = []
    place = SimpleNamespace(
        ground=SimpleNamespace(add=lambda name, *_: added.append(name)),
        attempt=SimpleNamespace(way="domain"),
        job=SimpleNamespace(seed=1),
    )
    run = await suspected(place, 100)  # type: ignore[arg-type]
    assert (run.valid, run.ok, added) == (True, not told, ["nginx"])
    assert run.why.startswith(told)


def test_each_time_is_judged_alone_and_by_those_only_that_have_it() -> None:
    def answers(first: float) -> list[Sighting]:
        seen = [
            Sighting("page", took={"connect": 0.001 * (n % 9), "first": first + 0.001 * (n % 7)}) for n in range(90)
        ]
        return [*seen, *(Sighting("silence", took={"connect": 0.001 * (n % 9)}) for n in range(90))]

    told = _by_each_time(answers(0.1), answers(0.2))
    assert told["by first alone, %"] == 100
    assert told["by connect alone, %"] < 60
    assert _spread(answers(0.1)) == pytest.approx(4, abs=1)
