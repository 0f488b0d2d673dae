"""A censor's prober: it connects to a host that somebody is suspected to use, says this and that, and looks at what
comes back ("How China Detects and Blocks Shadowsocks", IMC 2020, and Trojan's and Xray's own lists of what gives away).

What comes back is reduced to what kinds of servers differ in and sites of one kind do not: status, names and order of
headers, alerts, protocol chosen, whether the connection is kept; not what the page says. Blocking, for a thread.
"""

import re
import secrets
import socket
import ssl
import string
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["PROBES", "Answer", "Probe", "ask"]

PATIENCE = 1.5
"""Seconds of silence after which an answer is taken for whole."""
MAIL = re.compile(rb"(?:\* (?:OK|BYE|PREAUTH)|[245]\d\d[ -])")
"""How servers of IMAP and SMTP begin."""
MOST = 1 << 16
NOISES = [secrets.token_bytes(221) for _ in range(4)]
"""The same for all hosts that are compared: what noise is answered with depends on the noise."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to say. The letters of a {word} are others each time, {noise} is one of NOISES."""

    name: str
    says: bytes = b""
    tls: bool = True
    protocols: Sequence[str] = ()
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    port: int = 443


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    kind: str
    """All that kinds of servers differ in."""
    mail: int
    """Octets of a mail protocol."""


def _http(line: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join([line, *headers, "", body]).encode()


HOST = "Host: {word}.example"
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
    Probe("the page", _http("GET / HTTP/1.1", HOST)),
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
)


def ask(host: str, probe: Probe, turn: int = 0) -> Answer:
    """Put a probe to a host, for the so many-th time."""
    try:
        sock = socket.create_connection((host, probe.port), PATIENCE)
    except TimeoutError:
        return Answer("no answer", 0)
    except OSError:
        return Answer("refused", 0)
    with sock:
        try:
            if probe.tls:
                sock = _shaken(sock, probe)
            if says := _filled(probe.says, turn):
                sock.sendall(says)
            return _answer(sock)
        except ssl.SSLError as error:
            return Answer(f"TLS: {error.reason}", 0)
        except OSError as error:
            return Answer(type(error).__name__, 0)
        finally:
            sock.close()


def _shaken(sock: socket.socket, probe: Probe) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = probe.newest
    if probe.protocols:
        context.set_alpn_protocols(list(probe.protocols))
    return context.wrap_socket(sock)


def _answer(sock: socket.socket) -> Answer:
    said, ending = b"", "ended"
    try:
        while len(said) < MOST and (data := sock.recv(MOST)):
            said += data
    except TimeoutError:
        ending = "kept"
    except OSError as error:
        ending = f"ended by {type(error).__name__}"
    chosen = f"{sock.version()} {sock.selected_alpn_protocol()}, " if isinstance(sock, ssl.SSLSocket) else ""
    return Answer(f"{chosen}{_kind(said)}, {ending}", len(said) if MAIL.match(said) else 0)


def _kind(said: bytes) -> str:
    if not said:
        return "nothing"
    if said.startswith(b"HTTP/"):
        status, *lines = said.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        server = next((line for line in lines if line.lower().startswith("server:")), "")
        names = ",".join(line.partition(":")[0] for line in lines)
        return f"{status} {names} {server}"
    if said[0] == 21:
        return f"alert {said[-1]}"
    return "mail" if MAIL.match(said) else said[:12].decode("latin-1")


def _filled(says: bytes, turn: int) -> bytes:
    while b"{word}" in says:
        word = "".join(secrets.choice(string.ascii_lowercase) for _ in range(8))
        says = says.replace(b"{word}", word.encode(), 1)
    return says.replace(b"{noise}", NOISES[turn % len(NOISES)])
