"""Another relay, of software that is not ours: Debian's Postfix, OpenDKIM and Dovecot, as one mail host on loopback.

Everything it has is in one directory that goes away: `etc/` beside this file are its settings, into which addresses and
paths are put. It listens on addresses of its own in 127.0.0.0/8, at the usual ports, and finds other relays by MX and A
records, as on the Internet. For that it sees another /etc/resolv.conf than the rest of the machine does: each program
runs in a mount namespace of its own, and so this needs root.

Refuses to know Angarium: what it says and takes is SMTP and IMAP.
"""

import imaplib
import itertools
import os
import re
import secrets
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from angarium.wire.dkim.record import write_record
from angarium.wire.dkim.sign import PrivateKey
from tests.dns_server import NameServer, name_server
from tests.interop.greylist import Greylist, greylist

__all__ = ["PASSWORD", "Foreign", "Network", "foreign", "judged", "missing", "network", "until"]

ETC = Path(__file__).parent / "etc"
MASTER = "/usr/lib/postfix/sbin/master"
PROGRAMS = (MASTER, "postfix", "opendkim", "dovecot", "/usr/lib/dovecot/imap", "/usr/lib/dovecot/lmtp", "unshare")
PASSWORD = "correct horse"
"""Everybody's, over there."""
PEOPLE = ("someone", "another", "archivist", "tampered", "grey", "ghost")
"""Of the last one only Postfix knows: Dovecot, behind it, has no such mailbox."""
DOMAINS = ("foreign.test", "other.test", "stranger.test", "misnamed.test", "clear.test")
MX, DNS = 25, 53
"""Where everybody looks; the other ports are out of the way of what else may run on this machine."""
IMAP, POLICY = 1143, 10023
SIGNERS = {"rsa-sha256": 8891, "ed25519-sha256": 8892}
SIGNED = {"rsa-sha256": 1587, "ed25519-sha256": 1588, "": 1589}
"""The port of submission for each way to sign; "": not at all."""
START = 20.0
PATIENCE = 20.0
"""Seconds something may take that takes a fraction of one."""


def missing() -> str:
    """Why it cannot be run here; "" where it can."""
    if os.getuid() != 0:
        return "not root"
    if absent := [program for program in PROGRAMS if shutil.which(program) is None]:
        return f"not installed: {', '.join(absent)} (tests/needs.sh does it)"
    with tempfile.NamedTemporaryFile() as file:
        if subprocess.run(_seeing(Path(file.name), "true"), capture_output=True, check=False).returncode:
            return "no mount namespaces here"
    for port in (MX, DNS):
        try:
            socket.create_server(("127.19.0.1", port)).close()
        except OSError as error:
            return f"port {port} cannot be had on addresses of the loopback interface: {error.strerror}"
    return ""


def until(found: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, f"not within {seconds:.0f} seconds: {what}"
        time.sleep(0.05)


class Network:
    """Addresses on the loopback interface that no other run of these tests has, and what names them."""

    def __init__(self, dns: NameServer) -> None:
        self.dns = dns
        self.ca = trustme.CA()
        self._prefix = dns.address.rpartition(".")[0]
        self._hosts = itertools.count(2)

    def host(self, name: str, *domains: str) -> str:
        """A new address with this name, which takes the mail of these domains."""
        address = f"{self._prefix}.{next(self._hosts)}"
        self.dns.set(name, "A", address)
        for domain in domains:
            self.dns.set(domain, "MX", f"10 {name}.")
        return address


@contextmanager
def network() -> Iterator[Network]:
    """A network with a name server on port 53, where everybody asks."""
    prefix = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"
    with name_server(address=f"{prefix}.1", port=DNS) as dns:
        yield Network(dns)


@dataclass(frozen=True)
class Foreign:
    """The other relay, up."""

    here: Path
    address: str
    greylist: Greylist

    def submit(
        self,
        message: bytes,
        recipients: Sequence[str],
        *,
        sender: str = "someone@foreign.test",
        sign: str = "rsa-sha256",
    ) -> None:
        """Hand in a message as a person there does: with a login, over TLS."""
        with smtplib.SMTP(self.address, SIGNED[sign], local_hostname="client.foreign.test", timeout=PATIENCE) as smtp:
            smtp.starttls(context=ssl.create_default_context(cafile=str(self.here / "ca.pem")))
            smtp.login("someone@foreign.test", PASSWORD)
            options = ["BODY=8BITMIME"] + ([] if sender.isascii() else ["SMTPUTF8"])
            smtp.sendmail(sender, recipients, message, mail_options=options)

    def inbox(self, address: str) -> list[bytes]:
        """Everything that person has."""
        with imaplib.IMAP4(self.address, IMAP, timeout=PATIENCE) as imap:
            imap.login(address, PASSWORD)
            imap.select("INBOX", readonly=True)
            _, (found,) = imap.search(None, "ALL")
            if not found:
                return []
            _, fetched = imap.fetch(found.decode().replace(" ", ","), "(BODY.PEEK[])")
            return [part[1] for part in fetched if isinstance(part, tuple)]

    def arrived(self, address: str, mark: str, seconds: float = PATIENCE) -> EmailMessage:
        """The one message there with these words in it, once it is there."""
        found: list[bytes] = []

        def there() -> bool:
            found[:] = [each for each in self.inbox(address) if mark.encode() in each]
            return bool(found)

        until(there, f"a message in an INBOX over there; the log ends: {self.log()[-3000:]}", seconds)
        (one,) = found
        return message_from_bytes(one, policy=policy.SMTP)

    def log(self) -> str:
        """What Postfix has logged."""
        with suppress(FileNotFoundError):
            return (self.here / "postfix.log").read_text()
        return ""

    def logged(self, pattern: str, beyond: int = 0) -> str:
        """The first line of Postfix's log, after so many characters of it, that has this in it, once it is there."""
        found: list[str] = []

        def there() -> bool:
            found[:] = re.findall(f"^.*(?:{pattern}).*$", self.log()[beyond:], re.MULTILINE)
            return bool(found)

        until(there, f"{pattern} in the log, which ends: {self.log()[-3000:]}")
        return found[0]

    def flush(self) -> None:
        """Have all that waits tried again now."""
        subprocess.run(("postqueue", "-c", self.here / "postfix", "-f"), check=True, capture_output=True)

    def waiting(self) -> str:
        """The queue, as its keeper sees it."""
        asked = subprocess.run(
            ("postqueue", "-c", self.here / "postfix", "-j"), check=True, capture_output=True, text=True
        )
        return asked.stdout


@contextmanager
def foreign(network: Network) -> Iterator[Foreign]:
    """Run it, with its names in DNS."""
    address = network.host("mail.foreign.test", "foreign.test", "other.test")
    hosts = {
        "address": address,
        "stranger": network.host("mail.stranger.test", "stranger.test"),
        "misnamed": network.host("mail.misnamed.test", "misnamed.test"),
        "clear": network.host("mail.clear.test", "clear.test"),
    }
    with ExitStack() as running:
        here = Path(tempfile.mkdtemp(prefix="foreign-", dir="/tmp"))  # paths of sockets have to be short
        running.callback(shutil.rmtree, here, ignore_errors=True)
        here.chmod(0o755)
        _settle(here, network, hosts)
        running.enter_context(_programs(here))
        waiting = [MX, IMAP, *SIGNED.values(), *SIGNERS.values()]
        until(lambda: all(_open(address, port) for port in waiting), f"Postfix and its friends, in {here}", START)
        with greylist(address, POLICY) as list_:
            yield Foreign(here, address, list_)


def _settle(here: Path, network: Network, hosts: dict[str, str]) -> None:
    """Write all its files, and its keys into DNS."""
    for name in ("postfix", "queue", "data", "dovecot", "mail", "opendkim"):
        (here / name).mkdir()
    shutil.chown(here / "data", "postfix")
    shutil.chown(here / "mail", "mail", "mail")
    network.ca.cert_pem.write_to_path(str(here / "ca.pem"))
    certified = network.ca.issue_cert("mail.foreign.test", hosts["address"])
    certified.private_key_and_cert_chain_pem.write_to_path(str(here / "mail.pem"))
    unknown = trustme.CA().issue_cert("mail.stranger.test", "stranger.test")
    unknown.private_key_and_cert_chain_pem.write_to_path(str(here / "stranger.pem"))
    words = {"here": str(here), "dns": network.dns.address, **hosts}
    _write(here / "postfix" / "main.cf", "main.cf", words)
    _write(here / "postfix" / "master.cf", "master.cf", words)
    _write(here / "dovecot.conf", "dovecot.conf", words)
    _write(here / "opendkim" / "unbound.conf", "unbound.conf", words)
    (here / "postfix" / "tampering").write_text("/^Subject:/ REPLACE Subject: other words\n")
    people = [f"{name}@{domain}" for domain in DOMAINS for name in PEOPLE] + ["göndəren@foreign.test"]
    (here / "postfix" / "mailboxes").write_text("".join(f"{each} yes\n" for each in people))
    has_none = {f"ghost@{domain}" for domain in DOMAINS}
    passwords = "".join(f"{each}:{{PLAIN}}{PASSWORD}\n" for each in people if each not in has_none)
    (here / "dovecot" / "passwd").write_text(passwords)
    _signer(here, network, "rsa-sha256", generate_private_key(65537, 2048), words)
    _signer(here, network, "ed25519-sha256", Ed25519PrivateKey.generate(), words)


def _signer(here: Path, network: Network, algorithm: str, key: PrivateKey, words: dict[str, str]) -> None:
    """Write the files of one signer: one domain's key for the mail of all, good for that one, wrong for the others."""
    selector = algorithm.partition("-")[0]
    secret = here / "opendkim" / f"{selector}.pem"
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    shutil.chown(secret, "opendkim")
    network.dns.set(f"{selector}._domainkey.foreign.test", "TXT", write_record(key.public_key()))
    (here / "opendkim" / f"keys-{algorithm}").write_text(f"only foreign.test:{selector}:{secret}\n")
    (here / "opendkim" / f"signing-{algorithm}").write_text("*@* only\n")
    own = {"algorithm": algorithm, "port": str(SIGNERS[algorithm])}
    _write(here / f"{algorithm}.conf", "opendkim.conf", words | own)


def _write(to: Path, template: str, words: dict[str, str]) -> None:
    text = (ETC / template).read_text()
    to.write_text(re.sub(r"@([a-z]+)@", lambda found: words[found[1]], text))


@contextmanager
def _programs(here: Path) -> Iterator[None]:
    resolv = here / "resolv.conf"
    words = (here / "opendkim" / "unbound.conf").read_text()
    resolv.write_text(f"nameserver {re.findall(r'forward-addr: (.*)', words)[0]}\n")
    subprocess.run(("postfix", "-c", here / "postfix", "check"), check=True, capture_output=True)
    commands = [
        *(("opendkim", "-f", "-x", str(here / f"{algorithm}.conf")) for algorithm in SIGNERS),
        ("dovecot", "-F", "-c", str(here / "dovecot.conf")),
        (MASTER, "-c", str(here / "postfix"), "-s"),
    ]
    with ExitStack() as running, (here / "said").open("wb") as said:
        for command in commands:
            process = subprocess.Popen(
                _seeing(resolv, *command), stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )
            running.callback(_end, process)
        yield


def _seeing(resolv: Path, *command: str) -> tuple[str, ...]:
    """A command that sees another /etc/resolv.conf than the machine has."""
    script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", script, str(resolv), *command)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and its children."""
    for signum in (signal.SIGTERM, signal.SIGKILL):  # OpenDKIM takes five seconds to end in order
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signum)
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)


def _open(address: str, port: int) -> bool:
    with suppress(OSError):
        socket.create_connection((address, port), timeout=1).close()
        return True
    return False


def judged(message: EmailMessage) -> list[tuple[str, str, str]]:
    """What OpenDKIM wrote on a message: verdict, domain and algorithm of each signature, in order."""
    results = re.sub(r"\s+", " ", str(message["Authentication-Results"]))
    return re.findall(r"dkim=(\w+) .*?header\.d=(\S+) .*?header\.a=(\S+)", results)
