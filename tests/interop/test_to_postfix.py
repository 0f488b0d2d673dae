"""From a relay of ours to Postfix: found by MX, over TLS that is verified, signed so that OpenDKIM says pass.

What Postfix refuses comes back to whoever sent it, at once where that can be; what it defers, or cannot be brought
without being sure to whom, waits.
"""

import asyncio
import re
import secrets
import smtplib

import pytest
import pytest_asyncio

from angarium.lab.mails import sealed
from angarium.mail.federation.schedule import SPREAD_SECONDS
from tests.interop.conftest import ENCRYPTED, LARGE, Beside, Letters, Ours
from tests.interop.foreign import PATIENCE, Foreign, judged


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def greylisted(ours: Ours, postfix: Foreign, letter: Letters) -> tuple[str, str]:
    """A message to somebody who greylists, told to try again before the other tests begin: (its sender, its mark)."""
    somebody = await ours.somebody()
    message, mark = letter(somebody)
    await ours.submit(message, somebody, ["grey@foreign.test"])
    postfix.logged(f"450 4.7.1 .*from=<{somebody}> to=<grey@foreign.test>")
    assert await ours.waiting() == {"foreign.test": 1}
    await ours.retry("foreign.test")
    return somebody, mark


async def test_arrives_whole_and_signed_by_both_keys(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    somebody, sent = await ours.somebody(), {}
    for like in ENCRYPTED:
        message, mark = letter(somebody, like)
        await ours.submit(message, somebody, ["someone@foreign.test"])
        sent[mark] = message
    for mark, message in sent.items():
        arrived = await asyncio.to_thread(postfix.arrived, "someone@foreign.test", mark)
        assert judged(arrived) == [("pass", ours.domain, "rsa-sha256"), ("pass", ours.domain, "ed25519-sha256")]
        (raw,) = (one for one in postfix.inbox("someone@foreign.test") if mark.encode() in one)
        assert raw.partition(b"\r\n\r\n")[2] == (message.removesuffix(b"\r\n") + b"\r\n").partition(b"\r\n\r\n")[2]


async def test_nothing_is_told_but_what_mail_needs(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    somebody = await ours.somebody()
    message, mark = letter(somebody)
    message = b"Received: from a phone\r\nX-Mailer: an app\r\n" + message
    await ours.submit(message, somebody, ["someone@foreign.test"])
    arrived = postfix.arrived("someone@foreign.test", mark)
    by_dovecot, by_postfix = (re.sub(r"\s+", " ", str(each)) for each in arrived.get_all("Received", []))
    assert " with LMTP " in by_dovecot
    assert by_postfix.startswith(f"from {ours.domain} ")
    assert "using TLSv1.3" in by_postfix
    assert " with ESMTPS id " in by_postfix  # and not UTF8SMTPS
    assert "X-Mailer" not in arrived
    assert "app.test" not in arrived.as_string()


async def test_one_persons_messages_arrive_in_order(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    somebody = await ours.somebody()
    marks = []
    for _ in range(20):
        message, mark = letter(somebody)
        await ours.submit(message, somebody, ["another@foreign.test"])
        marks.append(mark)
    postfix.arrived("another@foreign.test", marks[-1])
    inbox = b"\r\n".join(postfix.inbox("another@foreign.test"))
    assert [mark for mark in re.findall(rb"\nMessage-ID: <(.*)>", inbox) if mark.decode() in marks] == [
        mark.encode() for mark in marks
    ]


async def test_nobody_there_is_refused_at_once(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    somebody = await ours.somebody()
    message, _ = letter(somebody)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        await ours.submit(message, somebody, ["nobody@foreign.test"])
    assert refused.value.smtp_code == 550
    assert b"5.1.1" in refused.value.smtp_error
    assert await ours.inbox(somebody) == []


async def test_of_two_recipients_the_unknown_one_comes_back(ours: Ours, postfix: Foreign, letter: Letters) -> None:
    somebody = await ours.somebody()
    message, mark = letter(somebody)
    await ours.submit(message, somebody, ["someone@foreign.test", "nobody@foreign.test"])
    postfix.arrived("someone@foreign.test", mark)
    bounce = await ours.arrived(somebody, mark)
    assert b"Final-Recipient: rfc822; nobody@foreign.test\r\n" in bounce
    assert b"someone@foreign.test" not in bounce
    assert b"Status: 5.1.1\r\n" in bounce


async def test_what_fails_behind_postfix_comes_back_from_there(ours: Ours, letter: Letters) -> None:
    """Postfix accepts, and its bounce comes back over the other direction: signed, and let in."""
    somebody = await ours.somebody()
    message, mark = letter(somebody)
    await ours.submit(message, somebody, ["ghost@foreign.test"])
    bounce = await ours.arrived(somebody, mark)
    assert b"From: Mail Delivery System <MAILER-DAEMON@foreign.test>" in bounce
    assert b"Final-Recipient: rfc822; ghost@foreign.test" in bounce


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        ("stranger.test", "alert unknown ca"),
        ("misnamed.test", "alert bad certificate"),
        ("clear.test", " ehlo=1 commands=1$"),
    ],
    ids=["certified-by-a-stranger", "certified-for-another", "without-tls"],
)
async def test_who_is_not_surely_the_one_gets_nothing(
    ours: Ours, postfix: Foreign, letter: Letters, domain: str, said: str
) -> None:
    somebody = await ours.somebody()
    message, _ = letter(somebody)
    before = len(postfix.log())
    await ours.submit(message, somebody, [f"someone@{domain}"])
    postfix.logged(said, before)
    assert (await ours.waiting())[domain] == 1
    assert somebody not in postfix.log()
    assert postfix.inbox(f"someone@{domain}") == []


async def test_a_large_file_arrives(ours: Ours, postfix: Foreign) -> None:
    somebody, mark = await ours.somebody(), secrets.token_hex(8)
    message = sealed(somebody, mark, LARGE)
    await ours.submit(message, somebody, ["archivist@foreign.test"])
    arrived = postfix.arrived("archivist@foreign.test", mark)
    assert [verdict for verdict, _, _ in judged(arrived)] == ["pass", "pass"]
    assert arrived.as_bytes().partition(b"\r\n\r\n")[2] == message.partition(b"\r\n\r\n")[2]


async def test_a_group_of_two_relays(ours: Ours, postfix: Foreign, beside: Beside, letter: Letters) -> None:
    """One transaction names everybody: here, at another relay of ours, and over there."""
    async with beside("relay-b.test") as other:
        author, here, there = await ours.somebody(), await ours.somebody(), await other.somebody()
        message, mark = letter(author)
        await ours.submit(message, author, [here, there, "someone@foreign.test", "another@foreign.test"])
        await ours.arrived(here, mark)
        await other.arrived(there, mark)
        assert len(await other.inbox(there)) == 1
    postfix.arrived("someone@foreign.test", mark)
    postfix.arrived("another@foreign.test", mark)
    assert len(re.findall(f"from=<{author}>.*nrcpt=2", postfix.log())) == 1
    assert await ours.inbox(author) == []


async def test_who_greylists_is_asked_again(ours: Ours, postfix: Foreign, greylisted: tuple[str, str]) -> None:
    somebody, mark = greylisted
    await asyncio.to_thread(postfix.arrived, "grey@foreign.test", mark, SPREAD_SECONDS + PATIENCE)
    assert postfix.greylist.seen[somebody, "grey@foreign.test"] == 2
    assert "foreign.test" not in await ours.waiting()
