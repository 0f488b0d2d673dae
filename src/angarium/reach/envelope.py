"""The envelope of a parcel: sealed by one relay to another, so that who holds it in between learns neither of them.

Each relay has one X25519 pair (RFC 7748) for that. A parcel begins with an ephemeral key. What this and the receiver's
key have between them opens the sending relay's own key; that together with what the two relays' keys have between them
opens the contents. So nobody who merely knows a relay's public half can seal in the name of another relay: that is what
the authenticated mode of HPKE proves (RFC 9180, 5.1.3), with the sender's key inside as in the pattern X of Noise. Keys
come out of HKDF-SHA256 (RFC 5869) bound to all public halves, and each encrypts once (AES-256-GCM).

What it does not give: who takes a relay's private half can open what was recorded on the way to it, and seal to it in
anybody's name. The messages inside are encrypted by the apps, and are not opened by it.

Refuses to know whose key is whose, and what the contents mean.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from angarium.wire.parcel import VERSION, Contents, ParcelError, read_contents, read_parcel, write_contents

__all__ = ["Envelope"]

_ONCE = bytes(12)
"""The nonce under a key that encrypts once."""


class Envelope:
    """Seals and opens, for the relay whose pair this is. Any thread may call any method."""

    def __init__(self, private: X25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        """32 octets, for other relays to know."""

    def seal(self, to: bytes, contents: Contents) -> bytes:
        """Make a parcel for the relay with this public half. Raises ParcelError where it cannot be."""
        plain = write_contents(contents)
        ephemeral = X25519PrivateKey.generate()
        point = ephemeral.public_key().public_bytes_raw()
        outer = _shared(ephemeral, to)
        head = VERSION + point
        head += AESGCM(_key(outer, b"sender", point, to)).encrypt(_ONCE, self.public, head)
        both = outer + _shared(self._private, to)
        return head + AESGCM(_key(both, b"contents", point, to, self.public)).encrypt(_ONCE, plain, head)

    def open(self, raw: bytes) -> tuple[bytes, Contents]:
        """The public half of the relay that sealed a parcel, and what is inside.

        Raises:
            ParcelError: it is no parcel, is not for this relay, was changed, or was not sealed by who it says.
        """
        parcel = read_parcel(raw)
        outer = _shared(self._private, parcel.ephemeral)
        try:
            sender = AESGCM(_key(outer, b"sender", parcel.ephemeral, self.public)).decrypt(
                _ONCE, parcel.sender, VERSION + parcel.ephemeral
            )
            both = outer + _shared(self._private, sender)
            plain = AESGCM(_key(both, b"contents", parcel.ephemeral, self.public, sender)).decrypt(
                _ONCE, parcel.sealed, VERSION + parcel.ephemeral + parcel.sender
            )
        except InvalidTag:
            raise ParcelError("sealed to another relay, or changed") from None
        return sender, read_contents(plain)


def _shared(mine: X25519PrivateKey, theirs: bytes) -> bytes:
    try:
        return mine.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError:  # also a point of small order (RFC 7748, 6.1)
        raise ParcelError("a key that is none") from None


def _key(secret: bytes, purpose: bytes, *points: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, b"".join((b"angarium parcel 1 ", purpose, *points))).derive(secret)
