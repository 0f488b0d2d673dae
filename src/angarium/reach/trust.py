"""Whom to believe: who may be at the other end of a connection to another relay.

A relay known by a domain has an authority's certificate for that very name, by the roots of this system. One known by
an IP address or by a `_name` has signed its own: its public key is remembered at the first connection, and another key
is refused from then on, until the keeper accepts it. One that keepers agreed upon (a pin) is the key of that server and
no other is. Nothing is ever sent before that is settled, and nothing in clear.

Refuses to know mail, and how the remembered keys are kept. What a first connection cannot know is whether somebody was
in between from the start.

RFC 6125 (names); RFC 7469, 2.4 (what of a key is remembered: the SHA-256 of its SubjectPublicKeyInfo).
"""

import ipaddress
import ssl
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from cryptography import x509

from angarium.reach.keypair import fingerprint
from angarium.reach.transport import Connection

__all__ = ["KeyChanged", "Known", "KnownInMemory", "Trust", "keeps_its_key"]


OFFERED = 256
"""Destinations of which the refused key is kept at hand, for the keeper to accept."""


class KeyChanged(ConnectionError):
    """A relay shows another key than the one remembered. The text names it, and the keeper's command."""

    def __init__(self, destination: str) -> None:
        super().__init__(
            f"{destination} has another key than before: somebody may be in between;"
            f" if its keeper says that the key is new: angarium peer accept {destination}"
        )


class Known(Protocol):
    """The remembered keys."""

    async def get(self, destination: str) -> bytes | None:
        """The key of a destination (32 bytes, the SHA-256 of its SubjectPublicKeyInfo), if one is remembered."""

    async def put(self, destination: str, key: bytes) -> None:
        """Remember a key. Where one is remembered already, nothing changes: of two at once, the first counts."""

    async def replace(self, destination: str, key: bytes | None) -> None:
        """Remember this key instead of another, or, with None, none."""


class KnownInMemory:
    """`Known`, for as long as the process lives."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}

    async def get(self, destination: str) -> bytes | None:
        """See `Known.get`."""
        return self._keys.get(destination)

    async def put(self, destination: str, key: bytes) -> None:
        """See `Known.put`."""
        self._keys.setdefault(destination, key)

    async def replace(self, destination: str, key: bytes | None) -> None:
        """See `Known.replace`."""
        self._keys.pop(destination, None)
        if key is not None:
            self._keys[destination] = key


class Trust:
    """Begins TLS with other relays."""

    def __init__(self, known: Known, verifying: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> None:
        """`verifying` makes a context that checks authority and name; by default with the system's roots."""
        self._known = known
        self._verifying = verifying
        self._contexts: dict[tuple[bool, tuple[str, ...]], ssl.SSLContext] = {}
        self._offered: OrderedDict[str, bytes] = OrderedDict()

    async def accept(self, destination: str) -> bool:
        """Remember the key that a destination was last refused for, by its keeper's word; False: there was none."""
        key = self._offered.pop(destination, None)
        if key is not None:
            await self._known.replace(destination, key)
        return key is not None

    async def begin(
        self,
        connection: Connection,
        destination: str,
        name: str,
        *,
        timeout: float,
        alpn: tuple[str, ...] = (),
        pin: bytes | None = None,
    ) -> None:
        """Begin TLS as the client of a destination; return only if it is the one.

        Args:
            connection: in clear; nothing is left unread on it. Closed where this raises.
            destination: the domain part of an address: a name, an IP address without brackets, or a `_name`.
            name: what a certificate has to be for, where an authority vouches for it.
            timeout: seconds for the handshake.
            alpn: the protocols to offer.
            pin: the key to expect, instead of what is remembered and of any authority's word.

        Raises:
            TimeoutError: the handshake took longer.
            ConnectionError: the handshake failed, or the certificate is not good.
            KeyChanged: see there.
        """
        remembered = pin is not None or keeps_its_key(destination)
        context = self._context(alpn, verifying=not remembered)
        await connection.start_tls_client(context, _ascii(name), timeout=timeout)
        if remembered:
            try:
                await self._recognise(connection, destination, pin)
            except BaseException:
                connection.abort()
                raise

    async def _recognise(self, connection: Connection, destination: str, pin: bytes | None) -> None:
        shown = _key(connection.peer_certificate)
        if pin is not None:
            if shown != pin:
                raise ConnectionError("TLS: another key than the one agreed upon")
            return
        known = await self._known.get(destination)
        if known is None:
            await self._known.put(destination, shown)
            known = await self._known.get(destination)
        if known != shown:
            self._offered[destination] = shown
            if len(self._offered) > OFFERED:
                self._offered.popitem(last=False)
            raise KeyChanged(destination)
        self._offered.pop(destination, None)

    def _context(self, alpn: tuple[str, ...], *, verifying: bool) -> ssl.SSLContext:
        context = self._contexts.get((verifying, alpn))
        if context is None:
            context = self._verifying() if verifying else _unverified()
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if alpn:
                context.set_alpn_protocols(list(alpn))
            self._contexts[verifying, alpn] = context
        return context


def keeps_its_key(destination: str) -> bool:
    """Whether a destination is known by its key rather than by an authority's word."""
    if destination.startswith("_"):
        return True
    try:
        ipaddress.ip_address(destination)
    except ValueError:
        return False
    return True


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the key is compared instead, before anything is sent
    context.verify_mode = ssl.CERT_NONE
    return context


def _key(certificate: bytes | None) -> bytes:
    try:
        return fingerprint(x509.load_der_x509_certificate(certificate or b""))
    except ValueError:
        raise ConnectionError("TLS: the certificate cannot be read") from None


def _ascii(name: str) -> str:
    """A name as certificates and DNS spell it."""
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        raise ConnectionError("the name cannot be written in DNS") from None
