"""A bounce is a valid report (the standard library reads it), and one the apps understand."""

import email
import email.policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

from angarium.mail.bounce import Failure, bounce
from angarium.mail.checks.form import read
from angarium.mail.verdict import Verdict
from angarium.wire.message import Entity, parse

ORIGINAL = parse(b"From: a@b\r\nSubject: secret plans\r\nMessage-ID: <one@localhost>\r\n\r\nwords\r\n")
GONE = Verdict.reject(550, "5.1.1", "there is no such address", "private detail")
FULL = Verdict.reject(552, "5.2.2", "the mailbox is full")
DAY = 20_410  # 2025-11-18


def write(*failures: Failure, original: Entity = ORIGINAL) -> bytes:
    return bounce(original, failures, sender="alice1234@relay.example", domain="relay.example", day=DAY)


def read_back(raw: bytes) -> EmailMessage:
    read(raw)  # what we write is what we would take: CRLF only, a plain header
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_its_header() -> None:
    message = read_back(write(Failure("nobody@relay.example", GONE)))
    assert message["From"] == "Mail Delivery <mailer-daemon@relay.example>"
    assert message["To"] == "<alice1234@relay.example>" or message["To"] == "alice1234@relay.example"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == message["References"] == "<one@localhost>"
    assert message["Message-ID"].endswith("@relay.example>")
    assert message["Subject"] == "Not delivered"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"


def test_it_tells_the_day_and_no_time() -> None:
    raw = write(Failure("nobody@relay.example", GONE))
    date = parsedate_to_datetime(read_back(raw)["Date"])
    assert date.isoformat() == "2025-11-18T00:00:00+00:00"


def test_its_three_parts() -> None:
    raw = write(Failure("nobody@relay.example", GONE), Failure("bob12345@relay.example", FULL))
    text, status, headers = read_back(raw).iter_parts()
    assert text.get_content_type() == "text/plain"
    assert text.get_content().splitlines() == [
        "nobody@relay.example: there is no such address.",
        "bob12345@relay.example: the mailbox is full.",
    ]
    assert status.get_content_type() == "message/delivery-status"
    about, first, second = status.iter_parts()
    assert about["Reporting-MTA"] == "dns; relay.example"
    assert first["Final-Recipient"] == "rfc822; nobody@relay.example"
    assert first["Action"] == "failed"
    assert first["Status"] == "5.1.1"
    assert first["Diagnostic-Code"] == "smtp; 550 5.1.1 there is no such address"
    assert second["Status"] == "5.2.2"
    assert headers.get_content_type() == "text/rfc822-headers"
    assert headers.get_content().strip() == "Message-ID: <one@localhost>"


def test_it_repeats_nothing_else_and_no_private_detail() -> None:
    raw = write(Failure("nobody@relay.example", GONE))
    for word in (b"secret", b"words", b"private detail"):
        assert word not in raw


def test_two_of_one_message_have_nothing_in_common_but_the_message() -> None:
    first, second = (read_back(write(Failure("nobody@relay.example", GONE))) for _ in range(2))
    assert first["Message-ID"] != second["Message-ID"]
    assert first.get_boundary() != second.get_boundary()


def test_many_recipients_are_named_to_machines_only() -> None:
    raw = write(*[Failure(f"nobody{number}@relay.example", GONE) for number in range(1000)])
    text, status, _ = read_back(raw).iter_parts()
    assert text.get_content().splitlines()[10:] == ["And 990 more."]
    assert len(list(status.iter_parts())) == 1001


def test_recipients_outside_ascii() -> None:
    raw = write(Failure("علی@مثال.example", GONE))
    text, status, headers = read_back(raw).iter_parts()
    assert "علی@مثال.example: there is" in text.get_content()
    assert status.get_content_type() == "message/global-delivery-status"
    assert headers.get_content_type() == "message/global-headers"
    assert "Final-Recipient: utf-8; علی@مثال.example\r\n".encode() in raw


def test_a_hostile_or_missing_message_id_is_left_out() -> None:
    for header in (
        b"",
        b"Message-ID: words\r\n",
        b"Message-ID: <a>\r\n <b>\r\n",
        b"Message-ID: <\xff>\r\n",
        b"Message-ID: <<a>>\r\n",
    ):
        raw = write(Failure("nobody@relay.example", GONE), original=parse(header + b"\r\n"))
        message = read_back(raw)
        assert message["References"] is None
        assert raw.count(b"Message-ID") == 1
