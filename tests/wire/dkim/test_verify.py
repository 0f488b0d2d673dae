"""Message, signature and key: the RFC's own examples, and what breaks the agreement between them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from angarium.wire.dkim.record import write_record
from angarium.wire.dkim.sign import sign
from angarium.wire.message import parse

Judge = Callable[..., list[str]]

RFC8463 = (Path(__file__).parent / "vectors" / "rfc8463.eml").read_bytes()
KEYS = {
    "brisbane._domainkey.football.example.com": b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test._domainkey.football.example.com": (
        b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J"
        b"16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+"
        b"l/K4w3QIDAQAB"
    ),
}
HEADER_CHANGED = "the header has changed, or the key is another one"
ONE_FROM = "there must be exactly one From field"


def test_the_example_of_rfc_8463(judge: Judge) -> None:
    """RFC 8463, appendix A: two signatures, Ed25519 and RSA."""
    assert judge(RFC8463, KEYS) == ["good", "good"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"Subject: Is", b"subject:\tIs ", "good"),
        (b"hungry yet?\r\n", b"hungry  yet? \r\n", "good"),
        (b"Joe.\r\n", b"Joe.\r\n\r\n \r\n", "good"),
        (b"From:", b"X-New: 1\r\nFrom:", "good"),
        (b"Is dinner ready", b"No dinner", HEADER_CHANGED),
        (b"Is dinner", b"Isdinner", HEADER_CHANGED),
        (b"To: Suzie Q <suzie@shopping.example.net>\r\n", b"", HEADER_CHANGED),
        (b"To:", b"Subject: a second one\r\nTo:", HEADER_CHANGED),
        (b"From:", b"From: <a@other.example>\r\nFrom:", ONE_FROM),
        (b"From: Joe SixPack <joe@football.example.com>\r\n", b"", ONE_FROM),
        (b"We lost", b"We won", "the body has changed"),
        (b"Joe.\r\n", b"Joe.\r\nmore\r\n", "the body has changed"),
        (b"Hi.\r\n\r\n", b"Hi.\r\n", "the body has changed"),
    ],
)
def test_what_may_change_on_the_way(old: bytes, new: bytes, said: str, judge: Judge) -> None:
    assert old in RFC8463
    assert judge(RFC8463.replace(old, new), KEYS) == [said, said]


def test_fields_count_from_the_bottom(judge: Judge) -> None:
    above = RFC8463.replace(b"DKIM-Signature", b"To: somebody else\r\nDKIM-Signature", 1)
    assert judge(above, KEYS) == ["good", "good"], "To is signed once: the one at the bottom"
    assert judge(RFC8463.replace(b"\r\n\r\nHi", b"\r\nTo: x\r\n\r\nHi", 1), KEYS) == [HEADER_CHANGED] * 2


def test_a_signature_says_nothing_for_its_neighbour(judge: Judge) -> None:
    first, second = judge(RFC8463.replace(b"=/gCrin", b"=/gCrim", 1), KEYS)
    assert (first, second) == (HEADER_CHANGED, "good")
    assert judge(RFC8463.replace(b"v=1; a=ed", b"v=2; a=ed", 1), KEYS) == ["the version is unknown", "good"]


def test_keys_that_are_others(judge: Judge) -> None:
    swapped = dict(zip(KEYS, reversed(KEYS.values()), strict=True))
    assert judge(RFC8463, swapped) == ["the published key is not of the signature's type"] * 2
    other = Ed25519PrivateKey.generate().public_key()
    assert judge(RFC8463, {**KEYS, "brisbane._domainkey.football.example.com": write_record(other).encode()}) == [
        *(HEADER_CHANGED, "good")
    ]


def test_the_clock(judge: Judge) -> None:
    assert judge(RFC8463, KEYS, now=1_528_637_000) == ["good", "good"]
    assert judge(RFC8463, KEYS, now=1_500_000_000) == ["it is from the future"] * 2


def test_an_identity_below_the_domain_needs_a_key_that_allows_it(ed25519: Ed25519PrivateKey, judge: Judge) -> None:
    rest = b"From: <a@sub.relay.example>\r\n\r\nText\r\n"
    exact = write_record(ed25519.public_key()).encode()
    name = "one._domainkey.relay.example"
    signed = sign(parse(rest), "relay.example", [("one", ed25519)]) + rest
    assert judge(signed, {name: exact}) == ["good"]
    below = signed.replace(b"d=relay.example;", b"d=relay.example; i=@sub.relay.example;")
    assert judge(below, {name: exact}) == ["the key is not for domains below its own"]
    assert judge(below, {name: exact.replace(b"t=s; ", b"")}) == [HEADER_CHANGED]


@pytest.mark.parametrize("space", [b"", b" ", b"\r\n\t", b" \r\n "])
def test_white_space_around_a_value_is_no_part_of_it(space: bytes, ed25519: Ed25519PrivateKey, judge: Judge) -> None:
    """RFC 6376, 3.7: b= is emptied with all the space around it, also where nothing else may change."""
    rest = b"From: <a@relay.example>\r\n\r\nText\r\n"
    signed = sign(parse(rest), "relay.example", [("one", ed25519)]) + rest
    head, value = signed.split(b"\tb=", 1)
    value, behind = value.split(b"\r\nFrom", 1)
    spaced = head + b"\tb=" + space + value[:9] + b"\r\n\t" + value[9:] + space + b"\r\nFrom" + behind
    assert judge(spaced, {"one._domainkey.relay.example": write_record(ed25519.public_key()).encode()}) == ["good"]
