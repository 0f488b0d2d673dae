"""What a prober makes of answers, and of one server that is none of those it knows."""

import socket
import threading
from collections.abc import Iterator

import pytest

from angarium.lab.censor.probes import PROBES, Answer, Probe, _filled, _kind, ask
from angarium.lab.censor.suspicion import _known, _unlike


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
    answer = ask("127.0.0.1", Probe("silence", tls=False, port=greeter))
    assert answer == Answer("mail, ended", 17)
    assert _kind(b"* OK ready\r\n") == "mail"
    assert _kind(b"\x15\x03\x01\0\2\2\x0a") == "alert 10"


def test_what_is_not_tls_and_who_does_not_listen_are_answers_too(greeter: int) -> None:
    assert "SSL" in (kind := ask("127.0.0.1", Probe("hands", port=greeter)).kind) or "TLS" in kind
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert ask("127.0.0.1", Probe("nobody", tls=False, port=port)) == Answer("refused", 0)


def test_probes_have_names_of_their_own_and_other_words_each_time() -> None:
    assert len({probe.name for probe in PROBES}) == len(PROBES)
    assert _filled(b"{word} {word}", 0) != _filled(b"{word} {word}", 0)
    assert len(_filled(b"{noise}", 0)) > 200
    assert _filled(b"{noise}", 1) == _filled(b"{noise}", 5) != _filled(b"{noise}", 2)
    assert all(b"{" not in _filled(probe.says.replace(b"{noise}", b""), 0) for probe in PROBES)


def test_who_answers_one_probe_as_no_site_does_is_told() -> None:
    site = [Answer("page", 0) for _ in PROBES]
    strange = [*site[:-1], Answer("mail", 9)]
    assert _unlike(PROBES, site, _known([site])) == set()
    assert _unlike(PROBES, strange, _known([site])) == {PROBES[-1].name}
    assert _unlike(PROBES, strange, _known([site, strange])) == set()
