"""What a censor's prober says to a host that somebody is suspected to use ("How China Detects and Blocks Shadowsocks",
IMC 2020, and Trojan's and Xray's own lists of what gives away), in what manner, and to which port. Bytes, no meaning.
"""

import secrets
import ssl
import string
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MAIL", "PROBES", "Probe", "filled"]

NOISES = [secrets.token_bytes(221) for _ in range(4)]
"""The same for all hosts that are compared: what noise is answered with depends on the noise."""
MAIL = frozenset({993, 465, 143, 587, 25})
"""Ports of mail, of which no web site has one."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to say. The letters of a {word} are others each time, {noise} is one of NOISES."""

    name: str
    says: bytes = b""
    tls: bool = True
    protocols: Sequence[str] = ()
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    port: int = 443
    pause: int = 0
    """Octets after which there is a pause."""
    finishes: bool = False
    """Whether the sending side is shut down afterwards."""


def _http(line: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join([line, *headers, "", body]).encode()


HOST = "Host: site.example"
PAGE = _http("GET / HTTP/1.1", HOST)
PROBES: Sequence[Probe] = (
    Probe("silence", tls=False),
    Probe("noise", b"{noise}", tls=False),
    Probe("a line break", b"\r\n\r\n", tls=False),
    Probe("HTTP in clear", _http("GET / HTTP/1.1", HOST), tls=False),
    Probe("IMAP in clear", b"a LOGIN {word} {word}\r\n", tls=False),
    Probe("SMTP in clear", b"EHLO {word}\r\n", tls=False),
    Probe("half a hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", tls=False),
    Probe("a bad hello", b"\x16\x03\x01\x00\x08{noise}", tls=False),
    Probe("silence in TLS"),
    Probe("TLS 1.2", newest=ssl.TLSVersion.TLSv1_2),
    Probe("noise in TLS", b"{noise}"),
    Probe("the page", PAGE),
    Probe("its head", _http("HEAD / HTTP/1.1", HOST)),
    Probe("the page, once", _http("GET / HTTP/1.1", HOST, "Connection: close")),
    Probe("HTTP/1.0", _http("GET / HTTP/1.0")),
    Probe("no host", _http("GET / HTTP/1.1")),
    Probe("a page that is not there", _http("GET /{word} HTTP/1.1", HOST)),
    Probe("a form", _http("POST / HTTP/1.1", HOST, "Content-Length: 3", body="a=b")),
    Probe("a method nobody knows", _http("{word} / HTTP/1.1", HOST)),
    Probe("OPTIONS", _http("OPTIONS / HTTP/1.1", HOST)),
    Probe("CONNECT", _http("CONNECT {word}.example:993 HTTP/1.1", "Host: {word}.example:993")),
    Probe("a bad request", b"GET / {word} HTTP/1.1\r\nHost {word}\r\n\r\n"),
    Probe("a long header", _http("GET / HTTP/1.1", HOST, "X-A: " + "a" * 40_000)),
    Probe("IMAP in TLS", b"a LOGIN {word} {word}\r\n"),
    Probe("SMTP in TLS", b"EHLO {word}\r\n"),
    Probe("ALPN http/1.1", _http("GET / HTTP/1.1", HOST), protocols=("http/1.1",)),
    Probe("ALPN h2 and http/1.1", _http("GET / HTTP/1.1", HOST), protocols=("h2", "http/1.1")),
    Probe("ALPN imap", protocols=("imap",)),
    Probe("ALPN smtp", protocols=("smtp",)),
    Probe("ALPN nobody knows", protocols=("zz",)),
    Probe("what relays are sent", _http("POST /mxdeliv HTTP/1.1", HOST, "Content-Length: 0")),
    Probe("what apps ask for an account", _http("POST /new HTTP/1.1", HOST, "Content-Length: 0")),
    Probe("what apps ask for settings", _http("GET /.well-known/autoconfig/mail/config-v1.1.xml HTTP/1.1", HOST)),
    Probe("port 993", port=993),
    Probe("port 465", port=465),
    Probe("port 143", tls=False, port=143),
    Probe("port 587", tls=False, port=587),
    Probe("port 25", tls=False, port=25),
    Probe("noise, and no more", b"{noise}", tls=False, finishes=True),
    Probe("nothing, and no more", tls=False, finishes=True),
    Probe("nothing in TLS, and no more", finishes=True),
    Probe("the page, and no more", PAGE, finishes=True),
    Probe("half the page, and no more", PAGE[:9], finishes=True),
    Probe("the page in two pieces", PAGE, pause=20),
    Probe("the page twice", PAGE + PAGE),
    Probe("the page, compressed", _http("GET / HTTP/1.1", HOST, "Accept-Encoding: gzip")),
    Probe("a page, compressed", _http("GET /long.html HTTP/1.1", HOST, "Accept-Encoding: gzip")),
    Probe("a picture", _http("GET /photo.jpg HTTP/1.1", HOST)),
    Probe("a part of it", _http("GET /photo.jpg HTTP/1.1", HOST, "Range: bytes=100-199")),
    Probe("a page that is as it was", _http("GET / HTTP/1.1", HOST, "If-None-Match: *")),
    Probe("a folder", _http("GET /dir HTTP/1.1", HOST)),
    Probe("the other port", PAGE, tls=False, port=80),
    Probe("the other port, HTTP/1.0", _http("GET /{word} HTTP/1.0"), tls=False, port=80),
    Probe("noise at the other port", b"{noise}", tls=False, port=80),
    Probe("TLS at the other port", port=80),
)


def filled(says: bytes, turn: int) -> bytes:
    """What is said the so many-th time."""
    while b"{word}" in says:
        word = "".join(secrets.choice(string.ascii_lowercase) for _ in range(8))
        says = says.replace(b"{word}", word.encode(), 1)
    return says.replace(b"{noise}", NOISES[turn % len(NOISES)])
