"""From Postfix, signed by OpenDKIM, to a relay of ours: it arrives once, or comes back to its sender.

Postfix finds the relay by its MX record, insists on a certificate for the relay's very name, and signs with one key or
the other; the relay finds the keys in DNS. Nothing is set up by hand between the two.
"""

import asyncio
import re
import secrets
import smtplib
from email import message_from_bytes
from email.message import EmailMessage

import pytest

from angarium.lab.mails import sealed
from angarium.reach.resolver import UNANSWERED
from tests.interop.conftest import ENCRYPTED, LARGE, Beside, Letters, Ours
from tests.interop.foreign import MX, PATIENCE, Foreign, Network

TOO_LARGE = 24_000_000
"""Bytes of ciphertext: 33 million as armour; a relay takes 31,457,280 of a message."""


REPORT = """\
From: Mail Delivery System <MAILER-DAEMON@foreign.test>\r
Auto-Submitted: auto-replied\r
Message-ID: <{mark}@mail.foreign.test>\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary=part\r
\r
--part\r
\r
This is the mail system.\r
--part\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mail.foreign.test\r
\r
Final-Recipient: rfc822; ghost@foreign.test\r
Action: failed\r
Status: 5.1.1\r
--part--\r
"""


def reported(bounce: EmailMessage) -> str:
    """What a bounce says in the part that is for programs."""
    (report,) = (part for part in bounce.walk() if part.get_content_type() == "message/delivery-status")
    return re.sub(r"\s+", " ", report.as_string())


async def bounced(postfix: Foreign, mark: str, sender: str = "someone@foreign.test") -> str:
    """What the one bounce to a sender over there says of the message with this Message-ID."""
    bounce = postfix.arrived(sender, mark)
    assert "<MAILER-DAEMON@foreign.test>" in bounce["From"]
    return reported(bounce)


@pytest.mark.parametrize("sign", ["rsa-sha256", "ed25519-sha256"])
async def test_arrives_once_and_whole(ours: Ours, postfix: Foreign, letter: Letters, sign: str) -> None:
    somebody = await ours.somebody()
    message, mark = letter("someone@foreign.test")
    postfix.submit(message, [somebody], sign=sign)
    arrived = await ours.arrived(somebody, mark)
    assert arrived.partition(b"\r\n\r\n")[2] == message.partition(b"\r\n\r\n")[2]
    head = arrived.partition(b"\r\n\r\n")[0].lower()
    assert b"from: <someone@foreign.test>" in head
    assert not re.search(rb"^(received|dkim-signature|return-path|authentication-results):", head, re.MULTILINE)
    assert len(await ours.inbox(somebody)) == 1
    postfix.logged(f"Verified TLS connection established to mx.{ours.domain}")


async def test_every_shape_of_encrypted_mail_comes_through(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    somebody = await ours.somebody()
    for like in ENCRYPTED:
        message, mark = letter("someone@foreign.test", like)
        postfix.submit(message, [somebody])
        arrived = await ours.arrived(somebody, mark)
        whole = message.removesuffix(b"\r\n") + b"\r\n"  # SMTP has no other end
        assert arrived.partition(b"\r\n\r\n")[2] == whole.partition(b"\r\n\r\n")[2], like
    assert len(await ours.inbox(somebody)) == len(ENCRYPTED)


async def test_letters_of_every_script_come_through(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    """SMTPUTF8, and a header in eight bits that is signed as it is."""
    somebody = await ours.somebody()
    message, mark = letter("göndəren@foreign.test")
    message = "In-Reply-To: <نامه@foreign.test>\r\n".encode() + message
    postfix.submit(message, [somebody], sender="göndəren@foreign.test")
    arrived = await ours.arrived(somebody, mark)
    assert "From: <göndəren@foreign.test>\r\n".encode() in arrived
    assert "In-Reply-To: <نامه@foreign.test>\r\n".encode() in arrived


async def test_many_at_once_arrive_once_each(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    people = [await ours.somebody() for _ in range(3)]
    marks = []
    for _ in range(20):
        message, mark = letter("someone@foreign.test")
        postfix.submit(message, people)
        marks.append(mark)
    await ours.arrived(people[-1], marks[-1])
    for each in people:
        async with asyncio.timeout(PATIENCE):
            while len(found := await ours.inbox(each)) < len(marks):
                await asyncio.sleep(0.1)
        assert sorted(message_from_bytes(one)["Message-ID"] for one in found) == sorted(f"<{mark}>" for mark in marks)


async def test_a_large_file_arrives(ours: Ours, postfix: Foreign) -> None:
    somebody, mark = await ours.somebody(), secrets.token_hex(8)
    message = sealed("someone@foreign.test", mark, LARGE)
    postfix.submit(message, [somebody])
    arrived = await ours.arrived(somebody, mark)
    assert arrived.partition(b"\r\n\r\n")[2] == message.partition(b"\r\n\r\n")[2]


async def test_a_larger_one_is_not_even_brought(ours: Ours, postfix: Foreign) -> None:
    somebody, mark = await ours.somebody(), secrets.token_hex(8)
    postfix.submit(sealed("someone@foreign.test", mark, TOO_LARGE), [somebody])
    said = await bounced(postfix, mark)
    assert "exceeds size limit 31457280" in said
    assert await ours.inbox(somebody) == []


async def test_what_postfix_folds_after_the_signature_comes_back(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    """A word of 1,200 letters in a signed field: Postfix may not send such a line, breaks it, and the signature."""
    somebody = await ours.somebody()
    message, mark = letter("someone@foreign.test")
    postfix.submit(message.replace(b"Subject: [...]", b"Subject: " + b"x" * 1200), [somebody])
    said = await bounced(postfix, mark)
    assert "554 5.7.1" in said
    assert "the header has changed" in said


async def test_a_message_brought_twice_is_there_once(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    somebody = await ours.somebody()
    message, mark = letter("someone@foreign.test")
    postfix.submit(message, [somebody])
    await ours.arrived(somebody, mark)
    before = len(postfix.log())
    postfix.submit(message, [somebody])
    postfix.logged(f"to=<{somebody}>.*status=sent", before)
    assert len(await ours.inbox(somebody)) == 1


async def test_clear_text_comes_back(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    somebody = await ours.somebody()
    message, mark = letter("someone@foreign.test", "clear/a-text")
    postfix.submit(message, [somebody])
    said = await bounced(postfix, mark)
    assert f"Final-Recipient: rfc822; {somebody}" in said
    assert "523 5.7.1 Encryption Needed: Invalid Unencrypted Mail" in said
    assert await ours.inbox(somebody) == []


async def test_of_two_recipients_the_unknown_one_comes_back(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    somebody, nobody = await ours.somebody(), f"nobody.here@{ours.domain}"
    message, mark = letter("someone@foreign.test")
    postfix.submit(message, [somebody, nobody])
    said = await bounced(postfix, mark)
    assert f"Final-Recipient: rfc822; {nobody}" in said
    assert somebody not in said
    assert "550 5.1.1 there is no such address" in said
    await ours.arrived(somebody, mark)


@pytest.mark.parametrize(
    ("author", "sender", "sign", "why"),
    [
        ("someone@foreign.test", "someone@foreign.test", "", "there is none"),
        ("tampered@foreign.test", "tampered@foreign.test", "rsa-sha256", "the header has changed"),
        ("someone@other.test", "someone@other.test", "rsa-sha256", "another domain"),
        ("someone@other.test", "someone@foreign.test", "rsa-sha256", "the same domain"),
    ],
    ids=["unsigned", "tampered", "signed-by-another", "sent-by-another"],
)
async def test_a_forgery_comes_back(
    ours: Ours, postfix: Foreign, letter: Letters, author: str, sender: str, sign: str, why: str
) -> None:
    somebody = await ours.somebody()
    message, mark = letter(author)
    postfix.submit(message, [somebody], sender=sender, sign=sign)
    said = await bounced(postfix, mark, sender)
    assert "554 5.7.1" in said
    assert why in said
    assert await ours.inbox(somebody) == []


async def test_a_group_of_two_relays_is_one_transaction(
    ours: Ours, postfix: Foreign, beside: Beside, letter: Letters
) -> None:
    async with beside("relay-b.test") as other:
        here = [await ours.somebody(), await ours.somebody()]
        there = await other.somebody()
        message, mark = letter("someone@foreign.test")
        postfix.submit(message, [*here, there, "another@foreign.test"])
        for each in here:
            await ours.arrived(each, mark)
            assert len(await ours.inbox(each)) == 1
        await other.arrived(there, mark)
    postfix.arrived("another@foreign.test", mark)


async def test_while_the_relay_is_down_it_waits(postfix: Foreign, beside: Beside, letter: Letters) -> None:
    async with beside("relay-c.test") as away:
        somebody = await away.somebody()
    message, mark = letter("someone@foreign.test")
    postfix.submit(message, [somebody])
    postfix.logged(f"to=<{somebody}>.*status=deferred .*Connection refused")
    assert somebody in postfix.waiting()
    async with beside("relay-c.test") as back:
        postfix.flush()
        await back.arrived(somebody, mark)
        postfix.logged(f"to=<{somebody}>.*status=sent")
        assert len(await back.inbox(somebody)) == 1
    assert somebody not in postfix.waiting()


async def test_while_the_senders_key_cannot_be_had_it_waits(
    net: Network, postfix: Foreign, beside: Beside, letter: Letters
) -> None:
    async with beside("relay-d.test") as fresh:  # one that remembers no answer
        somebody = await fresh.somebody()
        message, mark = letter("someone@foreign.test")
        net.dns.failing.add("rsa._domainkey.foreign.test")
        try:
            postfix.submit(message, [somebody])
            said = postfix.logged(f"to=<{somebody}>.*status=deferred")
        finally:
            net.dns.failing.clear()
        assert "451 4.7.5" in said
        await asyncio.sleep(UNANSWERED)
        postfix.flush()
        await fresh.arrived(somebody, mark)


async def test_a_bounce_from_over_there_arrives(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    """Postfix takes a message, finds too late that it cannot deliver it, and says so: signed, from nobody, in clear."""
    somebody = await ours.somebody()
    message, mark = letter(somebody)
    with smtplib.SMTP(postfix.address, MX, local_hostname=f"mx.{ours.domain}", timeout=PATIENCE) as smtp:
        smtp.starttls()
        smtp.sendmail(somebody, ["ghost@foreign.test"], message)
    arrived = await ours.arrived(somebody, mark)
    assert b"From: Mail Delivery System <MAILER-DAEMON@foreign.test>" in arrived
    assert b"Final-Recipient: rfc822; ghost@foreign.test" in arrived
    assert len(await ours.inbox(somebody)) == 1


@pytest.mark.parametrize("sign", ["rsa-sha256", ""])
async def test_a_bounce_has_to_be_signed_too(ours: Ours, postfix: Foreign, sign: str) -> None:
    """By default Postfix signs none: `docs/interop.md`."""
    somebody, mark = await ours.somebody(), secrets.token_hex(8)
    postfix.submit(REPORT.format(mark=mark).encode(), [somebody], sender="", sign=sign)
    said = postfix.logged(f"to=<{somebody}>.*status=(?:sent|bounced)")
    if sign:
        await ours.arrived(somebody, mark)
    else:
        assert "554 5.7.1 no valid DKIM signature" in said
        assert await ours.inbox(somebody) == []
