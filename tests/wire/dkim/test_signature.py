"""What is read of a signature, and what makes it void before anything is computed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.dkim.canonical import Canonical
from angarium.wire.dkim.signature import LEEWAY, Signature, read_signature, signature_fields
from angarium.wire.dkim.tags import Unverified
from angarium.wire.message import Malformed, parse

BODY = "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="
TAGS = {"v": "1", "a": "rsa-sha256", "d": "relay.example", "s": "one", "h": "from:to", "bh": BODY, "b": "aGVsbG8="}
NOW = 1_800_000_000


def read(change: dict[str, str | None] | None = None, *, now: int | None = NOW) -> Signature:
    tags = {**TAGS, **(change or {})}
    text = "; ".join(f"{name}={value}" for name, value in tags.items() if value is not None)
    entity = parse(f"DKIM-Signature: {text}\r\n\r\n".encode())
    (field,) = signature_fields(entity)
    return read_signature(entity, field, now=now)


def test_what_is_read() -> None:
    found = read(
        {"d": "Relay.Example", "h": "From : To:\r\n\tX-Y:from", "b": "aGVs\r\n\tbG8=", "unknown": "x", "n": ""}
    )
    assert (found.domain, found.selector, found.identity_domain) == ("relay.example", "one", "relay.example")
    assert found.record_name == "one._domainkey.relay.example"
    assert found.signed == (b"from", b"to", b"x-y", b"from")
    assert found.value == b"hello"
    assert len(found.body_hash) == 32
    assert found.key_type == b"rsa"
    assert read({"a": "ed25519-sha256"}).key_type == b"ed25519"


@pytest.mark.parametrize(
    ("written", "header", "body"),
    [
        (None, Canonical.SIMPLE, Canonical.SIMPLE),
        ("simple", Canonical.SIMPLE, Canonical.SIMPLE),
        ("relaxed", Canonical.RELAXED, Canonical.SIMPLE),
        ("simple/relaxed", Canonical.SIMPLE, Canonical.RELAXED),
        ("relaxed/relaxed", Canonical.RELAXED, Canonical.RELAXED),
    ],
)
def test_forms(written: str | None, header: Canonical, body: Canonical) -> None:
    found = read({"c": written})
    assert (found.header_form, found.body_form) == (header, body)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        *(({name: None}, f"{name}= is missing") for name in TAGS),
        ({"v": "2"}, "the version is unknown"),
        ({"v": ""}, "the version is unknown"),
        ({"a": "rsa-sha1"}, "SHA-1"),
        ({"a": "rsa-sha512"}, "the algorithm is unknown"),
        ({"a": "RSA-SHA256"}, "the algorithm is unknown"),
        ({"b": ""}, "not base64"),
        ({"b": "aGVsbG8"}, "not base64"),
        ({"bh": "aGVs!G8="}, "not base64"),
        ({"c": ""}, "canonical form"),
        ({"c": "relaxed/"}, "canonical form"),
        ({"c": "simple/simple/simple"}, "canonical form"),
        ({"c": "relaxed/stressed"}, "canonical form"),
        ({"d": ""}, "not a domain"),
        ({"d": "localhost"}, "not a domain"),
        ({"d": "relay.example."}, "not a domain"),
        ({"d": "legitimate.com(.attacker.com"}, "not a domain"),
        ({"s": "a b"}, "not a domain"),
        ({"h": ""}, "not a list of fields"),
        ({"h": "from::to"}, "not a list of fields"),
        ({"h": "to:subject"}, "the From field is not signed"),
        ({"i": "relay.example"}, "no identity"),
        ({"i": "@other.example"}, "not within d="),
        ({"i": "@notrelay.example"}, "not within d="),
        ({"i": "@example"}, "not within d="),
        ({"i": "@"}, "not a domain"),
        ({"l": "0"}, "only a part of the body"),
        ({"l": "999999"}, "only a part of the body"),
        ({"q": "http"}, "published in an unknown way"),
        ({"t": "yesterday"}, "a time is no number"),
        ({"x": "-1"}, "a time is no number"),
        ({"x": "9" * 77}, "a time is no number"),
        ({"t": "1700000000", "x": "1700000000"}, "expires before"),
        ({"x": str(NOW - LEEWAY - 1)}, "it has expired"),
        ({"t": str(NOW + LEEWAY + 1)}, "from the future"),
        ({"x-y": "1"}, "not a list of tags"),
        ({"z": "x" * 33_000}, "too long"),
    ],
)
def test_void(change: dict[str, str | None], why: str) -> None:
    with pytest.raises(Unverified, match=why):
        read(change)


@pytest.mark.parametrize(
    "change",
    [
        {"x": str(NOW - LEEWAY)},
        {"t": str(NOW + LEEWAY)},
        {"t": "0", "x": "1" + "0" * 60},
        {"q": "http : dns/txt"},
        {"i": "somebody@Sub.Relay.Example"},
        {"i": "@relay.example"},
        {"z": "From:a|To:b"},
    ],
)
def test_possible(change: dict[str, str | None]) -> None:
    assert read(change).domain == "relay.example"


def test_without_a_clock_times_do_not_count() -> None:
    assert read({"x": "1"}, now=None).selector == "one"
    assert read({"t": "9" * 20}, now=None).selector == "one"


def test_a_repeated_tag_is_not_the_last_or_the_first_one() -> None:
    with pytest.raises(Unverified, match="twice"):
        read({"v": "1; d=other.example"})


def test_every_signature_is_found_topmost_first() -> None:
    entity = parse(b"DKIM-Signature: a=1\r\nFrom: x\r\ndkim-signature: b=2\r\n\r\nDKIM-Signature: body\r\n")
    assert [entity.raw[field.value : field.end].strip() for field in signature_fields(entity)] == [b"a=1", b"b=2"]


@given(st.binary(max_size=120), st.sampled_from(sorted(TAGS)), st.integers(0, 2**33))
def test_whatever_comes_only_the_documented_error_escapes(value: bytes, name: str, now: int) -> None:
    text = b"; ".join(key.encode() + b"=" + (value if key == name else TAGS[key].encode()) for key in TAGS)
    try:
        entity = parse(b"DKIM-Signature: " + text + b"\r\n\r\n")
        found = read_signature(entity, entity.fields[0], now=now)
    except (Unverified, Malformed):
        return
    assert b"from" in found.signed
    assert "." in found.domain
