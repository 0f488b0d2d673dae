"""What a prober sees of one answer: its bytes, TLS as it is on the wire, how the connection ends, how long it takes.

Two readings of it. `kind` is what kinds of servers differ in and sites of one kind do not: status, names and order of
headers, alerts, protocol chosen, whether the connection is kept; not what the page says. `said` and `took` are all
there is, for who knows the site: octets (but for the date), records of TLS, tickets, and times in seconds; `form` says
which of it may be compared between sites.

Blocking, for a thread. Sockets are the kernel's, TLS is this side's OpenSSL between two buffers, so that its records
can be looked at. RFC 8446, 5.1 and 4.1.3.
"""

import hashlib
import re
import socket
import ssl
import time
from dataclasses import dataclass, field

from angarium.lab.censor.form import form, shape
from angarium.lab.censor.probes import Probe, filled

__all__ = ["Sighting", "look"]

PATIENCE = 1.5
"""Seconds of silence after which an answer is taken for whole."""
PAUSE = 0.1
"""Seconds, where a probe pauses, and for a reset to come to who speaks after the end."""
MOST = 1 << 16
MAIL = re.compile(rb"(?:\* (?:OK|BYE|PREAUTH)|[245]\d\d[ -])")
"""How servers of IMAP and SMTP begin."""
CHANGING = re.compile(rb"(Date: )[^\r]*|((?:boundary=|--))0{10,}[0-9]+|(site\.example)(?::[0-9]+)?/[a-z]{8}")
HANDSHAKE, SERVER_HELLO, KEY_SHARE = 22, 2, 51
TICKETS = 2
"""Records after the handshake of TLS 1.3 that come before all others."""


@dataclass(slots=True)
class Sighting:
    """One answer."""

    probe: str
    kind: str = ""
    mail: int = 0
    """Octets of a mail protocol."""
    said: dict[str, str] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    sort: str = ""
    """Of which sort its host is, where hosts of several are compared, see `sites`."""


def look(host: str, probe: Probe, turn: int = 0, *, port: int | None = None, patience: float = PATIENCE) -> Sighting:
    """Put a probe to a host, for the so many-th time; `port` in place of its own."""
    seen = Sighting(probe.name)
    begin = time.perf_counter()
    try:
        sock = socket.create_connection((host, port or probe.port), patience)
    except TimeoutError:
        seen.kind = seen.said["kind"] = "no answer"
        return seen
    except OSError:
        seen.kind = seen.said["kind"] = "refused"
        return seen
    seen.took["connect"] = time.perf_counter() - begin
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with sock:
        _Exchange(sock, seen, patience).run(probe, turn)
    return seen


class _Exchange:
    def __init__(self, sock: socket.socket, seen: Sighting, patience: float) -> None:
        self._sock = sock
        self._seen = seen
        self._patience = patience
        self._raw = b""
        self._chunks = 0
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def run(self, probe: Probe, turn: int) -> None:
        """Say it, and note what comes back."""
        said, ending = b"", "kept"
        try:
            if probe.tls:
                self._shake(probe)
            shaken, begin = len(self._raw), time.perf_counter()
            self._say(probe, filled(probe.says, turn))
            said, ending = self._hear(begin)
        except ssl.SSLError as error:
            ending = f"TLS: {error.reason}"
            said, _ = self._hear(time.perf_counter())
            shaken = len(self._raw)
        except OSError as error:
            ending = type(error).__name__
            shaken = len(self._raw)
        self._note(said, ending, shaken)

    def _shake(self, probe: Probe) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without authorities, which take ten milliseconds to read
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = probe.newest
        if probe.protocols:
            context.set_alpn_protocols(list(probe.protocols))
        self._tls = context.wrap_bio(self._incoming, self._outgoing)
        begin = time.perf_counter()
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                if not self._receive():
                    self._incoming.write_eof()
                self._seen.took.setdefault("hello", time.perf_counter() - begin)
        self._flush()

    def _say(self, probe: Probe, says: bytes) -> None:
        for piece in filter(None, (says[: probe.pause], says[probe.pause :])):
            if piece is not says and piece == says[probe.pause :] and probe.pause:
                time.sleep(PAUSE)
            if self._tls is None:
                self._sock.sendall(piece)
            else:
                self._tls.write(piece)
                self._flush()
        if probe.finishes:
            self._sock.shutdown(socket.SHUT_WR)

    def _hear(self, begin: float) -> tuple[bytes, str]:
        said, took, ending = b"", self._seen.took, "kept"
        try:
            while len(said) < MOST:
                more = self._receive()
                if more:
                    took.setdefault("first", time.perf_counter() - begin)
                    took["last"] = time.perf_counter() - begin
                    said += self._opened() if self._tls is not None else more
                    continue
                took["end"] = time.perf_counter() - begin
                return said, f"ended, then {self._after()}"
        except TimeoutError:
            pass
        except ssl.SSLError as error:
            ending = f"TLS: {error.reason}"
        except OSError as error:
            took["end"] = time.perf_counter() - begin
            ending = f"ended by {type(error).__name__}"
        return said, ending

    def _opened(self) -> bytes:
        """What has come inside TLS."""
        assert self._tls is not None
        said = b""
        try:
            while data := self._tls.read(MOST):
                said += data
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._seen.said["goodbye"] = "close_notify"
        return said

    def _after(self) -> str:
        """What becomes of who speaks after the end: nothing while somebody still listens, a reset where nobody does."""
        try:
            self._sock.sendall(b"?")
            self._sock.settimeout(PAUSE)
            while self._sock.recv(MOST):
                pass
            time.sleep(PAUSE)
            self._sock.sendall(b"?")
        except TimeoutError:
            return "silence"
        except OSError:
            return "a reset"
        return "silence"

    def _receive(self) -> bytes:
        self._sock.settimeout(self._patience)
        data = self._sock.recv(MOST)
        self._raw += data
        self._chunks += bool(data)
        if data and self._tls is not None:
            self._incoming.write(data)
        return data

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._sock.sendall(data)

    def _note(self, said: bytes, ending: str, shaken: int) -> None:
        seen, tls, chosen = self._seen, self._tls, ""
        seen.mail = len(said) if MAIL.match(said) else 0
        if tls is not None and tls.version():
            chosen = f"{tls.version()} {tls.selected_alpn_protocol()}, "
            cipher, session = tls.cipher(), tls.session
            seen.said["cipher"] = str(cipher and cipher[0])
            seen.said["group"] = str(_group(self._raw))
            if session is not None:
                seen.said["ticket"] = f"{session.has_ticket} {session.ticket_lifetime_hint} {session.timeout}"
        seen.kind = f"{chosen}{_kind(said)}, {ending.partition(', then')[0]}"
        seen.said["kind"], seen.said["end"] = f"{chosen}{_kind(said)}", ending
        steady = CHANGING.sub(rb"\1\2\3", said)
        seen.said["octets"], seen.said["form"] = _digest(steady), _digest(form(steady))
        seen.said["head"] = _digest(steady.partition(b"\r\n\r\n")[0])
        if tls is not None:
            newest = tls.version() == "TLSv1.3"
            records, flight = _records(self._raw[shaken:]), [length for _, length in _records(self._raw[:shaken])]
            seen.said["records"], seen.said["flight"] = str(records), str(flight[:3])
            seen.said["shape"] = shape(records, said, TICKETS if newest else 0)
            seen.said["opening"] = str(flight[: 3 if newest else 1])  # what comes before the certificate
        seen.took["pieces"] = self._chunks


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


def _records(raw: bytes) -> list[tuple[int, int]]:
    """Types and lengths of the records of TLS."""
    found, at = [], 0
    while len(raw) - at >= 5:
        length = int.from_bytes(raw[at + 3 : at + 5])
        found.append((raw[at], length))
        at += 5 + length
    return found


def _group(raw: bytes) -> int | None:
    """The group of the key that the server shares in TLS 1.3, by its number."""
    if len(raw) < 76 or raw[0] != HANDSHAKE or raw[5] != SERVER_HELLO:
        return None
    at = 5 + 4 + 2 + 32
    at += 1 + raw[at] + 2 + 1
    end = at + 2 + int.from_bytes(raw[at : at + 2])
    at += 2
    while at + 4 <= end:
        kind, length = int.from_bytes(raw[at : at + 2]), int.from_bytes(raw[at + 2 : at + 4])
        if kind == KEY_SHARE:
            return int.from_bytes(raw[at + 4 : at + 6])
        at += 4 + length
    return None


def _digest(octets: bytes) -> str:
    return f"{len(octets)} {hashlib.blake2b(octets, digest_size=6).hexdigest()}"
