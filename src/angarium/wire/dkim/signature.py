"""What a signature says of itself: the tags of one DKIM-Signature field (RFC 6376, 3.5), read and found possible.

Refused beyond what the RFC asks for: SHA-1 (RFC 8301, 3.1), and a body signed in part only (l=; RFC 6376, 8.2 says what
it invites): whoever signs so does not say what the reader sees.
"""

import re

from msgspec import Struct

from angarium.wire.dkim.canonical import Canonical
from angarium.wire.dkim.tags import Unverified, base64_value, colon_list, domain_name, read_tags, squeezed
from angarium.wire.message import Entity, Field

__all__ = ["LEEWAY", "Signature", "read_signature", "signature_fields"]

LEEWAY = 36_000
"""Seconds a clock elsewhere may be wrong before a time in a signature counts."""
FIELD_BYTES = 32_768
"""Longest signature read."""
_NAME = re.compile(rb"[!-9<-~]+")
_NUMBER = re.compile(rb"[0-9]{1,76}")
_ALGORITHMS = {b"rsa-sha256": b"rsa", b"ed25519-sha256": b"ed25519"}


class Signature(Struct, frozen=True):
    """One signature, not yet checked."""

    field: Field
    key_type: bytes
    """What the key must be: ``rsa`` or ``ed25519``; the hash is always SHA-256."""
    domain: str
    """d=: who says so, in lower case."""
    selector: str
    """s=: under which name the key is published."""
    signed: tuple[bytes, ...]
    """h=: the names of the signed fields, in lower case, in order."""
    header_form: Canonical
    body_form: Canonical
    body_hash: bytes
    value: bytes
    """b=: the signature proper."""
    identity_domain: str
    """What stands behind the @ of i=."""

    @property
    def record_name(self) -> str:
        """Where its key is published, as a TXT record (RFC 6376, 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def signature_fields(entity: Entity) -> list[Field]:
    """Every DKIM-Signature field of a message, the topmost (usually the newest) first."""
    return [field for field in entity.fields if field.name == b"dkim-signature"]


def read_signature(entity: Entity, field: Field, *, now: int | None = None) -> Signature:
    """Read one signature. With `now` (seconds since 1970-01-01 UTC), t= and x= are held against the clock.

    Raises:
        Unverified: a tag is missing, malformed or of no known meaning; it has expired, or is from the future.
    """
    if field.end - field.value > FIELD_BYTES:
        raise Unverified("the signature is too long")
    tags = read_tags(entity.raw[field.value : field.end])
    if missing := {b"v", b"a", b"b", b"bh", b"d", b"h", b"s"} - tags.keys():
        raise Unverified(f"{min(missing).decode()}= is missing")
    if tags[b"v"] != b"1":
        raise Unverified("the version is unknown")
    if tags[b"a"] == b"rsa-sha1":
        raise Unverified("SHA-1 is no longer good for signatures")
    if (key_type := _ALGORITHMS.get(tags[b"a"])) is None:
        raise Unverified("the algorithm is unknown")
    if b"l" in tags:
        raise Unverified("only a part of the body is signed")
    if b"dns/txt" not in colon_list(tags.get(b"q", b"dns/txt")):
        raise Unverified("the key is published in an unknown way")
    _judge_times(tags, now)
    header_form, body_form = _forms(tags.get(b"c", b"simple"))
    domain = domain_name(tags[b"d"])
    if "." not in domain:
        raise Unverified("not a domain name")
    return Signature(
        field=field,
        key_type=key_type,
        domain=domain,
        selector=domain_name(tags[b"s"]),
        signed=_signed(tags[b"h"]),
        header_form=header_form,
        body_form=body_form,
        body_hash=base64_value(tags[b"bh"]),
        value=base64_value(tags[b"b"]),
        identity_domain=_identity(tags.get(b"i"), domain),
    )


def _forms(value: bytes) -> tuple[Canonical, Canonical]:
    """c=: the form of the header, and that of the body where one is named."""
    header, slash, body = value.partition(b"/")
    try:
        return Canonical(header), Canonical(body if slash else b"simple")
    except ValueError:
        raise Unverified("the canonical form is unknown") from None


def _signed(value: bytes) -> tuple[bytes, ...]:
    names = tuple(name.lower() for name in colon_list(value))
    if not all(_NAME.fullmatch(name) for name in names):
        raise Unverified("h= is not a list of fields")
    if b"from" not in names:
        raise Unverified("the From field is not signed")
    return names


def _identity(value: bytes | None, domain: str) -> str:
    if value is None:
        return domain
    _, at, behind = squeezed(value).rpartition(b"@")
    if not at:
        raise Unverified("i= is no identity")
    identity = domain_name(behind)
    if identity != domain and not identity.endswith("." + domain):
        raise Unverified("i= is not within d=")
    return identity


def _judge_times(tags: dict[bytes, bytes], now: int | None) -> None:
    """Raises Unverified: what is no number, and x= not behind t=, ever; the rest if there is a clock."""
    made, expires = _number(tags.get(b"t")), _number(tags.get(b"x"))
    if made is not None and expires is not None and expires <= made:
        raise Unverified("it expires before it was made")
    if now is None:
        return
    if made is not None and made > now + LEEWAY:
        raise Unverified("it is from the future")
    if expires is not None and expires < now - LEEWAY:
        raise Unverified("it has expired")


def _number(value: bytes | None) -> int | None:
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise Unverified("a time is no number")
    return int(value)
