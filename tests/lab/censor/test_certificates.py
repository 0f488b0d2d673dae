"""Certificates of sites: of both kinds of key, alone, or with who signed them."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from angarium.lab.censor.certificates import Key, certified


@pytest.mark.parametrize(("key", "size"), [("P-256", 256), ("RSA", 2048)])
@pytest.mark.parametrize("chained", [False, True])
def test_a_certificate_is_for_its_name_and_its_key(key: Key, size: int, *, chained: bool) -> None:
    encoded, secret = certified("a.example", key, chained=chained)
    chain = x509.load_pem_x509_certificates(encoded)
    private = serialization.load_pem_private_key(secret, None)
    assert chain[0].public_key() == private.public_key()
    assert private.key_size == size  # type: ignore[union-attr]
    names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example"]
    assert len(chain) == 1 + chained
    chain[0].verify_directly_issued_by(chain[-1])


def test_whose_certificate_comes_with_it_does_not_sign_itself_and_signs_others_too() -> None:
    one, other = (x509.load_pem_x509_certificates(certified(name, chained=True)[0]) for name in ("a", "b"))
    assert one[1] == other[1]
    assert one[1].issuer != one[1].subject
