"""Whether message, signature and key agree (RFC 6376, 6.1.3; RFC 8463, 3).

Fields are selected from the bottom up, a name named more often than it occurs says that there were no more of them. A
message has one From field, or nobody could say whose signature it needs.
"""

import re
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, Hash

from angarium.wire.dkim.canonical import Canonical, body_hash, header_field, relaxed_value
from angarium.wire.dkim.record import Record
from angarium.wire.dkim.signature import Signature
from angarium.wire.dkim.tags import Unverified
from angarium.wire.message import Entity, Field

__all__ = ["Verification", "header_hash"]

# The value of b=, with all white space around it (RFC 6376, 3.7).
_VALUE = re.compile(rb"((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


class Verification:
    """One message, against as many signatures as it has; its body is hashed once for each form."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self._bodies: dict[Canonical, bytes] = {}

    def check(self, signature: Signature, record: Record) -> None:
        """Return if the signature is that of the message, made with the key of the record.

        Raises:
            Unverified: it is not.
        """
        if sum(field.name == b"from" for field in self.entity.fields) != 1:
            raise Unverified("there must be exactly one From field")
        if record.key_type != signature.key_type:
            raise Unverified("the published key is not of the signature's type")
        if record.exact and signature.identity_domain != signature.domain:
            raise Unverified("the key is not for domains below its own")
        if self._body(signature.body_form) != signature.body_hash:
            raise Unverified("the body has changed")
        digest = header_hash(self.entity, signature.signed, signature.header_form, self._emptied(signature))
        try:
            if isinstance(record.key, RSAPublicKey):
                record.key.verify(signature.value, digest, PKCS1v15(), Prehashed(SHA256()))
            else:
                record.key.verify(signature.value, digest)
        except (InvalidSignature, ValueError):
            raise Unverified("the header has changed, or the key is another one") from None

    def _body(self, form: Canonical) -> bytes:
        if form not in self._bodies:
            self._bodies[form] = body_hash(self.entity, form)
        return self._bodies[form]

    def _emptied(self, signature: Signature) -> tuple[Field, bytes]:
        """The signature's own field in canonical form with nothing in b=, and without its end of line."""
        field, raw = signature.field, self.entity.raw
        value = _VALUE.sub(rb"\1", raw[field.value : field.end].removesuffix(b"\r\n"), count=1)
        if signature.header_form is Canonical.RELAXED:
            return field, b"dkim-signature:" + relaxed_value(value)
        return field, raw[field.start : field.value] + value


def header_hash(entity: Entity, signed: Sequence[bytes], form: Canonical, own: tuple[Field | None, bytes]) -> bytes:
    """SHA-256 of the named fields and of the signature's `own`, which is not among them (RFC 6376, 3.7 and 5.4.2)."""
    left: dict[bytes, list[Field]] = {name: [] for name in signed}
    for field in entity.fields:
        if field.name in left and field is not own[0]:
            left[field.name].append(field)
    hashed = Hash(SHA256())
    for name in signed:
        if left[name]:
            hashed.update(header_field(entity, left[name].pop(), form))
    hashed.update(own[1])
    return hashed.finalize()
