"""The load's mails are what a relay accepts, in form, and as large as the apps' texts."""

from email import message_from_bytes

import pytest

from angarium.lab.mails import mark_of, sealed
from angarium.mail.checks.encrypted import encrypted
from angarium.wire.message import parse


@pytest.mark.parametrize("size", [40, 1500, 100_000, 1_000_000])
def test_the_relay_takes_it_for_encrypted(size: int) -> None:
    assert encrypted(parse(sealed("ada@relay.example", "mark", size))).accepted


def test_it_has_the_size_of_a_short_text() -> None:
    assert 2500 < len(sealed("abcdefghi@relay.example", "mark")) < 3100


def test_it_is_a_mail_to_others_too() -> None:
    mail = message_from_bytes(sealed("ada@relay.example", "mark"))
    assert mail["From"] == "<ada@relay.example>"
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/encrypted",
        "application/pgp-encrypted",
        "application/octet-stream",
    ]
    assert not mail.defects


def test_every_line_ends_with_crlf() -> None:
    mail = sealed("ada@relay.example", "mark")
    assert mail.count(b"\n") == mail.count(b"\r\n") == mail.count(b"\r")


def test_a_mail_is_known_by_its_mark_also_with_more_headers_before() -> None:
    assert mark_of(b"Received: from nowhere\r\n" + sealed("ada@relay.example", "12-ab")) == "12-ab"
