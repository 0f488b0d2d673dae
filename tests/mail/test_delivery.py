"""From a submission to the mailboxes, with the memory store."""

import asyncio
import email
import email.policy
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from angarium.mail.delivery import Delivery, examine
from angarium.mail.notices import Notices
from angarium.mail.settings import Messages, Retention
from angarium.mail.verdict import ACCEPTED, Outcome, Verdict
from angarium.store.interfaces import Letter, Owner, StoreError, StoreFull
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory

MAILS = Path(__file__).parents[1] / "mails"
MAIL = (MAILS / "encrypted" / "as-the-app-sends-it.eml").read_bytes()
ALICE, BOB, CAROL = "alice1234@relay.example", "bob12345@relay.example", "carol123@relay.example"
DAY = 20_410


def local(domain: str) -> bool:
    return domain in {"relay.example", "127.0.0.2"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def signed(message: bytes) -> bytes:
    return b"X-Signed: yes\r\n" + message


class Relay:
    """A delivery over a memory store with three accounts."""

    def __init__(self) -> None:
        self.store: Store = open_memory(Clear(bytes(32)))
        self.owners: dict[str, Owner] = {}
        self.told: list[Sequence[str]] = []
        self.clock = Clock()
        self.delivery = self.make()

    def make(
        self,
        settings: Messages | None = None,
        retention: Retention | None = None,
        on_delivered: Callable[[Sequence[str]], None] | None = None,
        whole_list: int = 0,
    ) -> Delivery:
        return Delivery(
            settings or Messages(rate_per_minute=100_000, rate_burst=100_000),
            retention or Retention(),
            self.store.mailboxes,
            local,
            Notices(lambda: "relay.example", lambda: DAY, signed),
            lambda: DAY,
            self.clock,
            on_delivered or self.told.append,
            whole_list=whole_list,
        )

    async def submit(self, *recipients: str, message: bytes = MAIL) -> Verdict:
        return await self.delivery.submit(self.owners[ALICE], ALICE, recipients, message)

    async def inbox(self, address: str) -> list[bytes]:
        owner = self.owners[address]
        snapshot = await self.store.mailboxes.snapshot(owner, "INBOX")
        bodies = [await self.store.mailboxes.body(owner, "INBOX", entry.uid) for entry in snapshot.entries]
        assert all(entry.day == DAY for entry in snapshot.entries)
        return [body for body in bodies if body is not None]

    async def statuses(self, address: str = ALICE) -> dict[str, str]:
        """The failed recipients of the one bounce in an inbox, with their status codes."""
        (raw,) = [body for body in await self.inbox(address) if b"mailer-daemon@relay.example" in body]
        message = email.message_from_bytes(raw, policy=email.policy.default)
        _, status, headers = message.iter_parts()
        assert "6f0b2a1e-9b1c-4a64-8a55-0c7fd9a3d0b7@localhost" in headers.get_content()
        _, *blocks = status.iter_parts()
        return {block["Final-Recipient"].removeprefix("rfc822; "): block["Status"] for block in blocks}


@pytest_asyncio.fixture
async def relay() -> Relay:
    relay = Relay()
    for address in (ALICE, BOB, CAROL):
        relay.owners[address] = await relay.store.accounts.create(address.partition("@")[0], "a long password", day=DAY)
    return relay


async def test_a_message_reaches_each_recipient_once(relay: Relay) -> None:
    again = [BOB, "BOB12345@Relay.Example", "bob12345@127.0.0.2", "bob12345@[127.0.0.2]", CAROL]
    assert await relay.submit(*again) is ACCEPTED
    assert await relay.inbox(BOB) == [MAIL]
    assert await relay.inbox(CAROL) == [MAIL]
    assert await relay.inbox(ALICE) == []
    assert [sorted(names) for names in relay.told] == [["bob12345", "carol123"]]


async def test_a_sender_may_be_a_recipient(relay: Relay) -> None:
    assert await relay.submit(ALICE) is ACCEPTED
    assert await relay.inbox(ALICE) == [MAIL]


async def test_what_is_stored_is_cleaned(relay: Relay) -> None:
    noisy = MAIL.replace(b"Subject: [...]", b"X-Mailer: Client 1\r\nSubject: Plans").replace(
        b"To:", b"Bcc: x\r\nTo:", 1
    )
    assert await relay.submit(BOB, message=noisy) is ACCEPTED
    assert await relay.inbox(BOB) == [MAIL]


async def test_who_cannot_be_reached_is_bounced_and_the_others_are_not(relay: Relay) -> None:
    recipients = [
        BOB,
        "nobody12@relay.example",
        "dave@elsewhere.example",
        "dave@ELSEWHERE.example",
        "nobody12@127.0.0.2",
    ]
    assert await relay.submit(*recipients) is ACCEPTED
    assert await relay.inbox(BOB) == [MAIL]
    assert await relay.statuses() == {"nobody12@relay.example": "5.1.1", "dave@elsewhere.example": "5.7.1"}
    assert [sorted(names) for names in relay.told] == [["alice1234", "bob12345"]]


async def test_nobody_can_be_reached(relay: Relay) -> None:
    assert await relay.submit("dave@elsewhere.example") is ACCEPTED
    (bounce,) = await relay.inbox(ALICE)
    assert bounce.startswith(b"X-Signed: yes\r\n")
    assert b"dave@elsewhere.example: this relay has no mail with other relays." in bounce
    assert await relay.store.mailboxes.messages() == 1


async def test_a_whole_list_that_cannot_be_reached_may_be_refused(relay: Relay) -> None:
    relay.delivery = relay.make(whole_list=3)
    verdict = await relay.submit("nobody12@relay.example", "dave@elsewhere.example")
    assert (verdict.outcome, verdict.enhanced) == (Outcome.REJECT, "5.1.1")
    assert await relay.store.mailboxes.messages() == 0
    assert await relay.submit("nobody12@relay.example", BOB) is ACCEPTED  # somebody gets it
    assert await relay.submit("a@x.example", "b@x.example", "c@x.example") is ACCEPTED  # may be part of a longer list
    assert len(await relay.inbox(ALICE)) == 2


async def test_a_full_mailbox_bounces(relay: Relay) -> None:
    quota = 1_048_576
    relay.delivery = relay.make(retention=Retention(quota=quota))
    filler = await relay.store.mailboxes.append(
        relay.owners[BOB], "INBOX", b"x" * (quota - len(MAIL)), flags=frozenset(), day=DAY
    )
    assert filler
    assert await relay.submit(BOB, CAROL) is ACCEPTED
    assert await relay.submit(BOB, CAROL) is ACCEPTED
    assert len(await relay.inbox(BOB)) == 2
    assert len(await relay.inbox(CAROL)) == 2
    assert await relay.statuses() == {BOB: "5.2.2"}


async def test_a_full_sender_still_hears_of_a_failure(relay: Relay) -> None:
    relay.delivery = relay.make(retention=Retention(quota=1_048_576))
    await relay.store.mailboxes.append(relay.owners[ALICE], "INBOX", b"x" * 1_048_576, flags=frozenset(), day=DAY)
    assert await relay.submit("nobody12@relay.example") is ACCEPTED
    assert await relay.statuses() == {"nobody12@relay.example": "5.1.1"}


async def test_a_thousand_recipients(relay: Relay) -> None:
    recipients = [BOB, *(f"nobody{number}@relay.example" for number in range(999))]
    assert await relay.submit(*recipients) is ACCEPTED
    assert len(await relay.statuses()) == 999
    assert await relay.inbox(BOB) == [MAIL]
    verdict = await relay.submit(*recipients, CAROL)
    assert verdict.code == 552
    assert await relay.inbox(CAROL) == []


REFUSED = [
    ("clear/a-text", 523),
    ("clear/literal-packet", 523),
    ("malformed/bare-lf-in-the-body", 554),
    ("malformed/nul-in-the-header", 554),
]


@pytest.mark.parametrize(("name", "code"), REFUSED)
async def test_a_refused_message_goes_nowhere(relay: Relay, name: str, code: int) -> None:
    message = (MAILS / f"{name}.eml").read_bytes()
    verdict = await relay.delivery.submit(relay.owners[ALICE], ALICE, [BOB, "nobody12@relay.example"], message)
    assert (verdict.outcome, verdict.code) == (Outcome.REJECT, code)
    assert await relay.store.mailboxes.messages() == 0
    assert relay.told == []
    assert relay.delivery.stored(message).code == code


@pytest.mark.parametrize("path", sorted((MAILS / "app").glob("*.eml")), ids=lambda path: path.stem)
def test_what_the_apps_send_is_accepted_and_only_the_subject_changes(path: Path) -> None:
    message = path.read_bytes()
    sender = "alice1234@127.0.0.1" if b"\r\nFrom: <alice1234" in b"\r\n" + message else "bob123456@127.0.0.1"
    verdict, stored = examine(sender, message)
    assert verdict is ACCEPTED
    assert stored == message.replace(b"Subject: Message from bob123456@127.0.0.1\r\n", b"Subject: [...]\r\n")


async def test_each_check_is_made(relay: Relay) -> None:
    owner = relay.owners[BOB]
    delivery = relay.make(Messages(max_size=65_536, rate_per_minute=1, rate_burst=1))
    cases = [
        (await delivery.submit(owner, ALICE, [CAROL], MAIL), 553),
        (await delivery.submit(owner, BOB, [CAROL, "no address"], MAIL), 501),
        (await delivery.submit(owner, BOB, [], MAIL), 554),
        (await delivery.submit(owner, BOB, [CAROL], MAIL + b"x" * 65_536), 552),
        (await delivery.submit(owner, BOB, [CAROL], MAIL), 554),  # From: alice
        (await delivery.submit(owner, BOB, [CAROL], MAIL), 450),
    ]
    assert [verdict.code for verdict, _ in cases] == [code for _, code in cases]
    relay.clock.now += 60
    assert (await delivery.submit(owner, BOB, [CAROL], MAIL.replace(ALICE.encode(), BOB.encode()))) is ACCEPTED
    assert await relay.store.mailboxes.messages() == 1


async def test_the_envelope_may_be_judged_before_the_message(relay: Relay) -> None:
    assert relay.delivery.sender(relay.owners[ALICE], ALICE) is ACCEPTED
    assert relay.delivery.sender(relay.owners[ALICE], BOB).code == 553
    assert relay.delivery.recipient("nobody12@relay.example") is ACCEPTED
    assert relay.delivery.recipient("dave@elsewhere.example") is ACCEPTED
    assert relay.delivery.recipient("dave").code == 501


async def test_what_may_be_appended(relay: Relay) -> None:
    assert relay.delivery.stored(MAIL) is ACCEPTED
    assert relay.delivery.stored(MAIL.replace(ALICE.encode(), b"somebody@elsewhere.example")) is ACCEPTED
    small = relay.make(Messages(max_size=65_536))
    assert small.stored(MAIL + b"\r\n" * 40_000).code == 552


class Failing:
    """Mailboxes that know everybody and cannot take anything."""

    def __init__(self, fault: StoreError, asked: StoreError | None = None) -> None:
        self.fault = fault
        self.asked = asked

    async def usage(self, names: Collection[str]) -> dict[str, int]:
        if self.asked is not None:
            raise self.asked
        return dict.fromkeys(names, 0)

    async def deliver(self, letters: Sequence[Letter], *, day: int) -> None:
        raise self.fault


@pytest.mark.parametrize(
    ("failing", "code", "enhanced"),
    [
        (Failing(StoreFull()), 452, "4.3.1"),
        (Failing(StoreError()), 451, "4.3.0"),
        (Failing(StoreFull(), StoreError()), 451, "4.3.0"),
    ],
)
async def test_what_cannot_be_stored_is_deferred(
    relay: Relay, failing: Failing, code: int, enhanced: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay.delivery, "_mailboxes", failing)
    verdict = await relay.delivery.submit(relay.owners[ALICE], ALICE, [BOB, "dave@elsewhere.example"], MAIL)
    assert verdict.outcome is Outcome.DEFER
    assert (verdict.code, verdict.enhanced) == (code, enhanced)
    assert relay.told == []


async def test_a_failing_listener_does_not_undo_a_commit(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    def fail(names: Sequence[str]) -> None:
        raise RuntimeError(f"no phone of {names}")

    relay.delivery = relay.make(on_delivered=fail)
    with caplog.at_level(logging.DEBUG):
        assert await relay.submit(BOB) is ACCEPTED
    assert await relay.inbox(BOB) == [MAIL]
    assert "RuntimeError" in caplog.text
    assert "bob12345" not in caplog.text


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


async def test_no_log_names_anybody(relay: Relay, everything_logged: pytest.LogCaptureFixture) -> None:
    await relay.submit(BOB, "nobody12@relay.example", "dave@elsewhere.example")
    await relay.submit(BOB, message=b"Hello")
    for word in ("alice", "bob", "nobody", "dave", "localhost", "Hello"):
        assert word not in everything_logged.text


async def test_large_messages_are_judged_beside_the_loop(relay: Relay) -> None:
    begin = b"-----BEGIN PGP MESSAGE-----\r\n\r\n"
    large = MAIL.replace(begin, begin + b"\r\n" * 1_000_000)
    verdicts = await asyncio.gather(*[relay.submit(BOB, message=large) for _ in range(5)])
    assert verdicts == [ACCEPTED] * 5
    assert await relay.inbox(BOB) == [large] * 5
    hollow = large.replace(b"-----BEGIN PGP MESSAGE-----\r\n", b"-----BEGIN PGP MESSAGE-----\r\nHello\r\n")
    assert (await relay.submit(BOB, message=hollow)).code == 523
