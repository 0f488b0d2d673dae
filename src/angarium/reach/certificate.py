"""The certificate of the moment: read from two PEM files, read again when they change, handed out as TLS contexts.

Whoever writes the files (the relay itself, an ACME authority's answer, the keeper's own tool) need not tell. Files that
do not fit together, because they are half written or wrong, change nothing: the pair in use stays in use, and `problem`
says what is wrong until it is put right.

Refuses to know sockets. Invariants: every context handed out has a certificate and the key that belongs to it. A
certificate of the relay's own making never takes the place of an authority's that is still of use.

RFC 8446 (TLS 1.3), RFC 7301 (ALPN).
"""

import asyncio
import datetime
import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from angarium.reach.disguise import disguise
from angarium.reach.files import write_whole
from angarium.reach.keypair import KeyDamaged, covers, fingerprint, is_self_signed, private_key, self_signed

__all__ = ["CertificateError", "Certificates", "SelfSigned"]

log = logging.getLogger("angarium.reach.certificate")

LOOK_SECONDS = 3.0
"""Between two looks at the files."""
RENEW_SECONDS = 6 * 3600.0
"""Between two looks at the calendar."""
RENEW_DAYS = 30
"""A certificate of our own is renewed when it has so many days left."""
TICKETS = 1
"""Session tickets given in a handshake (RFC 8446, 4.6.1): 271 bytes each, and the app uses one for one connection."""
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

State = tuple[tuple[int, int, int], ...]


class CertificateError(Exception):
    """The files hold no certificate with its private key. The text says which file, and what is wrong."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """What was read at one look."""

    state: State
    leaf: x509.Certificate


class Certificates:
    """The relay's certificate, in whatever state its files are."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Read the files.

        Raises:
            CertificateError: see there.
        """
        self._cert, self._key = cert, key
        self._contexts: dict[tuple[tuple[str, ...], ssl.TLSVersion, str, bool], ssl.SSLContext] = {}
        self.problem = ""
        """Why the files as they are now are not in use; empty: they are."""
        self._pair = self._read()

    @property
    def files(self) -> tuple[Path, Path]:
        """The certificate's, and the private key's."""
        return self._cert, self._key

    @property
    def expires(self) -> int:
        """The day on which the certificate ends, in days since 1970-01-01."""
        return (self._pair.leaf.not_valid_after_utc - EPOCH).days

    @property
    def self_signed(self) -> bool:
        """Whether no authority vouches for it, so that apps must be told to accept it."""
        return is_self_signed(self._pair.leaf)

    @property
    def pin(self) -> bytes:
        """What its key is known by to relays that ask no authority (`reach.trust`): 32 octets."""
        return fingerprint(self._pair.leaf)

    def context(
        self,
        *alpn: str,
        minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        ciphers: str = "",
        disguised: bool = False,
    ) -> ssl.SSLContext:
        """The context for a new connection, to be asked for each time: it changes with the files.

        `alpn` are the protocols offered, the preferred one first; a client that asks for none or others gets none.
        `ciphers` are those before TLS 1.3, as OpenSSL lists them; empty: Python's choice. `disguised`: with a web
        server's sessions (`disguise`).

        Raises:
            CertificateError: asked for the first time while the files are being changed.
        """
        kind = (alpn, minimum, ciphers, disguised)
        if (known := self._contexts.get(kind)) is None:
            known = self._contexts[kind] = _context(self._cert, self._key, *kind)
        return known

    def source(
        self, *alpn: str, minimum: ssl.TLSVersion, ciphers: str = "", disguised: bool = False
    ) -> Callable[[], ssl.SSLContext]:
        """What gives such a context each time, quicker. Raises CertificateError as `context` does, now."""
        asked = partial(self.context, *alpn, minimum=minimum, ciphers=ciphers, disguised=disguised)
        among, known = self._contexts, asked()

        def current() -> ssl.SSLContext:
            nonlocal among, known
            if among is not self._contexts:  # the files have changed
                among, known = self._contexts, asked()
            return known

        return current

    def refresh(self) -> bool:
        """Look at the files; return whether there is another certificate now."""
        if self._states() == self._pair.state:
            self.problem = ""
            return False
        try:
            pair = self._read()
            contexts = {kind: _context(self._cert, self._key, *kind) for kind in self._contexts}
        except CertificateError as error:
            if self.problem != str(error):
                self.problem = str(error)
                log.error("the certificate in use stays in use: %s", error)
            return False
        self._pair, self._contexts, self.problem = pair, contexts, ""
        return True

    async def run(self) -> None:
        """Look at the files every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.refresh()

    def _read(self) -> _Pair:
        state = self._states()
        _context(self._cert, self._key, (), ssl.TLSVersion.TLSv1_3, "", False)
        try:
            return _Pair(state, x509.load_pem_x509_certificate(self._cert.read_bytes()))
        except (OSError, ValueError) as error:
            raise CertificateError(f"{self._cert} cannot be read as a certificate: {error}") from None

    def _states(self) -> State:
        """What tells a file that was changed from one that was not. Missing files have a state too."""
        states = []
        for path in (self._cert, self._key):
            try:
                seen = path.stat()
            except OSError:
                states.append((0, 0, 0))
            else:
                states.append((seen.st_mtime_ns, seen.st_size, seen.st_ino))
        return tuple(states)


class SelfSigned:
    """Keeps a certificate of the relay's own making in a directory: `cert.pem`, and `key.pem` that outlives it."""

    def __init__(
        self,
        directory: Path,
        names: Sequence[str],
        *,
        today: Callable[[], datetime.date],
        stopgap: bool = False,
    ) -> None:
        """`names` are the domains and IP addresses to list, the primary one first.

        `stopgap`: an authority is being asked for a certificate, and ours is to serve until it answers.
        """
        self.cert, self.key = directory / "cert.pem", directory / "key.pem"
        self._names = tuple(names)
        self._today = today
        self._stopgap = stopgap

    def renew(self) -> bool:
        """Make what is missing, ends soon, or names others than it should; return whether anything was made.

        Raises:
            CertificateError: the private key is damaged, or the directory cannot be written.
        """
        try:
            key = private_key(self.key)
            if self._serves(key):
                return False
            write_whole(self.cert, self_signed(key, self._names, today=self._today()))
        except KeyDamaged as error:
            raise CertificateError(str(error)) from None
        except OSError as error:
            raise CertificateError(f"cannot write {error.filename or self.cert.parent}: {error.strerror}") from None
        return True

    async def run(self) -> None:
        """Renew in time, until cancelled."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                self.renew()
            except CertificateError as error:
                log.error("the certificate was not renewed: %s", error)

    def _serves(self, key: ec.EllipticCurvePrivateKey) -> bool:
        """Whether the certificate that is there need not be replaced."""
        try:
            there = x509.load_pem_x509_certificate(self.cert.read_bytes())
        except (FileNotFoundError, ValueError):
            return False
        if there.public_key() != key.public_key() or not covers(there, self._names[:1]):
            return False
        days_left = (there.not_valid_after_utc.date() - self._today()).days
        if is_self_signed(there):
            return days_left > RENEW_DAYS and covers(there, self._names)
        return self._stopgap or days_left > 0


def _context(
    cert: Path, key: Path, alpn: tuple[str, ...], minimum: ssl.TLSVersion, ciphers: str, disguised: bool
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = minimum
    context.num_tickets = TICKETS
    if disguised:
        disguise(context)
    if ciphers:
        context.set_ciphers(ciphers)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    try:
        context.load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        said = (error.reason or "not PEM").lower().replace("_", " ")
        raise CertificateError(f"{cert} and {key} are no certificate with its private key: {said}") from None
    except OSError as error:
        raise CertificateError(f"cannot read {cert} and {key}: {error.strerror}") from None
    return context
