"""Published keys: which are believed, and that ours can be read."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.dkim.record import read_record, write_record
from angarium.wire.dkim.tags import Unverified

POINT = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
OURS = f"v=DKIM1; k=ed25519; p={POINT}"


def spki(bits: int) -> bytes:
    """A record with a public number of so many bits; nobody has a key for it."""
    key = rsa.RSAPublicNumbers(65537, (1 << bits) - 159).public_key()
    return b"v=DKIM1; k=rsa; p=" + b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def test_our_records_can_be_read(rsa: rsa.RSAPrivateKey, ed25519: Ed25519PrivateKey) -> None:
    for key, kind in ((rsa.public_key(), b"rsa"), (ed25519.public_key(), b"ed25519")):
        text = write_record(key)
        found = read_record(text.encode())
        assert found.key == key
        assert found.key_type == kind
        assert found.exact
        assert len(text) < 450
    assert write_record(ed25519.public_key()) == f"v=DKIM1; k=ed25519; s=email; t=s; p={POINT}"


@pytest.mark.parametrize(
    "text",
    [
        OURS,
        OURS.removeprefix("v=DKIM1; "),
        f"{OURS};",
        f"k=ed25519; p={POINT[:9]} {POINT[9:]}; n=a note; unknown=1; g=*",
        f"{OURS}; h=sha1:sha256; s=other : email; t=y",
        f"{OURS}; s=*; h=sha256; t=y:x",
    ],
)
def test_believed(text: str) -> None:
    found = read_record(text.encode())
    assert found.key_type == b"ed25519"
    assert not found.exact


def test_only_for_its_very_domain() -> None:
    assert read_record(f"{OURS}; t=y : s".encode()).exact


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a list of tags"),
        ("v=spf1 -all", "version"),
        ("v=spf1 a mx -all; p=x", "version"),
        (f"v=DKIM2; p={POINT}", "version"),
        (f"k=ed25519; v=DKIM1; p={POINT}", "version"),
        ("v=DKIM1; k=rsa", "no key in the key record"),
        ("v=DKIM1; k=rsa; p=", "revoked"),
        ("v=DKIM1; k=rsa; p= \t", "revoked"),
        ("v=DKIM1; k=ed25519; p=aGVsbG8=", "cannot be read"),
        ("v=DKIM1; k=ed25519; p=?", "not base64"),
        (f"v=DKIM1; p={POINT}", "cannot be read"),
        (f"v=DKIM1; k=ec; p={POINT}", "type of the key is unknown"),
        (f"{OURS}; h=sha1", "not for SHA-256"),
        (f"{OURS}; s=tlsrpt", "not for e-mail"),
        (f"{OURS}; p={POINT}", "twice"),
        (f"{OURS}; n={'x' * 9000}", "too long"),
    ],
)
def test_not_believed(text: str, why: str) -> None:
    with pytest.raises(Unverified, match=why):
        read_record(text.encode())


def test_size_counts() -> None:
    """RFC 8301, 3.2."""
    for bits in (512, 1023, 8193, 16_384):
        with pytest.raises(Unverified, match=r"too small or too large|cannot be read"):
            read_record(spki(bits))
    for bits in (1024, 2048, 4096, 8192):
        assert read_record(spki(bits)).key_type == b"rsa"


def test_a_key_of_another_kind_than_it_says() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    text = b"k=rsa; p=" + b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(Unverified, match="not of its type"):
        read_record(text)


@given(st.binary(max_size=200), st.sampled_from([b"rsa", b"ed25519"]))
def test_whatever_is_published_only_the_documented_error_escapes(material: bytes, kind: bytes) -> None:
    for text in (material, b"k=" + kind + b"; p=" + b64encode(material)):
        try:
            assert read_record(text).key_type in (b"rsa", b"ed25519")
        except Unverified:
            continue


@given(st.integers(0, 293), st.integers(0, 255))
def test_a_damaged_key_is_read_or_refused(at: int, octet: int) -> None:
    der = bytearray(
        rsa.RSAPublicNumbers(65537, (1 << 2048) - 159)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    der[at] = octet
    try:
        assert read_record(b"p=" + b64encode(der)).key_type == b"rsa"
    except Unverified:
        return
