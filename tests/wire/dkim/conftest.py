"""Keys of dkimpy's tests and of RFC 8463, and how a whole message is judged."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from angarium.wire.dkim.record import read_record
from angarium.wire.dkim.signature import read_signature, signature_fields
from angarium.wire.dkim.tags import Unverified
from angarium.wire.dkim.verify import Verification
from angarium.wire.message import parse

VECTORS = Path(__file__).parent / "vectors"

Judge = Callable[..., list[str]]


@pytest.fixture(scope="session")
def rsa() -> RSAPrivateKey:
    """2048 bits."""
    key = load_pem_private_key((VECTORS / "dkimpy" / "2048_testkey.key").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


@pytest.fixture(scope="session")
def ed25519() -> Ed25519PrivateKey:
    """The key of RFC 8032, 7.1, that RFC 8463 signs with."""
    return Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )


@pytest.fixture(scope="session")
def judge() -> Judge:
    """What is said of each signature of a message, topmost first: why it proves nothing, or "good"."""

    def all_of(message: bytes, records: Mapping[str, bytes], *, now: int | None = None) -> list[str]:
        entity = parse(message)
        verification = Verification(entity)
        said = []
        for field in signature_fields(entity):
            try:
                signature = read_signature(entity, field, now=now)
                verification.check(signature, read_record(records.get(signature.record_name, b"")))
            except Unverified as why:
                said.append(str(why))
            else:
                said.append("good")
        return said

    return all_of
