"""The peer: Debian's Postfix, Dovecot and OpenDKIM as the reference chatmail relay sets them, in one directory.

`etc/` beside this file are the settings, into which addresses and paths are put. Everything runs on one address of the
loopback interface that nobody else has, at the usual ports, with accounts that are made at first login. The programs
need several users, and so this needs root; no service of the machine is started, stopped or changed.

`bare` has neither filter nor signer; `reference` has both, and hibernates who idles, as the reference does by default;
`compress` is the reference with IMAP COMPRESS on offer, which rules hibernation out in Dovecot.
"""

import datetime
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from angarium.reach.descriptors import raise_limit
from angarium.reach.keypair import self_signed
from bench.peers.debounce import LIBRARY, without_delay

__all__ = ["CONFIGURATIONS", "Configuration", "Place", "Stack", "missing", "stack", "versions"]

ETC = Path(__file__).parent / "etc"
FILTER = Path(__file__).with_name("filter.py")
MASTER = "/usr/lib/postfix/sbin/master"
PROGRAMS = (MASTER, "postfix", "opendkim", "dovecot", "/usr/lib/dovecot/imap", "/usr/lib/dovecot/lmtp")
PACKAGES = ("postfix", "dovecot-core", "opendkim")
DOMAIN = "peer.test"
SUBMISSIONS, IMAPS = 465, 993
SUBMISSION, IMAP, HTTPS = 587, 143, 443
SMTP = 25
"""Where other relays bring mail."""
NGINX, STREAM = "nginx", "/usr/lib/nginx/modules/ngx_stream_module.so"
"""The web server, and what of it tells IMAP and submission on the pages' port by their ALPN (libnginx-mod-stream)."""
FILTERING, REINJECTED = 10026, 10025
ARRIVAL, ARRIVED = 10028, 10027
"""The same two for mail of other relays."""
USER = "mail"
"""Whose the mailboxes are."""
CONNECTIONS = 100_000
"""Which a process may hold, where the machine allows it: Dovecot's login processes hold everybody's."""
START = 20.0
STOP = 5.0


@dataclass(frozen=True, slots=True)
class Configuration:
    """What of the reference relay is there."""

    name: str
    filter: bool
    """The filter hop before the queue, and the signer behind it."""
    hibernates: bool
    """Whether those who idle for half a minute are put away; if not, IMAP COMPRESS is on offer."""


CONFIGURATIONS = {
    each.name: each
    for each in (
        Configuration("bare", filter=False, hibernates=False),
        Configuration("reference", filter=True, hibernates=True),
        Configuration("compress", filter=True, hibernates=False),
    )
}


@dataclass(frozen=True)
class Stack:
    """The peer, up."""

    configuration: Configuration
    address: str
    here: Path
    roots: tuple[int, ...]
    """Process ids: these and all that descends from them are the peer."""
    domain: str = DOMAIN
    imaps: int = IMAPS
    submissions: int = SUBMISSIONS

    def log(self) -> str:
        """What Postfix and Dovecot have logged."""
        logs = [self.here / "postfix.log", self.here / "dovecot.log", self.here / "said"]
        return "".join(each.read_text(errors="replace") for each in logs if each.exists())


@dataclass(frozen=True, slots=True)
class Place:
    """Where it listens, and what it is called."""

    address: str
    domain: str = DOMAIN
    public: bool = False
    """On all ports of the reference, with its web server before them, and mail between relays; else on the two that
    load is put on, and mail for elsewhere is refused."""
    pages: Path | None = None
    """Folder of the site that its web server shows, where it has one."""

    @property
    def ports(self) -> tuple[int, ...]:
        """Those that clients and other relays come to."""
        return (SUBMISSIONS, IMAPS, *((IMAP, SUBMISSION, HTTPS, SMTP) if self.public else ()))


def missing(*, public: bool = False) -> str:
    """Why it cannot be run here; "" where it can."""
    if os.getuid() != 0:
        return "not root"
    programs = (*PROGRAMS, *((NGINX, STREAM) if public else ()))
    if absent := [program for program in programs if shutil.which(program) is None and not Path(program).exists()]:
        return f"not installed: {', '.join(absent)} (tests/needs.sh does it)"
    return ""


def versions() -> dict[str, str]:
    """Debian's versions of the programs."""
    asked = ("dpkg-query", "--show", "--showformat=${Package} ${Version}\n", *PACKAGES)
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    return dict(line.split(" ", 1) for line in said.splitlines())


@contextmanager
def stack(configuration: Configuration, place: Place | None = None) -> Iterator[Stack]:
    """Run the peer until the context ends; without a place, on an address of the loopback interface.

    Raises:
        NotFound: its delay before announcements cannot be taken out of this build of Dovecot.
        RuntimeError: it did not start; the text is what it said.
    """
    raise_limit(CONNECTIONS)
    place = place or Place(f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}.1")
    address = place.address
    with ExitStack() as running:
        here = Path(tempfile.mkdtemp(prefix="peer-", dir="/tmp"))  # paths of sockets have to be short
        running.callback(shutil.rmtree, here, ignore_errors=True)
        here.chmod(0o755)
        _settle(here, configuration, place)
        said = running.enter_context((here / "said").open("wb"))
        roots = []
        for command in _commands(here, configuration, place):
            process = _start(command, here, said.fileno())
            running.callback(_end, process)
            roots.append(process.pid)
        up = Stack(configuration, address, here, tuple(roots), place.domain)
        _await(up, [*place.ports, *(port for _, *ports in _filters(configuration, place) for port in ports)])
        yield up


def _settle(here: Path, configuration: Configuration, place: Place) -> None:
    """Write all its files."""
    address, domain = place.address, place.domain
    for name in ("postfix", "queue", "data", "dovecot", "lib", "mail", "opendkim", "pages"):
        (here / name).mkdir()
    shutil.chown(here / "data", "postfix")
    shutil.chown(here / "mail", USER, USER)
    (here / "tls.pem").write_bytes(_certificate(place))
    (here / "lib" / LIBRARY.name).write_bytes(without_delay(LIBRARY.read_bytes()))
    words = {
        "here": str(here),
        "address": address,
        "domain": domain,
        "pages": str(place.pages or here / "pages"),
        "imap": str(IMAP if place.public else 0),
        "user": USER,
        "stream": STREAM,
        "submission": f"-o smtpd_proxy_filter={address}:{FILTERING}" if configuration.filter else "",
        "reinjection": f"-o smtpd_milters=unix:{here}/opendkim/socket",
        "arrival": f"-o smtpd_proxy_filter={address}:{ARRIVAL}" if configuration.filter else "",
        "elsewhere": "default_transport = error:5.4.4 no other relays here",
        "hibernate": "30s" if configuration.hibernates else "0",
        "compress": "" if configuration.hibernates else "imap_zlib",
    }
    if place.public:
        words["elsewhere"] = _filled("relays.main.cf", words)
        (here / "postfix" / "policies").write_text("/^_/ encrypt\n")
    _write(here / "postfix" / "main.cf", "main.cf", words)
    _write(here / "postfix" / "master.cf", "master.cf", words)
    _write(here / "dovecot.conf", "dovecot.conf", words)
    _write(here / "opendkim.conf", "opendkim.conf", words)
    if place.public:
        _publish(here, words)
    (here / "postfix" / "senders").write_text("/^(.*)$/ ${1}\n")
    tidied = _ignoring("Received", "X-Originating-IP", "X-Mailer", "User-Agent")
    (here / "postfix" / "at_submission").write_text(tidied + "/^Subject:/ REPLACE Subject: [...]\n")
    (here / "postfix" / "at_delivery").write_text(_ignoring("DKIM-Signature", "Authentication-Results", "Received"))
    shutil.chown(here / "opendkim", "opendkim")
    _signer(here / "opendkim", domain)


def _certificate(place: Place) -> bytes:
    """With its key. Signed by an authority where load is put on; by itself for a name that asks for none."""
    if not place.domain.startswith("_"):
        made = trustme.CA(key_type=trustme.KeyType.ECDSA)
        certified = made.issue_cert(place.domain, place.address, key_type=trustme.KeyType.ECDSA)
        return certified.private_key_and_cert_chain_pem.bytes()
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem + self_signed(key, [place.domain], today=datetime.datetime.now(datetime.UTC).date())


def _publish(here: Path, words: dict[str, str]) -> None:
    """Submission by STARTTLS, a door for other relays, and the web server: autoconfig, and the other two protocols on
    its port."""
    settings = here / "postfix" / "master.cf"
    submission = re.search(r"^\S+:465 .*\n(?:    .*\n)*", settings.read_text(), re.MULTILINE)
    assert submission is not None
    starttls = submission[0].replace(":465 ", f":{SUBMISSION} ").replace("wrappermode=yes", "wrappermode=no")
    settings.write_text(settings.read_text() + starttls + _filled("relays.master.cf", words))
    _write(here / "nginx.conf", "nginx.conf", words)
    _write(here / "pages" / "autoconfig.xml", "autoconfig.xml", words)


def _ignoring(*names: str) -> str:
    """A table for Postfix: headers to be left out."""
    return "".join(f"/^{name}:/ IGNORE\n" for name in names)


def _signer(here: Path, domain: str) -> None:
    key = here / "key.pem"
    made = generate_private_key(65537, 2048)
    key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    shutil.chown(key, "opendkim")
    (here / "keys").write_text(f"only {domain}:opendkim:{key}\n")
    (here / "signing").write_text(f"*@{domain} only\n")


def _filters(configuration: Configuration, place: Place) -> Iterator[tuple[str, int, int]]:
    """What each filter judges, its port, and that of Postfix behind it."""
    if configuration.filter:
        yield "submitted", FILTERING, REINJECTED
    if configuration.filter and place.public:
        yield "brought", ARRIVAL, ARRIVED


def _filled(template: str, words: dict[str, str]) -> str:
    return re.sub(r"@([a-z]+)@", lambda found: words[found[1]], (ETC / template).read_text())


def _write(to: Path, template: str, words: dict[str, str]) -> None:
    to.write_text(_filled(template, words))


def _commands(here: Path, configuration: Configuration, place: Place) -> list[tuple[str, ...]]:
    checked = subprocess.run(("postfix", "-c", here / "postfix", "check"), capture_output=True, check=False)
    if checked.returncode:
        log = (here / "postfix.log").read_text() if (here / "postfix.log").exists() else ""
        raise RuntimeError(f"Postfix does not take its settings: {checked.stderr.decode(errors='replace')}{log}")
    signer = ("opendkim", "-f", "-x", str(here / "opendkim.conf"))
    return [
        *((signer,) if configuration.filter else ()),
        *(
            (sys.executable, str(FILTER), judged, place.address, *map(str, ports), USER)
            for judged, *ports in _filters(configuration, place)
        ),
        *((("nginx", "-c", str(here / "nginx.conf")),) if place.public else ()),
        ("dovecot", "-F", "-c", str(here / "dovecot.conf")),
        (MASTER, "-c", str(here / "postfix"), "-s"),
    ]


def _start(command: Sequence[str], here: Path, said: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=said,
        start_new_session=True,
        env=os.environ | ({"LD_LIBRARY_PATH": str(here / "lib")} if command[0] == "dovecot" else {}),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and its children."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signum)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP)


def _await(up: Stack, ports: Sequence[int]) -> None:
    end = time.monotonic() + START
    while not all(_open(up.address, port) for port in ports):
        if time.monotonic() > end:
            raise RuntimeError(f"the peer did not start: {up.log()[-2000:] or 'it said nothing'}")
        time.sleep(0.05)


def _open(address: str, port: int) -> bool:
    with suppress(OSError):
        socket.create_connection((address, port), timeout=1).close()
        return True
    return False
