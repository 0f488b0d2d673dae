"""The channel's profile in the real core: an account on a relay, its broadcast channel, and the editors' group.

Made once (`establish`), found again by what the archive notes of it. The core's own folder lies in the newsroom's; it
holds the channel's secret keys: who has a copy of it speaks as the channel.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from angarium.channel.archive import Archive
from angarium.channel.desk import Desk
from angarium.channel.matters import Book, Rules
from angarium.channel.settings import Settings
from angarium.channel.speech import speech
from angarium.lab.core import Core, CoreEnded, CoreError, CoreMissing, binary, core
from angarium.reach.files import make_directory

__all__ = [
    *("Invitations", "NotEstablished", "Publisher", "establish", "established", "invitations", "join_relays"),
    *("opened", "renewed", "running"),
]

NOTE = "publisher"
WITHDRAWS = "withdrawVerifyGroup"
"""What the core calls an invitation of its own to a group that is good: to be set, it would be withdrawn. One that is
not would be made good again."""
NEEDED = "create_broadcast"
"""A method that the core must have: those before 2 have no broadcast channels."""


class NotEstablished(Exception):
    """The channel has no profile yet, or it cannot be made; the text says why."""


class Established(msgspec.Struct, frozen=True):
    """What is noted of a profile."""

    profile: int
    channel: int
    group: int
    subscribe: str
    """Invitation to the channel, for everybody."""
    edit: str
    """Invitation to the editors' group, for editors only."""


class Invitations(msgspec.Struct, frozen=True):
    """The two invitations of a channel."""

    subscribe: str
    edit: str


class Publisher:
    """A profile whose core runs."""

    def __init__(self, core: Core, established: Established, settings: Settings) -> None:
        self.core = core
        self.profile = established.profile
        self.channel = established.channel
        self.group = established.group
        self.members: frozenset[int] = frozenset()
        """Who was in the editors' group when they were counted last, the profile itself among them."""
        self._rules = Rules(settings.approvals, settings.own_approval)

    async def call(self, method: str, *params: object) -> Any:
        """Call a method of the core that takes a profile first. Raises CoreError, CoreEnded."""
        return await self.core.call(method, self.profile, *params)

    async def existing(self, messages: Sequence[int]) -> list[int]:
        """Those of these messages that are there."""
        return list(await self.call("get_existing_msg_ids", list(messages))) if messages else []

    async def idle(self) -> bool:
        """Whether the core has nothing left to send."""
        return bool(await self.core.call("is_sending_finished"))

    async def count_members(self) -> None:
        """Learn who is in the editors' group now."""
        self.members = frozenset(await self.call("get_chat_contacts", self.group))

    async def keep_messages(self) -> None:
        """Have no message of the editors' group delete itself after a time, whoever asked for that."""
        if await self.call("get_chat_ephemeral_timer", self.group):
            await self.call("set_chat_ephemeral_timer", self.group, 0)

    async def renew(self, archive: Archive, *, withdraw: bool = False) -> Invitations:
        """Draw up the invitations again, with the relays that there are now, and note them. With `withdraw` only that
        to the editors' group, and all there were to it work no more.

        Raises:
            CoreError, CoreEnded: see there.
        """
        made = _noted(archive)
        if withdraw and (await self.call("check_qr", made.edit))["kind"] == WITHDRAWS:
            await self.call("set_config_from_qr", made.edit)
        subscribe = made.subscribe if withdraw else await self._link(self.channel)
        made = msgspec.structs.replace(made, subscribe=subscribe, edit=await self._link(self.group))
        with archive.writing():
            archive.put_note(NOTE, msgspec.json.encode(made).decode())
        return Invitations(made.subscribe, made.edit)

    async def _link(self, chat: int) -> str:
        return str(await self.call("get_chat_securejoin_qr_code", chat))

    def desk(self, book: Book) -> Desk:
        """The desk, with the members that are known."""
        return Desk(book, self._rules, self.members)


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Core]:
    """The core on the newsroom's folder, until the context ends.

    Raises:
        CoreMissing: there is none, or it is too old.
        NotEstablished: another command runs on this folder.
    """
    make_directory(folder)
    with _alone(folder):
        try:
            program = binary()
        except CoreMissing:
            raise CoreMissing(
                "the core of the Delta Chat apps is not installed. Get it with: pip install 'angarium[channel]'"
            ) from None
        async with core(program, folder / "core") as under_way:
            if NEEDED not in under_way.methods:
                raise CoreMissing(f"this core ({under_way.version}) has no broadcast channels: install a later one")
            yield under_way


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NotEstablished(f"another command runs on {folder}") from None
    finally:
        os.close(held)


async def establish(core: Core, archive: Archive, settings: Settings, relays: Sequence[str]) -> Invitations:
    """Make the profile, on these relays (invitations, each good for an account), its channel and its editors' group.

    What a run that was cut short has left behind is removed first.

    Raises:
        NotEstablished: there is one already, or a relay does not take it.
    """
    if archive.note(NOTE):
        raise NotEstablished("this channel has its profile already. To see its invitations: angarium channel invite")
    words = speech(settings.language)
    try:
        for left in await core.call("get_all_account_ids"):
            await core.call("remove_account", left)
        profile = await core.call("add_account")
        quiet = {"displayname": settings.title, "bot": "1", "mdns_enabled": "0"}
        await core.call("batch_set_config", profile, quiet)
        for relay in relays:
            await core.call("add_transport_from_qr", profile, relay)
        channel = await core.call("create_broadcast", profile, settings.title)
        group = await core.call("create_group_chat", profile, words.say("group", title=settings.title), False)
        about = words.say("about", approvals=settings.approvals)
        await core.call("set_chat_description", profile, group, about)
        if settings.description:
            await core.call("set_chat_description", profile, channel, settings.description)
        subscribe, edit = [await core.call("get_chat_securejoin_qr_code", profile, chat) for chat in (channel, group)]
    except CoreError as error:
        raise NotEstablished(f"the profile could not be made: {error}") from None
    except CoreEnded:
        raise NotEstablished("the core has ended. Does another command run on this folder?") from None
    made = Established(profile, channel, group, subscribe, edit)
    with archive.writing():
        archive.put_note(NOTE, msgspec.json.encode(made).decode())
        archive.put_note("desk epoch", secrets.token_hex(4))
    return Invitations(subscribe, edit)


async def join_relays(core: Core, archive: Archive, settings: Settings, relays: Mapping[str, str]) -> Invitations:
    """Have the profile that there is receive and send by further relays: their invitations, by name.

    Raises:
        NotEstablished: it is at one of them already, or one does not take it; those before it in order were joined.
    """
    publisher = await opened(core, archive, settings)
    try:
        for name, link in relays.items():
            transports = [each.get("param", each) for each in await publisher.call("list_transports")]
            if name.strip("[]") in [each["addr"].rpartition("@")[2].strip("[]") for each in transports]:
                raise NotEstablished(f"the channel is at {name} already. Its invitations: angarium channel invite")
            await publisher.call("add_transport_from_qr", link)
        return await publisher.renew(archive)
    except CoreError as error:
        raise NotEstablished(f"the relay could not be joined: {error}") from None
    except CoreEnded:
        raise NotEstablished("the core has ended. Does another command run on this folder?") from None


async def renewed(core: Core, archive: Archive, settings: Settings) -> Invitations:
    """Replace the editors' invitation. The one before lets nobody in any more; the one for everybody stays.

    Raises:
        NotEstablished: there is no profile yet, or the core keeps to the one it has.
    """
    before = invitations(archive)
    try:
        after = await (await opened(core, archive, settings)).renew(archive, withdraw=True)
    except CoreError as error:
        raise NotEstablished(f"the invitation could not be replaced: {error}") from None
    except CoreEnded:
        raise NotEstablished("the core has ended. Does another command run on this folder?") from None
    if after.edit == before.edit:
        raise NotEstablished("the invitation could not be replaced: this core gives the same one again")
    return after


def established(archive: Archive) -> bool:
    """Whether the channel has its profile."""
    return bool(archive.note(NOTE))


def invitations(archive: Archive) -> Invitations:
    """The channel's invitations. Raises NotEstablished."""
    made = _noted(archive)
    return Invitations(made.subscribe, made.edit)


async def opened(core: Core, archive: Archive, settings: Settings) -> Publisher:
    """The profile that was made, not yet online.

    Raises:
        NotEstablished: see there.
        CoreError, CoreEnded: see there.
    """
    publisher = Publisher(core, _noted(archive), settings)
    if publisher.profile not in await core.call("get_all_account_ids"):
        raise NotEstablished("the channel's profile is missing from its folder: put core/ back from a copy")
    await publisher.count_members()
    return publisher


def _noted(archive: Archive) -> Established:
    if not (note := archive.note(NOTE)):
        raise NotEstablished("this channel has no profile yet. Make one with: angarium channel init --relay LINK")
    return msgspec.json.decode(note, type=Established)
