"""Our signatures: what they say, what they cover, and that every message gets good ones."""

import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.dkim.record import write_record
from angarium.wire.dkim.sign import SIGNED, sign
from angarium.wire.dkim.signature import read_signature, signature_fields
from angarium.wire.dkim.tags import read_tags
from angarium.wire.message import parse

Judge = Callable[..., list[str]]

MESSAGE = (
    b"From: <a@relay.example>\r\nTo: <b@other.example>\r\nTo: again\r\nX-Unsigned: 1\r\nSubject: [...]\r\n"
    b"Chat-Is-Post-Message: 1\r\n\r\nText\r\n"
)


def test_what_it_says(rsa: RSAPrivateKey, ed25519: Ed25519PrivateKey) -> None:
    made = sign(parse(MESSAGE), "relay.example", [("one", rsa), ("two", ed25519)])
    entity = parse(made + MESSAGE)
    found = [read_signature(entity, field) for field in signature_fields(entity)]
    assert [(one.selector, one.key_type) for one in found] == [("one", b"rsa"), ("two", b"ed25519")]
    for one in found:
        assert sorted(one.signed) == [b"chat-is-post-message", b"from", b"from", b"subject", b"to", b"to"]
        assert one.domain == "relay.example"
        tags = read_tags(entity.raw[one.field.value : one.field.end])
        assert tags.keys() == {b"v", b"a", b"c", b"d", b"s", b"bh", b"h", b"b"}, "no time, no identity, no length"
    assert made.endswith(b"\r\n")
    assert max(map(len, made.split(b"\r\n"))) <= 100


def test_every_signed_field_is_covered(ed25519: Ed25519PrivateKey, judge: Judge) -> None:
    records = {"one._domainkey.relay.example": write_record(ed25519.public_key()).encode()}
    for name in SIGNED - {b"from"}:
        text = b"From: <a@relay.example>\r\n" + name + b": before\r\n\r\n"
        signed = sign(parse(text), "relay.example", [("one", ed25519)]) + text
        assert judge(signed, records) == ["good"]
        assert judge(signed.replace(b": before", b": behind"), records) != ["good"]


def test_no_second_from_field(ed25519: Ed25519PrivateKey) -> None:
    """Also for readers that do not count From fields: the signature says that there was one."""
    entity = parse(sign(parse(MESSAGE), "relay.example", [("one", ed25519)]) + MESSAGE)
    assert read_signature(entity, entity.fields[0]).signed.count(b"from") == 2


VALUE = st.lists(st.sampled_from([b"x", b" ", b"\t", b"\r\n ", b"\r\n\ty", b"\xff", b";", b"b="]), max_size=8).map(
    b"".join
)
FIELD = st.tuples(st.sampled_from([b"To", b"CC", b"subject", b"Date", b"X-A", b"DKIM-Signature"]), VALUE)


@given(st.lists(FIELD, max_size=8), st.lists(st.sampled_from([b"", b" ", b"a  b", b"\t", b"c "]), max_size=8))
def test_whatever_is_signed_is_good(
    rsa: RSAPrivateKey,
    ed25519: Ed25519PrivateKey,
    judge: Judge,
    fields: list[tuple[bytes, bytes]],
    lines: list[bytes],
) -> None:
    header = b"".join(name + b":" + value + b"\r\n" for name, value in [*fields, (b"From", b" <a@relay.example>")])
    text = header + b"\r\n" + b"\r\n".join(lines)
    records = {
        "one._domainkey.relay.example": write_record(rsa.public_key()).encode(),
        "two._domainkey.relay.example": write_record(ed25519.public_key()).encode(),
    }
    signed = sign(parse(text), "relay.example", [("one", rsa), ("two", ed25519)]) + text
    assert judge(signed, records)[:2] == ["good", "good"]
    assert judge(signed + b"\r\nmore", records)[:2] == ["the body has changed"] * 2


def test_a_thousand_recipients_are_signed(ed25519: Ed25519PrivateKey, judge: Judge) -> None:
    to = b"To: " + b",\r\n ".join(b"<person%04d@relay.example>" % number for number in range(1000)) + b"\r\n"
    text = MESSAGE.replace(b"To: again\r\n", to)
    signed = sign(parse(text), "relay.example", [("one", ed25519)]) + text
    assert judge(signed, {"one._domainkey.relay.example": write_record(ed25519.public_key()).encode()}) == ["good"]


def test_a_large_body_costs_little(ed25519: Ed25519PrivateKey, judge: Judge) -> None:
    """Whatever is in it: time grows with the size and no faster."""
    records = {"one._domainkey.relay.example": write_record(ed25519.public_key()).encode()}
    for line in (b"A" * 76 + b"\r\n", b"\r\n", b" \r\n", b"a \t b\r\n"):
        text = b"From: <a@relay.example>\r\n\r\n" + line * (4_000_000 // len(line))
        begun = time.process_time()
        signed = sign(parse(text), "relay.example", [("one", ed25519)]) + text
        assert judge(signed, records) == ["good"]
        assert time.process_time() - begun < 5, line
