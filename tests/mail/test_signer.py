"""What leaves the relay is signed by the domain it is from, and believed by the check that others do."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from angarium.mail.checks.signed import LARGE, Signed
from angarium.mail.signer import Signer
from angarium.mail.verdict import ACCEPTED
from angarium.wire.dkim.record import write_record
from angarium.wire.message import Malformed

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


async def published(_: str) -> tuple[bytes, ...]:
    return (write_record(KEY.public_key()).encode(),)


@pytest.fixture
def signer() -> Signer:
    return Signer([("one", KEY), ("two", KEY)])


@pytest.mark.parametrize("domain", ["relay.example", "Relay.Example", "بریدیل.example"])
@pytest.mark.parametrize("size", [1, LARGE])
async def test_signed_in_front_and_otherwise_as_it_was(signer: Signer, domain: str, size: int) -> None:
    message = f"From: A <a@{domain}>\r\n\r\n".encode() + b"x" * size
    signed = await signer.sign(message)
    assert signed.endswith(message)
    assert signed.count(b"DKIM-Signature:") == 2
    assert await Signed(published).verdict(domain.lower(), signed) == ACCEPTED


@pytest.mark.parametrize("domain", ["192.0.2.7", "[192.0.2.7]", "[IPv6:2001:db8::7]", "_relay.example", "localhost"])
async def test_nothing_is_added_where_no_key_can_be_published(signer: Signer, domain: str) -> None:
    message = f"From: <a@{domain}>\r\n\r\nText\r\n".encode()
    assert await signer.sign(message) == message


async def test_without_keys_nothing_is_added() -> None:
    message = b"From: <a@relay.example>\r\n\r\n"
    assert await Signer([]).sign(message) == message


@pytest.mark.parametrize("message", [b"no header", b"To: x\r\n\r\n", b"From: nobody\r\n\r\n", b"From: <a@-.x>\r\n\r\n"])
async def test_what_is_from_nobody(signer: Signer, message: bytes) -> None:
    with pytest.raises(Malformed):
        await signer.sign(message)
