"""From another relay to the mailboxes, with the memory store: what is taken, what is refused, what is stored."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from angarium.mail.bounce import Failure, bounce
from angarium.mail.checks.peers import Peers
from angarium.mail.incoming import HOPS, Incoming
from angarium.mail.settings import Messages, Retention
from angarium.mail.verdict import ACCEPTED, Outcome, Verdict
from angarium.store.interfaces import Letter, Owner, StoreError, StoreFull
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory
from angarium.wire.message import parse

MAILS = Path(__file__).parents[1] / "mails"
MAIL = (MAILS / "encrypted" / "as-the-app-sends-it.eml").read_bytes()
LARGE = (MAILS / "encrypted" / "post-message-of-a-file.eml").read_bytes()
REQUEST = (MAILS / "encrypted" / "secure-join-vc-request.eml").read_bytes()
ALICE = "alice1234@relay.example"
BOB, CAROL, NOBODY = "bob12345@here.example", "carol123@here.example", "nobody12@here.example"
DAY = 20_410
UNSIGNED = Verdict.reject(554, "5.7.1", "no valid signature")
TRANSIT = b"""\
Received: from phone (203.0.113.9) by relay.example; Tue, 18 Nov 2025 04:12:09 +0000\r
DKIM-Signature: v=1; a=rsa-sha256; d=relay.example; s=x; h=From; bh=AA==;\r
 b=AA==\r
Authentication-Results: relay.example; dkim=pass\r
X-Originating-IP: 203.0.113.9\r
"""


def report(sender: str = "mailer-daemon@relay.example", to: str = BOB) -> bytes:
    failure = Failure("dave1234@relay.example", Verdict.reject(550, "5.1.1", "there is no such address"))
    written = bounce(parse(MAIL), [failure], sender=to, domain="relay.example", day=DAY)
    return written.replace(b"mailer-daemon@relay.example", sender.encode(), 1)


class Relay:
    """Incoming mail over a memory store with two accounts."""

    def __init__(self) -> None:
        self.store: Store = open_memory(Clear(bytes(32)))
        self.owners: dict[str, Owner] = {}
        self.told: list[Sequence[str]] = []
        self.asked: list[tuple[str, bytes]] = []
        self.unsigned: Verdict = ACCEPTED
        self.incoming = self.make()

    def make(
        self,
        messages: Messages | None = None,
        retention: Retention | None = None,
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        marks: Any = None,
    ) -> Incoming:
        return Incoming(
            messages or Messages(),
            retention or Retention(),
            self.store.mailboxes,
            marks or self.store.marks,
            Peers(allow, deny),
            self.signed,
            lambda domain: domain in {"here.example", "192.0.2.5"},
            lambda: DAY,
            self.told.append,
        )

    async def signed(self, domain: str, message: bytes) -> Verdict:
        self.asked.append((domain, message))
        return self.unsigned

    async def receive(self, message: bytes = MAIL, *recipients: str, sender: str = ALICE, **how: Any) -> list[Verdict]:
        return await self.incoming.receive(sender, recipients or [BOB], message, **how)

    async def refusal(self, message: bytes = MAIL, sender: str = ALICE) -> tuple[int, str]:
        """How a message is refused, and that nothing of it was kept."""
        (verdict,) = await self.receive(message, BOB, sender=sender)
        assert not verdict.accepted
        assert await self.store.mailboxes.messages() == 0
        assert self.told == []
        return verdict.code, verdict.enhanced

    async def inbox(self, address: str) -> list[bytes]:
        owner = self.owners[address]
        snapshot = await self.store.mailboxes.snapshot(owner, "INBOX")
        bodies = [await self.store.mailboxes.body(owner, "INBOX", entry.uid) for entry in snapshot.entries]
        assert all(entry.day == DAY for entry in snapshot.entries)
        return [body for body in bodies if body is not None]


@pytest_asyncio.fixture
async def relay() -> Relay:
    relay = Relay()
    for address in (BOB, CAROL):
        relay.owners[address] = await relay.store.accounts.create(address.partition("@")[0], "a long password", day=DAY)
    return relay


async def test_a_message_reaches_each_recipient_once(relay: Relay) -> None:
    again = (BOB, "BOB12345@Here.Example", "bob12345@[192.0.2.5]", CAROL)
    assert await relay.receive(MAIL, *again) == [ACCEPTED] * 4
    assert await relay.inbox(BOB) == [MAIL]
    assert await relay.inbox(CAROL) == [MAIL]
    assert relay.told == [("bob12345", "carol123")]


async def test_the_signature_is_judged_on_what_came_and_not_on_what_is_stored(relay: Relay) -> None:
    came = TRANSIT + MAIL.replace(b"Subject: [...]", b"X-Mailer: Client 1\r\nSubject: Plans")
    assert await relay.receive(came) == [ACCEPTED]
    assert relay.asked == [("relay.example", came)]
    assert await relay.inbox(BOB) == [MAIL]


async def test_a_large_message(relay: Relay) -> None:
    came = LARGE.replace(b"@relay.example", b"@RELAY.example")
    came += b"\r\n" * 150_000  # examined in a thread from some size on
    assert await relay.receive(TRANSIT + came) == [ACCEPTED]
    assert await relay.inbox(BOB) == [came]


async def test_a_secure_join_request(relay: Relay) -> None:
    assert await relay.receive(REQUEST) == [ACCEPTED]
    assert await relay.inbox(BOB) == [REQUEST]


@pytest.mark.parametrize("sender", ["", "mailer-daemon@relay.example", "MAILER-DAEMON@relay.example"])
async def test_a_report_of_a_failure_keeps_its_subject(relay: Relay, sender: str) -> None:
    came = report()
    assert await relay.receive(TRANSIT + came, BOB, sender=sender) == [ACCEPTED]
    assert relay.asked[0][0] == "relay.example"
    assert b"Subject: Not delivered" in came
    assert await relay.inbox(BOB) == [came]
    assert relay.told == [("bob12345",)]


@pytest.mark.parametrize(
    "message",
    [
        report("postmaster@relay.example"),
        report().replace(b"Auto-Submitted: auto-replied\r\n", b""),
        report().replace(b"auto-replied", b"no"),
        report().replace(b"multipart/report", b"multipart/mixed"),
        report() + b"x" * 262_144,
    ],
    ids=["another author", "not automatic", "said not to be", "not a report", "too long"],
)
async def test_what_is_no_report_is_refused(relay: Relay, message: bytes) -> None:
    assert await relay.refusal(message, sender="") == (550, "5.7.1")
    assert await relay.refusal(message, sender="mailer-daemon@relay.example") == (523, "5.7.1")


async def test_nothing_else_comes_without_a_sender(relay: Relay) -> None:
    assert await relay.refusal(sender="") == (550, "5.7.1")


async def test_in_clear(relay: Relay) -> None:
    (verdict,) = await relay.receive((MAILS / "clear" / "armour-in-a-text.eml").read_bytes())
    assert (verdict.code, verdict.text) == (523, "Encryption Needed: Invalid Unencrypted Mail")
    assert await relay.inbox(BOB) == []


@pytest.mark.parametrize("path", sorted((MAILS / "malformed").glob("*.eml")), ids=lambda path: path.stem)
async def test_malformed(relay: Relay, path: Path) -> None:
    assert (await relay.refusal(path.read_bytes()))[1] in {"5.6.0", "5.7.1"}
    assert relay.asked == []


@pytest.mark.parametrize(
    ("author", "sender"),
    [
        (b"alice1234@bank.example", ALICE),
        (b"alice1234@sub.relay.example", ALICE),
        (b"alice1234@relay.example", "alice1234@other.example"),
        (b"mailer-daemon@relay.example", "alice1234@other.example"),
    ],
)
async def test_a_forged_author(relay: Relay, author: bytes, sender: str) -> None:
    assert await relay.refusal(MAIL.replace(b"alice1234@relay.example", author, 1), sender) == (554, "5.7.1")
    assert relay.asked == []


async def test_two_authors(relay: Relay) -> None:
    assert await relay.refusal(b"From: <a@bank.example>\r\n" + MAIL) == (554, "5.6.0")


async def test_unsigned_or_not_to_be_verified_now(relay: Relay) -> None:
    relay.unsigned = UNSIGNED
    assert await relay.refusal() == (554, "5.7.1")
    relay.unsigned = Verdict.defer(451, "4.7.5", "the signature cannot be verified now")
    assert await relay.refusal() == (451, "4.7.5")


@pytest.mark.parametrize("name", ["here.example", "HERE.example", "[192.0.2.5]"])
async def test_our_own_names_do_not_come_from_outside(relay: Relay, name: str) -> None:
    forged = MAIL.replace(b"relay.example", name.encode())
    assert await relay.refusal(forged, f"alice1234@{name}") == (550, "5.7.1")
    reported = report().replace(b"mailer-daemon@relay.example", f"mailer-daemon@{name}".encode())
    assert await relay.refusal(reported, "") == (550, "5.7.1")
    assert relay.asked == []


async def test_who_is_denied(relay: Relay) -> None:
    relay.incoming = relay.make(deny=["*.example"])
    assert await relay.refusal() == (550, "5.7.1")
    assert await relay.refusal(report(), "") == (550, "5.7.1")
    assert not relay.incoming.sender(ALICE).accepted
    relay.incoming = relay.make(allow=["other.example"])
    assert await relay.refusal() == (550, "5.7.1")
    relay.incoming = relay.make(allow=["relay.example"])
    assert await relay.receive() == [ACCEPTED]


async def test_a_sender_that_is_no_address(relay: Relay) -> None:
    assert await relay.refusal(sender="alice") == (501, "5.1.7")


async def test_each_recipient_has_a_verdict(relay: Relay) -> None:
    recipients = (BOB, NOBODY, "dave@elsewhere.example", "no address", CAROL)
    verdicts = await relay.receive(MAIL, *recipients)
    assert [(each.code, each.enhanced) for each in verdicts] == [
        (250, "2.0.0"),
        (550, "5.1.1"),
        (550, "5.7.1"),
        (501, "5.1.3"),
        (250, "2.0.0"),
    ]
    assert await relay.inbox(BOB) == await relay.inbox(CAROL) == [MAIL]
    assert [(await relay.incoming.recipient(each)).code for each in recipients] == [250, 550, 550, 501, 250]


async def test_together_means_all_or_nobody(relay: Relay) -> None:
    verdicts = await relay.receive(MAIL, BOB, NOBODY, together=True)
    assert [(each.outcome, each.code) for each in verdicts] == [(Outcome.DEFER, 451), (Outcome.REJECT, 550)]
    assert await relay.inbox(BOB) == []
    assert await relay.receive(MAIL, BOB, CAROL, together=True) == [ACCEPTED] * 2
    assert await relay.inbox(BOB) == [MAIL]


async def test_where_nobody_is_to_get_it_nothing_is_judged(relay: Relay) -> None:
    assert [each.code for each in await relay.receive(b"in clear", NOBODY, NOBODY)] == [550, 550]
    assert relay.asked == []


async def test_too_many_recipients(relay: Relay) -> None:
    relay.incoming = relay.make(Messages(max_recipients=3))
    verdicts = await relay.receive(MAIL, *[BOB] * 4)
    assert [(each.code, each.enhanced) for each in verdicts] == [(552, "5.5.3")] * 4
    relay.incoming = relay.make()
    assert await relay.receive(MAIL, *[BOB, CAROL] * 500) == [ACCEPTED] * 1000
    assert await relay.inbox(BOB) == [MAIL]


async def test_too_large(relay: Relay) -> None:
    relay.incoming = relay.make(Messages(max_size=65_536))
    assert await relay.refusal(MAIL + b"\r\n" * 40_000) == (552, "5.3.4")


async def test_a_full_mailbox(relay: Relay) -> None:
    relay.incoming = relay.make(retention=Retention(quota=1_048_576))
    filler = MAIL + b"\r\n" * 524_000
    await relay.store.mailboxes.deliver([Letter(filler, ("bob12345",))], day=DAY)
    assert [each.code for each in await relay.receive(MAIL, BOB, CAROL)] == [552, 250]
    assert (await relay.incoming.recipient(BOB, len(MAIL))).code == 552
    # whom RCPT has accepted, the size being unknown, is not refused any more
    assert await relay.receive(MAIL, BOB, together=True, admitted=True) == [ACCEPTED]


async def test_a_message_in_circles(relay: Relay) -> None:
    hop = b"Received: by relay.example\r\n"
    assert await relay.refusal(hop * (HOPS + 1) + MAIL) == (554, "5.4.6")
    assert await relay.receive(hop * HOPS + MAIL) == [ACCEPTED]
    assert await relay.inbox(BOB) == [MAIL]


async def test_a_replay_is_accepted_and_stored_once(relay: Relay) -> None:
    assert await relay.receive(MAIL) == [ACCEPTED]
    assert await relay.receive(TRANSIT + MAIL + b"\r\n") == [ACCEPTED]
    assert await relay.inbox(BOB) == [MAIL]
    assert relay.told == [("bob12345",)]


async def test_over_another_relay_it_is_the_same_message(relay: Relay) -> None:
    other = MAIL.replace(b"alice1234@relay.example", b"a@other.example", 1)
    assert await relay.receive(MAIL) == [ACCEPTED]
    assert await relay.receive(other, BOB, CAROL, sender="a@other.example") == [ACCEPTED] * 2
    assert await relay.inbox(BOB) == [MAIL]
    assert await relay.inbox(CAROL) == [other]
    assert relay.told == [("bob12345",), ("carol123",)]


async def test_a_stranger_cannot_keep_a_message_out(relay: Relay) -> None:
    """Who knows its Message-ID and sends something else with it first."""
    identifier = MAIL.partition(b"Message-ID: ")[2].partition(b"\r\n")[0]
    other = (MAILS / "encrypted" / "with-a-shared-secret.eml").read_bytes()
    assert identifier in other
    assert await relay.receive(other) == [ACCEPTED]
    assert await relay.receive(MAIL) == [ACCEPTED]
    assert await relay.inbox(BOB) == [other, MAIL]


async def test_two_requests_with_the_same_words_are_two(relay: Relay) -> None:
    other = REQUEST.replace(b"6f0b2a1e", b"7f0b2a1e")
    assert await relay.receive(REQUEST) == [ACCEPTED]
    assert await relay.receive(other) == [ACCEPTED]
    assert await relay.inbox(BOB) == [REQUEST, other]


async def test_twice_at_once(relay: Relay) -> None:
    found = await asyncio.gather(*(relay.receive(TRANSIT * n + MAIL) for n in range(8)))
    assert found == [[ACCEPTED]] * 8
    assert await relay.inbox(BOB) == [MAIL]


class Failing:
    """Marks of a store that fails on delivery."""

    def __init__(self, error: StoreError) -> None:
        self.error = error

    async def deliver(self, letter: Letter, mark: bytes, *, day: int) -> tuple[str, ...]:
        raise self.error


@pytest.mark.parametrize(("error", "code"), [(StoreFull(), 452), (StoreError(), 451)])
async def test_a_store_that_fails(relay: Relay, error: StoreError, code: int) -> None:
    relay.incoming = relay.make(marks=Failing(error))
    assert [each.code for each in await relay.receive(MAIL, BOB, CAROL)] == [code, code]
    assert [each.code for each in await relay.receive(MAIL, BOB, CAROL)] == [code, code]
    assert relay.told == []


async def test_what_is_committed_is_accepted_even_if_nobody_can_be_told(relay: Relay) -> None:
    def fail(names: Sequence[str]) -> None:
        raise RuntimeError(names)

    relay.incoming._on_delivered = fail
    assert await relay.receive(MAIL) == [ACCEPTED]
    assert await relay.inbox(BOB) == [MAIL]
