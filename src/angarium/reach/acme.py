"""A certificate from an authority, by ACME with HTTP-01: got when it is missing, renewed in the last third of its life.

The `acme` library speaks the protocol, and blocks; so each order runs in a thread of its own that nobody waits for when
the relay stops. The thread only asks: what it brings is checked and written here.

Refuses to serve HTTP: whoever does looks up `challenge`. Invariants: the private key is the one that is there already
and survives every renewal, since apps remember it; the certificate in use is replaced only by one that covers the same
names and fits that key. What goes wrong is told to the keeper with what to do about it, and tried again ever later.

RFC 8555, 7.1.2 to 7.4.2 and 8.3.
"""

import asyncio
import datetime
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from angarium.reach.files import write_whole
from angarium.reach.keypair import KeyDamaged, alternative_names, covers, is_self_signed, private_key
from angarium.reach.order import AcmeError, Order, place

__all__ = ["Acme", "AcmeError"]

log = logging.getLogger("angarium.reach.acme")

LOOK_SECONDS = 6 * 3600.0
"""Between two looks at a certificate that needs nothing."""
RETRY_SECONDS = (60.0, 300.0, 900.0, 3600.0, 4 * 3600.0, 12 * 3600.0)
"""After the first failure, the second, and so on. Authorities count failures: some allow five an hour."""


class Acme:
    """Keeps `cert.pem` in a directory, for the `key.pem` beside it."""

    def __init__(
        self,
        authority: str,
        names: Sequence[str],
        directory: Path,
        *,
        email: str = "",
        trust: str = "",
        installed: Callable[[], object] = lambda: None,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`authority` is the URL of its directory; `names` are the domains to be certified, the primary one first.

        `email` is given to the authority as a contact, `trust` is a PEM file with roots for the authority's own server;
        both may be empty. `installed` is called when a new certificate is in place.
        """
        self.problem = ""
        """Why the last attempt failed, and what to do; empty: it did not."""
        self._authority, self._email, self._trust = authority, email, trust
        self._names = tuple(names)
        self._cert, self._key = directory / "cert.pem", directory / "key.pem"
        self._account = directory / "acme-account.pem"
        self._challenges: dict[str, str] = {}
        self._installed = installed
        self._now = now
        self._sleep = sleep

    def challenge(self, token: str) -> str | None:
        """What to answer at ``/.well-known/acme-challenge/TOKEN`` (RFC 8555, 8.3); None: nobody asked for that."""
        return self._challenges.get(token)

    async def run(self) -> None:
        """Get the certificate, and renew it in time, until cancelled."""
        failures = 0
        while True:
            pause = LOOK_SECONDS
            if self.due():
                try:
                    await self.obtain()
                    failures = 0
                except AcmeError as error:
                    log.error("no certificate from the authority: %s", error)
                    pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                    failures += 1
            await self._sleep(pause)

    def due(self) -> bool:
        """Whether the certificate is missing, our own, for other names, or in the last third of its life."""
        try:
            there = x509.load_pem_x509_certificate(self._cert.read_bytes())
        except (OSError, ValueError):
            return True
        if is_self_signed(there) or not covers(there, self._names):
            return True
        life = there.not_valid_after_utc - there.not_valid_before_utc
        return there.not_valid_after_utc - self._now() < life / 3

    async def obtain(self) -> None:
        """Get a certificate now and put it in place.

        Raises:
            AcmeError: it was not to be had. The text says why, and what the keeper can do.
        """
        try:
            key = private_key(self._key)
            order = Order(
                authority=self._authority,
                account=private_key(self._account),
                request=_request(key, self._names),
                email=self._email,
                trust=self._trust,
            )
            chain = await _in_thread(lambda: place(order, self._challenges))
            _check(chain, key, self._names)
            write_whole(self._cert, chain)
        except (KeyDamaged, AcmeError) as error:
            self.problem = str(error)
            raise AcmeError(self.problem) from None
        except OSError as error:
            self.problem = f"cannot write {error.filename or self._cert.parent}: {error.strerror}"
            raise AcmeError(self.problem) from None
        finally:
            self._challenges.clear()
        self.problem = ""
        self._installed()


def _request(key: ec.EllipticCurvePrivateKey, names: Sequence[str]) -> bytes:
    """The certificate signing request, in PEM."""
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    signed = builder.add_extension(alternative_names(names), critical=False).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def _check(chain: bytes, key: ec.EllipticCurvePrivateKey, names: Sequence[str]) -> None:
    try:
        leaf = x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        raise AcmeError("the authority answered with something that is no certificate") from None
    if leaf.public_key() != key.public_key() or not covers(leaf, names):
        raise AcmeError("the authority answered with a certificate for another key or for other names")


async def _in_thread(work: Callable[[], bytes]) -> bytes:
    """Run something that blocks in a thread that does not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bytes] = loop.create_future()

    def finish(result: bytes | BaseException) -> None:
        if done.done():
            return
        if isinstance(result, bytes):
            done.set_result(result)
        else:
            done.set_exception(result)

    def run() -> None:
        result: bytes | BaseException
        try:
            result = work()
        except BaseException as error:  # handed to whoever waits
            result = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(finish, result)

    threading.Thread(target=run, name="acme", daemon=True).start()
    return await done
