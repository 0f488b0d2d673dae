"""What a domain publishes of a key (RFC 6376, 3.6.1): read strictly, written as this relay publishes its own.

A key for testing (t=y) is a key: who wants its signatures ignored publishes none. g= of older records is ignored.
"""

from base64 import b64encode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from msgspec import Struct

from angarium.wire.dkim.tags import Unverified, base64_value, colon_list, read_tags, squeezed

__all__ = ["BITS", "PublicKey", "Record", "read_record", "write_record"]

BITS = (1024, 8192)
"""Smallest and largest RSA key believed (RFC 8301, 3.2: 1024 at least, 4096 must be possible)."""
RECORD_BYTES = 8192

PublicKey = RSAPublicKey | Ed25519PublicKey


class Record(Struct, frozen=True):
    """A published key that may be used for e-mail with SHA-256."""

    key: PublicKey
    exact: bool
    """t=s: only for identities in the very domain, not in those below it."""

    @property
    def key_type(self) -> bytes:
        """k=, as `Signature.key_type` has it."""
        return b"rsa" if isinstance(self.key, RSAPublicKey) else b"ed25519"


def read_record(text: bytes) -> Record:
    """Read a TXT record, its strings put together without anything between them.

    Raises:
        Unverified: it is no key record, the key is revoked, too small, not for e-mail, not for SHA-256, or no key.
    """
    if len(text) > RECORD_BYTES:
        raise Unverified("the key record is too long")
    tags = read_tags(text)
    if b"v" in tags and (next(iter(tags)) != b"v" or tags[b"v"] != b"DKIM1"):
        raise Unverified("the version of the key record is unknown")
    if b"sha256" not in colon_list(tags.get(b"h", b"sha256")):
        raise Unverified("the key is not for SHA-256")
    if not {b"*", b"email"} & set(colon_list(tags.get(b"s", b"*"))):
        raise Unverified("the key is not for e-mail")
    if b"p" not in tags:
        raise Unverified("there is no key in the key record")
    if not squeezed(tags[b"p"]):
        raise Unverified("the key was revoked")
    material = base64_value(tags[b"p"])
    kind = tags.get(b"k", b"rsa")
    if kind not in (b"rsa", b"ed25519"):
        raise Unverified("the type of the key is unknown")
    key = _rsa(material) if kind == b"rsa" else _ed25519(material)
    return Record(key, exact=b"s" in colon_list(tags.get(b"t", b"")))


def write_record(key: PublicKey) -> str:
    """The record to publish for a key, as one string."""
    if isinstance(key, RSAPublicKey):
        kind, material = "rsa", key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        kind, material = "ed25519", key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k={kind}; s=email; t=s; p={b64encode(material).decode()}"


def _rsa(material: bytes) -> RSAPublicKey:
    """SubjectPublicKeyInfo, as everybody writes it, or RSAPublicKey, as the RFC does."""
    try:
        key = load_der_public_key(material)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unverified("the published key cannot be read") from None
    if not isinstance(key, RSAPublicKey):
        raise Unverified("the published key is not of its type")
    if not BITS[0] <= key.key_size <= BITS[1]:
        raise Unverified("the published key is too small or too large")
    return key


def _ed25519(material: bytes) -> Ed25519PublicKey:
    """RFC 8463, 4: the 32 octets themselves."""
    try:
        return Ed25519PublicKey.from_public_bytes(material)
    except ValueError:
        raise Unverified("the published key cannot be read") from None
