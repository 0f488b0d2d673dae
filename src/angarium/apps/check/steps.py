"""The steps of a check: what five people do on the first day of a relay.

A step sends, and returns once all it sent has arrived. The work is spread over the five so that nobody sends more than
some ten messages at a stretch: the burst that chatmail relays allow.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from angarium.apps.check.trial import Trial
from angarium.lab.profile import MYSELF, Profile, join

__all__ = ["PEOPLE", "STEPS", "Damaged", "Step"]

PEOPLE = ("Ada", "Ben", "Cleo", "Dana", "Emil")
TEXTS = 5
"""Texts each way between two people."""
FILE = 5 << 20
"""Bytes of the file that is sent."""


class Damaged(Exception):
    """A file arrived with other bytes than were sent."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try: a word for machines, a title for people, and the steps without which it cannot be tried."""

    name: str
    title: str
    run: Callable[[Trial], Awaitable[None]]
    needs: tuple[str, ...] = ()


async def accounts(trial: Trial) -> None:
    """Everybody gets an account and is online."""
    for name in PEOPLE:
        with trial.ledger.deed("accounts"):
            await trial.enter(name)


async def contact(trial: Trial) -> None:
    """Ben scans Ada's QR code; both then know the other's key to be right."""
    ada, ben, *_ = trial.people
    with trial.ledger.deed("contact"), ada.when("SecurejoinInviterProgress", progress=1000) as scanned:
        await join(ada, ben)
        await scanned


async def texts(trial: Trial) -> None:
    """Ada and Ben write to each other in turn, each answering as soon as the other's text is there."""
    ada, ben, *_ = trial.people
    for sender, receiver in ((ada, ben), (ben, ada)) * TEXTS:
        await trial.send("texts", sender, await _chat(sender, receiver), [receiver])
        await trial.ledger.complete("texts")


async def group(trial: Trial) -> None:
    """Everybody joins Cleo's group by its QR code, and says something that everybody else sees."""
    *others, cleo = _with_last(trial, "Cleo")
    chat = await cleo.group("Angarium check")
    chats = await asyncio.gather(*(join(cleo, other, chat) for other in others))
    members = {cleo: chat, **dict(zip(others, chats, strict=True))}
    for member, where in members.items():
        await member.until(partial(_sees, member, where, len(members)))
    for member, where in members.items():
        await trial.send("group", member, where, [other for other in members if other is not member])
    await trial.ledger.complete("group")


async def file(trial: Trial) -> None:
    """Ben sends Ada a file, and it arrives with the same bytes."""
    ada, ben, *_ = trial.people
    sent = secrets.token_bytes(FILE)
    path = trial.directory / "check.bin"
    await asyncio.to_thread(path.write_bytes, sent)
    text = await trial.send("file", ben, await _chat(ben, ada), [ada], path)
    await trial.ledger.complete("file")
    if await asyncio.to_thread(trial.file(ada, text).read_bytes) != sent:
        raise Damaged("the file arrived with other bytes than were sent")


async def channel(trial: Trial) -> None:
    """Everybody joins Emil's channel by its QR code, and gets his post."""
    *others, emil = _with_last(trial, "Emil")
    if "create_broadcast" in trial.core.methods:
        chat = await emil.call("create_broadcast", "Angarium check")
        await asyncio.gather(*(join(emil, other, chat) for other in others))
    else:  # before 2.0 a channel was a list that its owner kept
        chat = await emil.call("create_broadcast_list")
        await asyncio.gather(*(join(emil, other) for other in others))
        for other in others:
            await emil.call("add_contact_to_chat", chat, await emil.call("lookup_contact_id_by_addr", other.address))
    await emil.until(partial(_subscribed, emil, chat, len(others)))
    await trial.send("channel", emil, chat, others)
    await trial.ledger.complete("channel")


STEPS = (
    Step("accounts", "Accounts made, online", accounts),
    Step("contact", "Contact by QR code", contact, needs=("accounts",)),
    Step("texts", "Texts, both ways", texts, needs=("contact",)),
    Step("group", f"Group of {len(PEOPLE)}", group, needs=("accounts",)),
    Step("file", f"File of {FILE >> 20} MB", file, needs=("contact",)),
    Step("channel", "Channel", channel, needs=("accounts",)),
)


def _with_last(trial: Trial, name: str) -> list[Profile]:
    people = dict(zip(PEOPLE, trial.people, strict=True))
    return [person for key, person in people.items() if key != name] + [people[name]]


async def _chat(person: Profile, other: Profile) -> int:
    """The chat of two who are verified contacts of each other."""
    contact = await person.call("lookup_contact_id_by_addr", other.address)
    return int(await person.call("create_chat_by_contact_id", contact))


async def _sees(person: Profile, chat: int, number: int) -> bool:
    return len(await person.members(chat)) == number


async def _subscribed(owner: Profile, chat: int, number: int) -> bool:
    return len([contact for contact in await owner.members(chat) if contact != MYSELF]) == number
