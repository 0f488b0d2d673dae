"""Signatures of this relay: relaxed in both places, no time of day, and no second From field may be slipped in.

RSA is understood by everybody; Ed25519 (RFC 8463) is small, and the one of the two that will last. A message gets both.
No t= and x=: when a message was sent is nobody's business, and its Date field says what its writer chose to say.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from angarium.wire.dkim.canonical import Canonical, body_hash, header_field, relaxed_value
from angarium.wire.message import Entity, Field

__all__ = ["SIGNED", "PrivateKey", "sign"]

SIGNED = frozenset(
    b"from sender reply-to to cc subject date message-id in-reply-to references mime-version content-type "
    b"content-transfer-encoding content-disposition auto-submitted autocrypt chat-version chat-is-post-message "
    b"secure-join secure-join-invitenumber secure-join-group".split()
)
"""The fields that are signed, as often as they occur (RFC 6376, 5.4.1): those the app or its reader goes by."""
_WIDTH = 76

PrivateKey = RSAPrivateKey | Ed25519PrivateKey


def sign(entity: Entity, domain: str, keys: Sequence[tuple[str, PrivateKey]]) -> bytes:
    """The DKIM-Signature fields to put in front of a message, one for each key (selector and key), in order.

    `domain` is the domain of the From field, as DNS spells it.
    """
    signed, canonical = _selected(entity)
    names = _folded([*(name + b":" for name in signed), b"from;"])
    hashed = b64encode(body_hash(entity, Canonical.RELAXED))
    fields: list[bytes] = []
    for selector, key in keys:
        algorithm = b"rsa-sha256" if isinstance(key, RSAPrivateKey) else b"ed25519-sha256"
        value = b" v=1; a=%b; c=relaxed/relaxed; d=%b;\r\n\ts=%b; bh=%b;\r\n\th=%b\r\n\tb=" % (
            *(algorithm, domain.encode("ascii"), selector.encode("ascii"), hashed),
            names,
        )
        digest = sha256(canonical + b"dkim-signature:" + relaxed_value(value)).digest()
        text = b64encode(_signature(key, digest))
        lines = [text[at : at + _WIDTH - 4] for at in range(0, len(text), _WIDTH - 4)]
        fields.append(b"DKIM-Signature:" + value + b"\r\n\t".join(lines) + b"\r\n")
    return b"".join(fields)


def _signature(key: PrivateKey, digest: bytes) -> bytes:
    if isinstance(key, RSAPrivateKey):
        return key.sign(digest, PKCS1v15(), Prehashed(SHA256()))
    return key.sign(digest)


def _selected(entity: Entity) -> tuple[list[bytes], bytes]:
    """The names for h=, and what they stand for, from the bottom of the header to its top (RFC 6376, 5.4.2)."""
    chosen: list[Field] = [field for field in reversed(entity.fields) if field.name in SIGNED]
    canonical = b"".join(header_field(entity, field, Canonical.RELAXED) for field in chosen)
    return [field.name for field in chosen], canonical


def _folded(words: Iterable[bytes]) -> bytes:
    """The words in lines that are not too long."""
    lines = [b""]
    for word in words:
        if len(lines[-1]) + len(word) > _WIDTH:
            lines.append(b"")
        lines[-1] += word
    return b"\r\n\t".join(lines)
