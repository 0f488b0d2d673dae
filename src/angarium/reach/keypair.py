"""The private key of the relay and the certificates it signs itself.

The key is made once and kept: apps remember the public key of a relay for 30 days and go on trusting it when the
certificate has expired, so a new certificate is always made for the old key. ECDSA P-256, as every app takes it and a
handshake costs the least.

Refuses to know who uses them. Times in a certificate are whole days: the second a relay was made is nobody's business.

RFC 5280; RFC 6125 (which names a certificate is checked against).
"""

import datetime
import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from angarium.reach.files import write_whole

__all__ = ["KeyDamaged", "alternative_names", "covers", "fingerprint", "is_self_signed", "private_key", "self_signed"]

LIFE = datetime.timedelta(days=730)
DAY = datetime.timedelta(days=1)
COMMON_NAME_LENGTH = 64


class KeyDamaged(Exception):
    """The file of the private key holds no key we can use. Says which file, and what to do."""


def private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key kept at `path`, made on the first call.

    Raises:
        KeyDamaged: see there. A new key is not made in its place: apps that remember the old one would turn away.
        OSError: it could not be read or written.
    """
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        made = ec.generate_private_key(ec.SECP256R1())
        write_whole(path, _pem(made))
        return made
    try:
        kept = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        kept = None
    if not isinstance(kept, ec.EllipticCurvePrivateKey):
        raise KeyDamaged(f"{path} holds no private key: put it back from a copy, or delete it to begin with a new one")
    return kept


def self_signed(key: ec.EllipticCurvePrivateKey, names: Sequence[str], *, today: datetime.date) -> bytes:
    """A certificate for these domains and IP addresses, in PEM: valid for two years from the day before `today`."""
    begin = datetime.datetime.combine(today, datetime.time(), datetime.UTC) - DAY
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:COMMON_NAME_LENGTH])])
    builder = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + LIFE)
        .add_extension(alternative_names(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def alternative_names(names: Sequence[str]) -> x509.SubjectAlternativeName:
    """Domains (those in Unicode as DNS spells them) and IP addresses as a certificate lists them."""
    return x509.SubjectAlternativeName([_general_name(name) for name in names])


def covers(certificate: x509.Certificate, names: Iterable[str]) -> bool:
    """Whether a certificate lists all of these names."""
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return set(map(_general_name, names)) <= set(listed)


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether nobody but its own key vouches for a certificate."""
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def fingerprint(certificate: x509.Certificate) -> bytes:
    """What a certificate's key is known by: the SHA-256 of its SubjectPublicKeyInfo (RFC 7469, 2.4)."""
    public = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(public).digest()


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name if name.isascii() else name.encode("idna").decode())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
