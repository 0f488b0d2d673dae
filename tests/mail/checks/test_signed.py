"""Which mail of other relays is believed to be theirs."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from angarium.mail.checks.signed import LARGE, Signed
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.resolver import NoSuchName, Resolver, Unanswered
from angarium.wire.dkim.record import write_record
from angarium.wire.dkim.sign import sign
from angarium.wire.message import parse
from tests.dns_server import NameServer

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RECORD = write_record(KEY.public_key())
MESSAGE = b"From: <a@relay.example>\r\nTo: <b@here.example>\r\nDate: x\r\n\r\nText\r\n"
NOW = 1_800_000_000
Published = dict[str, list[str] | Exception]
NAME = "one._domainkey.relay.example"


def by(domain: str, message: bytes = MESSAGE, selector: str = "one") -> bytes:
    """The message, signed by a domain."""
    return sign(parse(message), domain, [(selector, KEY)]) + message


async def judged(message: bytes, published: Published | None = None, domain: str = "relay.example") -> Verdict:
    asked: Published = {NAME: [RECORD]} if published is None else published

    async def texts(name: str) -> tuple[bytes, ...]:
        answer = asked.get(name, NoSuchName())
        if isinstance(answer, Exception):
            raise answer
        return tuple(text.encode() for text in answer)

    return await Signed(texts, lambda: NOW).verdict(domain, message)


def refused(why: str) -> Verdict:
    return Verdict.reject(554, "5.7.1", f"no valid DKIM signature of the From field's domain: {why}")


async def test_signed_by_the_domain_itself() -> None:
    assert await judged(by("relay.example")) == ACCEPTED


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (MESSAGE, "there is none"),
        (by("other.example"), "it is of another domain"),
        (by("example.org"), "it is of another domain"),
        (by("sub.relay.example"), "it is of another domain"),
        (by("relay.example").replace(b"Text", b"Test"), "the body has changed"),
        (by("relay.example").replace(b"Date: x", b"Date: y"), "the header has changed, or the key is another one"),
        (by("relay.example", selector="two"), "its key is not published"),
        (by("relay.example").replace(b" v=1;", b" v=1; x=1700000000;"), "it has expired"),
        (by("relay.example").replace(b" v=1;", b" v=1; l=4;"), "only a part of the body is signed"),
        (by("relay.example").replace(b"\r\nTo:", b"\r\nFrom: <c@relay.example>\r\nTo:", 1), "exactly one From"),
        (b"no header", "the message cannot be read"),
    ],
)
async def test_not_signed_by_the_domain_itself(message: bytes, why: str) -> None:
    verdict = await judged(message)
    assert (verdict.code, verdict.enhanced) == (554, "5.7.1")
    assert why in verdict.text
    assert "@" not in verdict.text


async def test_a_domain_above_does_not_sign_for_one_below() -> None:
    below = by("relay.example", MESSAGE.replace(b"relay.example", b"sub.relay.example"))
    assert await judged(below, domain="sub.relay.example") == refused("it is of another domain")


async def test_one_good_signature_of_several_is_enough() -> None:
    good = by("relay.example")
    broken = by("relay.example", MESSAGE.replace(b"Text", b"Test")).replace(b"Test", b"Text")
    foreign = by("other.example")
    heads = [one.removesuffix(MESSAGE) for one in (broken, foreign)]
    assert await judged(b"".join(heads) + good) == ACCEPTED
    assert await judged(good.removesuffix(MESSAGE) + b"".join(heads) + MESSAGE) == ACCEPTED
    assert await judged(b"".join(heads) + MESSAGE) == refused("the body has changed")


async def test_only_so_many_signatures_are_looked_into() -> None:
    """Else a stranger could make a relay ask and compute as often as there is room in a header."""
    asked: list[str] = []

    async def texts(name: str) -> tuple[bytes, ...]:
        asked.append(name)
        raise NoSuchName

    many = b"".join(by("relay.example", selector=f"s{n}").removesuffix(MESSAGE) for n in range(50)) + MESSAGE
    assert not (await Signed(texts, lambda: NOW).verdict("relay.example", many)).accepted
    assert len(asked) == 4


async def test_that_nobody_could_be_asked_is_no_proof_against_it() -> None:
    later = await judged(by("relay.example"), {NAME: Unanswered()})
    assert (later.code, later.enhanced) == (451, "4.7.5")
    both = by("relay.example", selector="two").removesuffix(MESSAGE) + by("relay.example")
    two = "two._domainkey.relay.example"
    assert await judged(both, {two: Unanswered(), NAME: [RECORD]}) == ACCEPTED
    assert (await judged(both, {two: [RECORD.replace("p=", "p=AA")], NAME: Unanswered()})).code == 451
    assert (await judged(MESSAGE, {NAME: Unanswered()})).code == 554, "nobody need be asked"


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (["v=DKIM1; p="], "the key was revoked"),
        (["v=spf1 -all"], "the version of the key record is unknown"),
        ([RECORD.replace("s=email", "s=tlsrpt")], "the key is not for e-mail"),
        (["x=1", "x=2", "x=3", RECORD], "there is no key in the key record"),
    ],
)
async def test_keys_that_are_not_good(records: list[str], why: str) -> None:
    assert await judged(by("relay.example"), {NAME: [*records]}) == refused(why)


async def test_a_second_record_under_the_name_may_be_the_key() -> None:
    assert await judged(by("relay.example"), {NAME: ["v=spf1 -all", RECORD]}) == ACCEPTED


@pytest.mark.parametrize("domain", ["192.0.2.7", "2001:db8::7", "_relay.example"])
async def test_who_has_no_place_for_a_key_needs_no_signature(domain: str) -> None:
    assert await judged(MESSAGE, {}, domain) == ACCEPTED


@pytest.mark.parametrize("domain", ["relay", "x_relay.example", "192.0.2.7.example"])
async def test_others_do(domain: str) -> None:
    assert not (await judged(MESSAGE, {}, domain)).accepted


async def test_a_domain_in_unicode_is_compared_as_dns_spells_it() -> None:
    message = MESSAGE.replace(b"relay.example", "بریدیل.example".encode())
    ascii_name = "بریدیل.example".encode("idna").decode()
    assert (
        await judged(by(ascii_name, message), {f"one._domainkey.{ascii_name}": [RECORD]}, "بریدیل.example") == ACCEPTED
    )


async def test_a_large_message_is_judged_the_same() -> None:
    message = MESSAGE + b"x" * (LARGE + 1)
    signed = by("relay.example", message)
    assert await judged(signed) == ACCEPTED
    assert await judged(signed + b"more") == refused("the body has changed")


async def test_with_a_real_name_server(dns_server: NameServer) -> None:
    resolver = Resolver([dns_server.server], timeout=2)
    dns_server.set(NAME, "TXT", RECORD)
    assert await Signed(resolver.texts).verdict("relay.example", by("relay.example")) == ACCEPTED
    gone = await Signed(resolver.texts).verdict("relay.example", by("relay.example", selector="two"))
    assert gone == refused("its key is not published")
    dns_server.failing.add("three._domainkey.relay.example")
    later = await Signed(resolver.texts).verdict("relay.example", by("relay.example", selector="three"))
    assert later.code == 451
