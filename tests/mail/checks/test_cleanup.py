"""What is taken out of a message, and that nothing else is touched."""

from pathlib import Path

import pytest

from angarium.mail.checks.cleanup import clean, clean_arrived
from angarium.mail.checks.encrypted import encrypted
from angarium.wire.message import parse

MAILS = Path(__file__).parents[2] / "mails"

TELLTALE = (
    "Received: from [192.0.2.7] by relay.example; Tue, 18 Nov 2025 04:12:09 +0330\r\n"
    "RECEIVED: from\r\n\tphone.local\r\n"
    "X-Originating-IP: [192.0.2.7]\r\n"
    "x-mailer: Client 1.2\r\n"
    "User-Agent: Client/1.2 (Linux)\r\n"
    "Bcc: bob12345@relay.example,\r\n carol123@relay.example\r\n"
    "Return-Path: <alice1234@relay.example>\r\n"
    "Authentication-Results: relay.example; dkim=pass\r\n"
    "X-Mozilla-Status: 0001\r\n"
)


def test_telltale_fields_go_and_the_rest_stays_to_the_byte() -> None:
    mail = (MAILS / "encrypted" / "as-the-app-sends-it.eml").read_bytes()
    assert clean(parse(TELLTALE.encode() + mail)) == mail
    middle = mail.replace(b"MIME-Version", TELLTALE.encode() + b"MIME-Version", 1)
    assert clean(parse(middle)) == mail


def test_the_outer_subject_is_hidden() -> None:
    rest = b"X-Keep:  odd   spacing \r\n\r\nReceived: body\r\nSubject: body\r\n"
    raw = b"From: a@b\r\nSUBJECT:Meet me\r\n at nine\r\n" + rest
    assert clean(parse(raw)) == b"From: a@b\r\nSUBJECT: [...]\r\n" + rest


def test_a_message_without_a_subject_gets_none() -> None:
    assert clean(parse(b"From: a@b\r\n\r\n")) == b"From: a@b\r\n\r\n"


@pytest.mark.parametrize("path", sorted((MAILS / "encrypted").glob("*.eml")), ids=lambda path: path.stem)
def test_a_cleaned_mail_is_accepted_again_and_stays_as_it_is(path: Path) -> None:
    once = clean(parse(path.read_bytes()))
    assert encrypted(parse(once)).accepted
    assert clean(parse(once)) == once


def test_what_the_app_needs_is_kept() -> None:
    path = MAILS / "encrypted" / "post-message-of-a-file.eml"
    kept = parse(clean(parse(path.read_bytes())))
    assert kept.first(b"chat-is-post-message") == b"1"
    assert kept.first(b"message-id") == b"<6f0b2a1e-9b1c-4a64-8a55-0c7fd9a3d0b7@localhost>"
    request = parse(clean(parse((MAILS / "encrypted" / "secure-join-vc-request.eml").read_bytes())))
    assert request.first(b"secure-join-invitenumber") == b"kv5jSg4f5C7"


def test_what_relays_wrote_on_it_goes_when_it_arrives() -> None:
    mail = (MAILS / "encrypted" / "as-the-app-sends-it.eml").read_bytes()
    signed = b"DKIM-Signature: v=1; d=relay.example;\r\n b=AA==\r\nARC-Seal: i=1\r\nReceived-SPF: pass\r\n"
    assert clean_arrived(parse(TELLTALE.encode() + signed + mail), report=False) == mail
    assert clean_arrived(parse(b"Subject: Plans\r\n\r\n"), report=False) == b"Subject: [...]\r\n\r\n"
    assert clean_arrived(parse(b"Subject: Not delivered\r\n\r\n"), report=True) == b"Subject: Not delivered\r\n\r\n"
