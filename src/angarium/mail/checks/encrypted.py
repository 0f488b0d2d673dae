"""Whether a message is encrypted, or is the one that asks for encryption: nothing else passes through a relay.

Encrypted (RFC 3156, 4): multipart/encrypted of exactly two parts, ``Version: 1`` and an armoured OpenPGP message whose
packets are session keys and one encrypted-data packet. The packets are walked: a mail that only talks about OpenPGP,
or carries a literal or a compressed packet in its armour, does not pass.

A Secure-Join request in the clear is how older apps begin: its form leaves no room for words of one's own in the body.
"""

from dataclasses import replace

from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.wire.message import Entity, Malformed
from angarium.wire.mime import content_type, decoded, parts
from angarium.wire.openpgp import NotEncrypted, dearmour, require_encrypted

__all__ = ["encrypted"]

# The apps look for "invalid unencrypted mail" in the text of a refusal.
_NEEDED = Verdict.reject(523, "5.7.1", "Encryption Needed: Invalid Unencrypted Mail")
_REMARK = 1024
"""Octets before and behind the parts: some programs write there that this is an encrypted message."""
_REQUESTS = frozenset({b"vc-request", b"vg-request"})


def encrypted(message: Entity) -> Verdict:
    """Judge a whole message, its own header included."""
    if _is_request(message):
        return ACCEPTED
    try:
        _require_pgp_mime(message)
    except (Malformed, NotEncrypted) as fault:
        return replace(_NEEDED, detail=str(fault))
    return ACCEPTED


def _require_pgp_mime(message: Entity) -> None:
    kind = content_type(message)
    if kind.type != b"multipart/encrypted":
        raise NotEncrypted("the message is not multipart/encrypted")
    children = parts(message, kind, limit=2, around=_REMARK)
    if [content_type(child).type for child in children] != [b"application/pgp-encrypted", b"application/octet-stream"]:
        raise NotEncrypted("the parts are not those of PGP/MIME")
    version, sealed = children
    if decoded(version).strip() != b"Version: 1":
        raise NotEncrypted("the first part is not Version: 1")
    require_encrypted(dearmour(decoded(sealed)))


def _is_request(message: Entity) -> bool:
    if message.first(b"secure-join") is None:
        return False
    try:
        if message.only(b"secure-join") not in _REQUESTS:
            return False
        (child,) = parts(message, content_type(message), limit=1, around=0)
        if content_type(child).type != b"text/plain":
            return False
        text = decoded(child).strip().lower()
    except (Malformed, ValueError):
        return False
    return text.startswith(b"secure-join: ") and text.removeprefix(b"secure-join: ") in _REQUESTS
