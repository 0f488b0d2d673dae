"""The encryption rule, on mails named after what they prove (`tests/mails`)."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.mail.checks.encrypted import encrypted
from angarium.mail.verdict import ACCEPTED, Outcome
from angarium.wire.message import Malformed, parse

MAILS = Path(__file__).parents[2] / "mails"

NO_PGP_MIME = "not multipart/encrypted"
NOT_THE_PARTS = "not those of PGP/MIME"
NO_ARMOUR = "no armoured PGP MESSAGE"
NOT_BASE64 = "something else than base64"
FOREIGN_PACKET = "neither a session key nor encrypted data"
MORE_BEHIND = "something follows the encrypted data"
NO_VERSION = "of no known version"
SESSION_KEYS = "session key is empty or too large"
PARTIAL = "may not be has a partial length"
REPEATED = "may occur once is repeated"

WHY = {
    "a-byte-behind-the-data": MORE_BEHIND,
    "a-novel-in-a-session-key": SESSION_KEYS,
    "a-letter-in-the-epilogue": "too many words around the parts",
    "a-letter-in-the-preamble": "too many words around the parts",
    "a-public-key": NO_ARMOUR,
    "a-read-receipt-in-clear": NO_PGP_MIME,
    "a-text": NO_PGP_MIME,
    "a-text-between-armour-lines": NO_PGP_MIME,
    "armour-in-a-text": NO_PGP_MIME,
    "armour-of-signed-text": NO_ARMOUR,
    "armour-without-end": "the armour does not end",
    "base64-with-words-between": "not the base64 it says it is",
    "boundary-also-in-pieces": "the boundary is given twice",
    "boundary-that-continues": "begins like a delimiter and is none",
    "child-with-two-types": REPEATED,
    "children-swapped": NOT_THE_PARTS,
    "comment-without-end": "a comment does not end",
    "compressed-packet": FOREIGN_PACKET,
    "data-cut-short": "a packet is cut short",
    "data-of-version-3": NO_VERSION,
    "data-too-short-to-be-any": NO_VERSION,
    "data-without-integrity": FOREIGN_PACKET,
    "delimiter-behind-the-last": "a delimiter behind the last one",
    "encoded-multipart": "may not be encoded",
    "encrypted-inside-mixed": NO_PGP_MIME,
    "first-part-too-small": "the first partial length is below 512",
    "literal-packet": FOREIGN_PACKET,
    "literal-packet-behind-a-session-key": FOREIGN_PACKET,
    "marker-packet-first": FOREIGN_PACKET,
    "multipart-mixed": NO_PGP_MIME,
    "no-body-at-all": "the last delimiter is missing",
    "no-boundary": "the boundary is missing",
    "no-empty-line-in-the-armour": NO_ARMOUR,
    "no-last-delimiter": "the last delimiter is missing",
    "no-packets": "there are no encrypted data",
    "one-child": NOT_THE_PARTS,
    "packet-behind-the-data": MORE_BEHIND,
    "padding-packet-behind": MORE_BEHIND,
    "second-data-packet": MORE_BEHIND,
    "secure-join-as-html": NO_PGP_MIME,
    "secure-join-body-alone": NO_PGP_MIME,
    "secure-join-header-alone": NO_PGP_MIME,
    "secure-join-not-multipart": NO_PGP_MIME,
    "secure-join-step-not-for-clear": NO_PGP_MIME,
    "secure-join-twice": NO_PGP_MIME,
    "secure-join-with-a-preamble": NO_PGP_MIME,
    "secure-join-with-an-attachment": NO_PGP_MIME,
    "secure-join-with-an-epilogue": NO_PGP_MIME,
    "secure-join-with-words": NO_PGP_MIME,
    "session-key-alone": "there are no encrypted data",
    "session-key-behind-the-data": MORE_BEHIND,
    "session-key-in-parts": PARTIAL,
    "session-key-of-open-length": "a packet has no length",
    "text-for-packets": "no OpenPGP packets",
    "three-children": "too many parts",
    "two-armours": NOT_BASE64,
    "two-boundaries": "a parameter of the Content-Type is repeated",
    "two-content-types": REPEATED,
    "unknown-transfer-encoding": "the Content-Transfer-Encoding is unknown",
    "version-2-part": "not Version: 1",
    "words-before-the-armour": NO_ARMOUR,
    "words-behind-the-armour": "last lines are malformed",
    "words-in-an-unknown-armour-header": NO_ARMOUR,
    "words-within-the-armour": NOT_BASE64,
    "wrong-type-of-second-child": NOT_THE_PARTS,
    "wrong-version-part": "not Version: 1",
}


def mails(folder: str) -> list[Path]:
    found = sorted((MAILS / folder).glob("*.eml"))
    assert found
    return found


def stem(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", mails("encrypted") + mails("app"), ids=stem)
def test_encrypted_mails_pass(path: Path) -> None:
    assert encrypted(parse(path.read_bytes())) is ACCEPTED


@pytest.mark.parametrize("path", mails("clear"), ids=stem)
def test_mails_in_clear_are_refused_for_what_they_are_named_after(path: Path) -> None:
    verdict = encrypted(parse(path.read_bytes()))
    assert verdict.outcome is Outcome.REJECT
    assert (verdict.code, verdict.enhanced) == (523, "5.7.1")
    assert verdict.text == "Encryption Needed: Invalid Unencrypted Mail"
    assert WHY[path.stem] in verdict.detail


def test_every_reason_has_its_mail() -> None:
    assert {path.stem for path in mails("clear")} == set(WHY)


SOURCES = [path.read_bytes() for path in mails("encrypted") + mails("clear")]
WORDS = [b"\r\n", b"--", b"--18bd9c1f0a4f2c57_3ec8b1f0d6a94e12_a1b2c3d4e5f60718", b":", b'"', b"=", b"-----", b"", b"A"]


@given(st.sampled_from(SOURCES), st.integers(0, 5000), st.integers(0, 60), st.sampled_from(WORDS), st.integers(0, 3000))
def test_mutated_mails_get_a_verdict(source: bytes, at: int, skip: int, word: bytes, end: int) -> None:
    mutated = source[:at] + word + source[at + skip : len(source) - end]
    try:
        entity = parse(mutated)
    except Malformed:
        return
    assert encrypted(entity).code in (250, 523)


@given(st.sampled_from(SOURCES), st.integers(min_value=0), st.integers(0, 255))
def test_a_changed_octet_gets_a_verdict(source: bytes, at: int, octet: int) -> None:
    mutated = bytearray(source)
    mutated[at % len(source)] = octet
    try:
        entity = parse(bytes(mutated))
    except Malformed:
        return
    assert encrypted(entity).code in (250, 523)
