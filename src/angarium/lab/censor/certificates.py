"""Certificates for the lab's sites: of the two kinds of key that sites have, alone, or with an issuer's beside them."""

import datetime
from functools import cache
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

__all__ = ["Key", "certified"]

Key = Literal["P-256", "RSA"]
"""RSA has 2,048 bits."""
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAYS = 90


def certified(name: str, key: Key = "P-256", *, chained: bool = False) -> tuple[bytes, bytes]:
    """A certificate for a name, signed by itself or followed by its issuer's, and its key, in PEM."""
    private = _private(key)
    if chained:
        issuer, issuing = _issuer(key)
        chain = [_certificate(name, private, issuer.subject, issuing), issuer]
    else:
        chain = [_certificate(name, private, _called(name), private)]
    encoded = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded, secret


@cache
def _issuer(key: Key) -> tuple[x509.Certificate, PrivateKey]:
    """An authority whose own certificate an authority has signed that nobody shows."""
    root, private = ec.generate_private_key(ec.SECP384R1()), _private(key)
    return _certificate(f"Lab {key}", private, _called("Lab Root"), root, authority=True), private


def _private(key: Key) -> PrivateKey:
    return rsa.generate_private_key(65_537, 2_048) if key == "RSA" else ec.generate_private_key(ec.SECP256R1())


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _certificate(
    name: str, private: PrivateKey, issuer: x509.Name, issuing: PrivateKey, *, authority: bool = False
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_called(name))
        .issuer_name(issuer)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
    )
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuing, hashes.SHA256())
