"""dkimpy, another implementation, as the judge of ours: the same verdict on a thousand messages, and its own test data.

Where the two differ by intention, ours is the stricter one, and the difference has a test of its own here.
"""

import random
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from angarium.wire.dkim.record import write_record
from angarium.wire.dkim.sign import PrivateKey, sign
from angarium.wire.message import Malformed, parse

Judge = Callable[..., list[str]]

DATA = Path(__file__).parent / "vectors" / "dkimpy"
RFC8463 = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
GMAIL = (
    b"k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1Kd87/UeJjenpabgbFwh+eBCsSTrqmwIYYvywlbhbqoo2DymndFkbjOVIPI"
    b"ldNs/m40KF+yzMn1skyoxcTUGCQs8g3FgD2Ap3ZB5DekAo5wMmk4wimDO+U8QzI3SD07y2+07wlNWwIt8svnxgdxGkVbbhzY8i+RQ9DpSVpPbF7yk"
    b"QxtKXkv/ahW3KjViiAH+ghvvIhkx4xYSIc9oSwVmAl5OctMEeWUwg8Istjqz8BZeTWbf41fbNhte7Y+YqZOwq1Sd0DbvYAD9NOZK9vlfuac0598HY"
    b"+vtSBczUiKERHv1yRbcaQtZFh5wtiRrN04BLUTD21MycBX5jYchHjPY/wIDAQAB"
)
BROKEN = (
    b"k=rsa; p=MFwwDQYJKoZIhvNAQEBBQADSwAwSAJBANmBe10IgY+u7h3enWTukkqtUD5PR52Tb/mPfjC0QJTocVBq6Za/PlzfV+Py92VaCak19F4Wr"
    b"bVTK5Gg5tW220MCAwEAAQ=="
)
WORDS = (b"hungry", b"dinner", b"  ", b"\t", b" \t ", "چای".encode(), b"\xff\xfe", b"=", b";", b"b=", b":", b"x" * 80)


def data(name: str) -> bytes:
    return (DATA / name).read_bytes()


def message(name: str) -> bytes:
    """One of dkimpy's messages, with the ends of line that mail has."""
    return b"\r\n".join(data(name).splitlines()) + b"\r\n"


def theirs(text: bytes, records: dict[str, bytes], number: int = 0) -> bool:
    """dkimpy's verdict on one signature."""

    def published(name: bytes, timeout: float = 0) -> bytes | None:
        return records.get(name.decode("latin-1").rstrip("."))

    try:
        return bool(dkim.DKIM(text).verify(idx=number, dnsfunc=published))
    except (dkim.DKIMException, ValueError):
        return False


def generated(draw: random.Random) -> bytes:
    """A message as strange as it may be: odd white space, folds, 8-bit characters, repeated fields, any end."""

    def text(most: int) -> bytes:
        return b" ".join(draw.choices(WORDS, k=draw.randrange(most)))

    def folded() -> bytes:
        return text(4) + b"".join(
            b"\r\n" + draw.choice((b" ", b"\t")) + b"x" + text(3) for _ in range(draw.randrange(3))
        )

    names = draw.choices(
        (b"To", b"Cc", b"SUBJECT", b"Date", b"Message-ID", b"X-Other", b"received"), k=draw.randrange(9)
    )
    fields = [name + b":" + folded() + b"\r\n" for name in names]
    fields.insert(draw.randrange(len(fields) + 1), b"From: A <a@relay.example>\r\n")
    lines = [text(6) for _ in range(draw.randrange(6))] + draw.choices((b"", b" ", b"\t "), k=draw.randrange(4))
    body = b"".join(line + b"\r\n" for line in lines) + draw.choice((b"", b"", b"no end"))
    return b"".join(fields) + draw.choice((b"\r\n" + body, b"\r\n" + body, b"\r\n"))


def mutated(draw: random.Random, text: bytes) -> bytes:
    """The message with something done to it on the way, still a message."""
    head, _, body = text.partition(b"\r\n\r\n")
    fields = head.replace(b"\r\n ", b"\0 ").replace(b"\r\n\t", b"\0\t").split(b"\r\n")
    at = draw.randrange(len(fields))
    match draw.randrange(9):
        case 0:
            del fields[at]
        case 1:
            fields.insert(at, draw.choice(fields))
        case 2:
            draw.shuffle(fields)
        case 3:
            fields.insert(at, draw.choice((b"From: <b@other.example>", b"X-New: 1", b"Subject: new", b"To:")))
        case 4:
            fields[at] = fields[at].replace(b" ", draw.choice((b"  ", b"\0\t", b"")), 1)
        case 5:
            fields[at] += draw.choice((b" ", b"\t ", b"!", b";"))
        case 6:
            body = body + draw.choice((b"\r\n", b"\r\n\r\n", b" \r\n", b"more\r\n"))
        case 7:
            body = body.replace(b" ", draw.choice((b"  ", b"", b"\t")), 1)
        case 8:
            letter = draw.randrange(len(fields[at]))
            if fields[at][letter : letter + 1].isalnum():
                fields[at] = fields[at][:letter] + b"q" + fields[at][letter + 1 :]
    return b"\r\n".join(fields).replace(b"\0", b"\r\n") + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def records(rsa: RSAPrivateKey, ed25519: Ed25519PrivateKey) -> dict[str, bytes]:
    """What relay.example publishes; `small` is a key of 1024 bits, with which dkimpy signs in passable time."""
    return {
        "rsa._domainkey.relay.example": write_record(rsa.public_key()).encode(),
        "small._domainkey.relay.example": data("1024_testkey_wo_markers.pub.txt"),
        "ed25519._domainkey.relay.example": write_record(ed25519.public_key()).encode(),
    }


@pytest.fixture(scope="module")
def by_us(rsa: RSAPrivateKey, ed25519: Ed25519PrivateKey) -> list[bytes]:
    """A thousand messages, signed here, each with both keys."""
    keys: list[tuple[str, PrivateKey]] = [("rsa", rsa), ("ed25519", ed25519)]
    messages = [generated(random.Random(number)) for number in range(1000)]
    return [sign(parse(one), "relay.example", keys) + one for one in messages]


@pytest.fixture(scope="module")
def by_them(ed25519: Ed25519PrivateKey) -> list[bytes]:
    """The same, signed by dkimpy in all four forms, every fourth of them with RSA."""
    small = data("1024_testkey.key")
    secret = b64encode(ed25519.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    signed = []
    for number in range(1000):
        one = generated(random.Random(number))
        selector, key, algorithm = (
            ("ed25519", secret, "ed25519-sha256") if number % 4 else ("small", small, "rsa-sha256")
        )
        forms = (b"simple", b"relaxed")
        made = dkim.sign(
            *(one, selector.encode(), b"relay.example", key),
            canonicalize=(forms[number // 4 % 2], forms[number // 8 % 2]),
            signature_algorithm=algorithm.encode(),
        )
        signed.append(made + one)
    return signed


def ours(judge: Judge, text: bytes, records: dict[str, bytes]) -> list[bool]:
    try:
        return [said == "good" for said in judge(text, records)]
    except Malformed:
        return []


def test_what_we_sign_is_good_to_both(by_us: list[bytes], records: dict[str, bytes], judge: Judge) -> None:
    for number, text in enumerate(by_us):
        assert ours(judge, text, records) == [True, True], number
        assert theirs(text, records, number % 2), number


def test_what_they_sign_is_good_to_both(by_them: list[bytes], records: dict[str, bytes], judge: Judge) -> None:
    for number, text in enumerate(by_them):
        assert ours(judge, text, records) == [True], number
        assert theirs(text, records), number


@pytest.mark.parametrize("whose", ["by_us", "by_them"])
def test_of_what_happens_on_the_way_both_think_the_same(
    whose: str, records: dict[str, bytes], judge: Judge, request: pytest.FixtureRequest
) -> None:
    verdicts = []
    for number, text in enumerate(request.getfixturevalue(whose)):
        changed = mutated(random.Random(number), text)
        said = ours(judge, changed, records)
        if said:
            which = number % len(said)
            assert theirs(changed, records, which) == said[which], number
        else:
            assert not theirs(changed, records), number
        verdicts += said
    assert verdicts.count(True) > 200
    assert verdicts.count(False) > 200


# dkimpy's own tests, its data and its verdicts (its file names say what they are about)


@pytest.mark.parametrize(
    ("name", "records", "said"),
    [
        (
            "rfc6376.signed.msg",
            {"test._domainkey.football.example.com": "test.txt", "brisbane._domainkey.football.example.com": RFC8463},
            ["good", "good"],
        ),
        ("ed25519test2.msg", {"sed._domainkey.test.ex": "eximtest.dns"}, ["good"]),
        ("test2.message", {"20120113._domainkey.gmail.com": GMAIL}, ["good"]),
        ("test2.message", {"20120113._domainkey.gmail.com": GMAIL.removeprefix(b"k=rsa; ")}, ["good"]),
        (
            "rfc6376.signed.no_t.msg",
            {"test._domainkey.football.example.com": "test.txt"},
            ["the header has changed, or the key is another one"],
        ),
        (
            "rfc6376.signed.rsa.msg",
            {"test._domainkey.football.example.com": BROKEN},
            ["not base64"],
        ),
        ("test.message.baddomain", {"test._domainkey.legitimate.com(.attacker.com": "test.txt"}, ["not a domain name"]),
        ("test.message", {}, []),
    ],
)
def test_its_signed_messages(name: str, records: dict[str, bytes | str], said: list[str], judge: Judge) -> None:
    found = {where: data(what) if isinstance(what, str) else what for where, what in records.items()}
    assert judge(message(name), found) == said
    assert [theirs(message(name), found, number) for number in range(len(said))] == [one == "good" for one in said]


@pytest.mark.parametrize("forms", [(a, b) for a in (b"simple", b"relaxed") for b in (b"simple", b"relaxed")])
@pytest.mark.parametrize(
    ("name", "key", "record", "good"),
    [
        ("test.message", "test.private", "test.txt", True),
        ("test.message", "test.private", "test2.txt", True),
        ("test.message", "test.private", "badversion.txt", False),
        ("test.message", "test.private", "badk.txt", False),
        ("rfc6376.msg", "test.private", "test.txt", True),
        ("rfc6376.w1258.msg", "test.private", "test.txt", True),
        ("message.mbox", "test.private", "test.txt", True),
        ("test.message", "1024_testkey.key", "1024_testkey_wo_markers.pub.txt", True),
        ("test.message", "1024_testkey.key", "1024_testkey_wo_markers.pub.rsa.txt", True),
        ("test.message", "2048_testkey.key", "2048_testkey_wo_markers.pub.txt", True),
        ("test.message", "2048_testkey.key", "2048_testkey_wo_markers.pub.rsa.txt", True),
        ("test.message", "2048_testkey_PKCS8.key", "2048_testkey_PKCS8.key.pub.txt", True),
        ("test.message", "2048_testkey_PKCS8.key", "2048_testkey_wo_markers.pub.txt", False),
    ],
)
def test_its_keys_and_records(
    name: str, key: str, record: str, good: bool, forms: tuple[bytes, bytes], judge: Judge
) -> None:
    text = message(name)
    if text.startswith(b"From "):
        text = text.split(b"\r\n", 1)[1]  # an mbox begins with a line that is no field
    signed = dkim.sign(text, b"test", b"example.com", data(key), canonicalize=forms) + text
    records = {"test._domainkey.example.com": data(record)}
    assert (judge(signed, records)[0] == "good") is theirs(signed, records) is good
    assert judge(signed + b"foo", records)[0] != "good"
    second = signed.replace(b"\r\nTo:", b"\r\nFrom: <sales@spammer.example>\r\nTo:", 1)
    assert judge(second, records)[0] != "good"
    assert judge(signed.replace(b"\r\nTo:", b"\r\nX-Foo: bar\r\nTo:", 1), records) == judge(signed, records)


def test_its_keys_for_tls_reports_are_not_for_mail(judge: Judge) -> None:
    text = message("test.message")
    signed = dkim.sign(text, b"test", b"example.com", data("test.private")) + text
    record = data("test.txt").replace(b"k=rsa;", b"k=rsa; s=tlsrpt;")
    assert judge(signed, {"test._domainkey.example.com": record}) == ["the key is not for e-mail"]


# Where ours is the stricter one


def test_a_body_signed_in_part_is_good_to_them_only(judge: Judge) -> None:
    text = message("test.message")
    signed = dkim.sign(text, b"test", b"example.com", data("test.private"), length=True) + text + b"and more\r\n"
    records = {"test._domainkey.example.com": data("test.txt")}
    assert theirs(signed, records)
    assert judge(signed, records) == ["only a part of the body is signed"]


def test_sha1_is_good_to_them_only(judge: Judge) -> None:
    text = message("test.message")
    sha1 = {"signature_algorithm": b"rsa-sha1"}
    signed = dkim.DKIM(text, **sha1).sign(b"test", b"example.com", data("test.private")) + text
    records = {"test._domainkey.example.com": data("test.txt")}
    assert theirs(signed, records)
    assert judge(signed, records) == ["SHA-1 is no longer good for signatures"]
