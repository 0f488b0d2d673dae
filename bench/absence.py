"""A long absence: texts wait for somebody whose app is off, arrive once each, and then leave the relay.

    python -m bench.absence [--texts 1000] [--senders 4] [--json]

The real core for all of them, in one process, against a relay of its own. The app asks for 500 messages at a time
(2.65), and the relay expunges 256 in one transaction: fewer than that meet neither limit.

Told are the seconds until all were taken by the relay, until the last was in the app, and until none was left at the
relay. Most of it is what the apps do: encrypt, decrypt, store.

Exit status: 0 everything waited, arrived once and is gone; 1 otherwise.
"""

import argparse
import asyncio
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from angarium.apps.check.throwaway import Relay, relay
from angarium.apps.check.trial import Trial, trial
from angarium.lab.clients import Imap
from angarium.lab.core import binary, core
from angarium.lab.profile import MYSELF, Profile
from bench.figures import say

SETTINGS = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n"


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it."""

    texts: int
    waited: int
    """Messages that a plain client could fetch meanwhile."""
    arrived: int
    """Once each."""
    twice: int
    sent_s: float
    arrived_s: float
    gone_s: float

    @property
    def good(self) -> bool:
        return (self.waited, self.arrived, self.twice) == (self.texts, self.texts, 0)


async def absent(people: Trial, up: Relay, texts: int, senders: int = 4) -> Figures:
    """Somebody goes, is written to, and comes back; returns when the relay holds nothing of it."""
    receiver = await people.enter("Away")
    others = await asyncio.gather(*(people.enter(f"Sender {number}") for number in range(senders)))
    chats = [await _introduced(other, receiver) for other in others]
    await receiver.call("stop_io")

    async def send(sender: Profile, chat: int, count: int) -> None:
        with sender.when("MsgDelivered", times=count) as taken:
            for _ in range(count):
                await people.send("absence", sender, chat, [receiver])
            await taken

    began = time.monotonic()
    shares = [texts // senders + (number < texts % senders) for number in range(senders)]
    await asyncio.gather(*(send(*one) for one in zip(others, chats, shares, strict=True)))
    sent = time.monotonic()
    waited = await _fetched(up, receiver)

    async def gone() -> bool:
        imap, uids = await _session(up, receiver)
        imap.abort()
        return not uids

    back = time.monotonic()
    await receiver.call("start_io")
    await people.ledger.complete("absence")
    arrived = time.monotonic()
    await receiver.until(gone)
    tally = people.ledger.tally("absence", await people.held())
    spans = (sent - began, arrived - back, time.monotonic() - back)
    return Figures(texts, waited, tally.delivered, tally.duplicated, *(round(span, 1) for span in spans))


async def _introduced(sender: Profile, receiver: Profile) -> int:
    """The sender's chat with somebody whose contact card it was given."""
    (contact,) = await sender.call("import_vcard_contents", await receiver.call("make_vcard", [MYSELF]))
    return int(await sender.call("create_chat_by_contact_id", contact))


async def _session(up: Relay, person: Profile) -> tuple[Imap, list[int]]:
    """A plain client in a mailbox, and the UIDs of what is there."""
    imap = await Imap.connect("127.0.0.1", up.port("imaps"))
    await imap.login(person.address, person.password)
    await imap.select()
    found = [line.split()[2:] for line in await imap.command("UID SEARCH ALL") if line.startswith(b"* SEARCH")]
    return imap, [int(uid) for uids in found for uid in uids]


async def _fetched(up: Relay, person: Profile) -> int:
    """How many messages can be fetched, all with one command; they stay."""
    imap, uids = await _session(up, person)
    mails = await imap.fetch(uids)
    imap.abort()
    return len(mails)


async def _alone(texts: int, senders: int, directory: Path) -> Figures:
    data = directory / "relay"
    _made(data)
    async with (
        relay(data) as up,
        core(binary(), directory / "accounts") as apps,
        trial(apps, up.ready.invitation, directory) as people,
    ):
        return await absent(people, up, texts, senders)


def _made(data: Path) -> None:
    data.mkdir(0o700)
    (data / "angarium.toml").write_text(SETTINGS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures = asyncio.run(_alone(given.texts, given.senders, Path(name)))
    say(asdict(figures), as_json=given.json)
    return 0 if figures.good else 1


if __name__ == "__main__":
    raise SystemExit(main())
