"""Encrypted mails that nobody can read: what a load is made of.

They have the outer form of what the apps send (PGP/MIME, RFC 3156; packets of RFC 9580) and random bytes where the
ciphertext would be. A relay that checks the form accepts them; none can tell them from real ones. About 1.9 kB of
ciphertext makes the 2.8 kB of a short text.
"""

import base64
import secrets

__all__ = ["mark_of", "sealed"]

TEXT = 1500
"""Bytes of ciphertext with which a mail has the size of a short text."""

TEMPLATE = """\
From: <{sender}>
To: "hidden-recipients": ;
Subject: [...]
Date: Thu, 01 Jan 2026 00:00:00 +0000
Message-ID: <{mark}@localhost>
Chat-Version: 1.0
MIME-Version: 1.0
Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";
\tboundary="{boundary}"

--{boundary}
Content-Type: application/pgp-encrypted; charset="utf-8"
Content-Description: PGP/MIME version identification
Content-Transfer-Encoding: 7bit

Version: 1

--{boundary}
Content-Type: application/octet-stream; name="encrypted.asc";
\tcharset="utf-8"
Content-Description: OpenPGP encrypted message
Content-Disposition: inline; filename="encrypted.asc";
Content-Transfer-Encoding: 7bit

{armour}
--{boundary}--
"""


def sealed(sender: str, mark: str, size: int = TEXT) -> bytes:
    """A mail with CRLF line ends; `mark` becomes the left part of its Message-ID."""
    text = TEMPLATE.format(sender=sender, mark=mark, boundary=secrets.token_hex(16), armour=_armour(_message(size)))
    return text.replace("\n", "\r\n").encode()


def mark_of(mail: bytes) -> str:
    """The mark a mail was made with."""
    before, _, after = mail.partition(b"\r\nMessage-ID: <")
    assert before
    return after[: after.index(b"@localhost>")].decode()


def _message(size: int) -> bytes:
    """A key sealed to somebody (PKESK version 3, X25519) and data sealed with it (SEIPD version 1)."""
    wrapped = bytes([41, 9]) + secrets.token_bytes(40)
    key = bytes([3]) + secrets.token_bytes(8) + bytes([25]) + secrets.token_bytes(32) + wrapped
    return _packet(1, key) + _packet(18, bytes([1]) + secrets.token_bytes(size))


def _packet(tag: int, body: bytes) -> bytes:
    """RFC 9580, 4.2.1: a new-format header with a five-octet length."""
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def _armour(data: bytes) -> str:
    lines = "\n".join(base64.b64encode(data[at : at + 48]).decode() for at in range(0, len(data), 48))
    return f"-----BEGIN PGP MESSAGE-----\n\n{lines}\n-----END PGP MESSAGE-----\n"
