"""One profile in the real core: an account on the relay, and what a person does with it.

Refuses to know what is being tested. Everything here works with every core from 1.160 on: where releases differ, the
difference is one line beside the call, and the core is asked what it has rather than how old it is.

Profiles are bots to the core (`bot=1`): it then sends without the pause of a second that it keeps between a person's
messages, so that what is measured is the relay; and chats need not be accepted. The relay sees no difference.
"""

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from angarium.lab.core import Core, CoreEnded, Event

__all__ = ["MYSELF", "Profile", "join", "new_profile"]

MYSELF = 1
"""The contact that is the profile itself."""
JOINED = 1000
"""The progress of a Secure-Join that is through, on both sides."""


class Profile:
    """A profile that is online. Made by `new_profile`."""

    def __init__(self, core: Core, number: int, address: str, password: str) -> None:
        self.core = core
        self.number = number
        self.address = address
        self.password = password

    async def call(self, method: str, *params: object) -> Any:
        """Call a method of the core that takes a profile first. Raises CoreError, CoreEnded."""
        return await self.core.call(method, self.number, *params)

    async def say(self, chat: int, text: str, file: Path | None = None) -> None:
        """Send a text, or a file with a caption, into a chat."""
        await self.call("send_msg", chat, {"text": text} | ({"file": str(file)} if file else {}))

    async def members(self, chat: int) -> list[int]:
        """The contacts this profile sees in a chat, itself (MYSELF) among those of a group."""
        return cast("list[int]", await self.call("get_chat_contacts", chat))

    async def group(self, name: str) -> int:
        """Make an end-to-end encrypted group; return its chat."""
        return cast("int", await self.call("create_group_chat", name, False))

    async def incoming(self) -> AsyncIterator[tuple[dict[str, Any], float]]:
        """Every message that reaches this profile complete, and the moment (`time.perf_counter`) the core told of it.

        Raises:
            CoreEnded: see there.
        """
        arrived: asyncio.Queue[tuple[int | None, float]] = asyncio.Queue()

        def look(event: Event | None) -> None:
            if event is None or event.kind == "IncomingMsg":
                arrived.put_nowait((event.fields["msgId"] if event else None, time.perf_counter()))

        with self.core.listening(self.number, look):
            while True:
                message, moment = await arrived.get()
                if message is None:
                    raise CoreEnded("the core has ended")
                yield await self.call("get_message", message), moment

    @contextlib.contextmanager
    def when(self, kind: str, *, times: int = 1, **fields: object) -> Iterator[asyncio.Future[Event]]:
        """A future for an event of that kind and with those fields that happens within the context: the n-th."""
        happened: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        left = itertools.count(times - 1, -1)

        def look(event: Event | None) -> None:
            if happened.done():
                return
            if event is None:
                happened.set_exception(CoreEnded("the core has ended"))
            elif event.kind == kind and event.fields.items() >= fields.items() and next(left) == 0:
                happened.set_result(event)

        with self.core.listening(self.number, look):
            try:
                yield happened
            finally:
                happened.cancel()

    async def until(self, test: Callable[[], Awaitable[bool]]) -> None:
        """Wait until the test holds: tried now, and again whenever something happened in this profile."""
        news = asyncio.Event()
        with self.core.listening(self.number, lambda _: news.set()):
            while not await test():
                await news.wait()
                news.clear()

    async def texts(self) -> Counter[str]:
        """Every text in every chat of this profile that somebody else sent, and how many messages have it."""
        found: Counter[str] = Counter()
        for chat in await self.call("get_chatlist_entries", None, None, None):
            ids = await self.call("get_message_ids", chat, False, False)
            for message in (await self.call("get_messages", ids)).values():
                if message.get("kind") == "message" and message["fromId"] != MYSELF:
                    found[message["text"]] += 1
        return found

    async def remove(self) -> None:
        """Forget the profile with all it holds, on this machine."""
        await self.core.call("remove_account", self.number)


async def new_profile(core: Core, name: str, link: str, settings: Mapping[str, str] | None = None) -> Profile:
    """Make a profile from a `dcaccount:` or `dclogin:` link, with these settings of the core, and take it online.

    Raises:
        CoreError: the relay cannot be reached, or refuses the account; the text is the core's.
    """
    number = await core.call("add_account")
    await core.call("batch_set_config", number, {"displayname": name, "bot": "1", **(settings or {})})
    await core.call("add_transport_from_qr", number, link)
    (transport,) = await core.call("list_transports", number)
    transport = transport.get("param", transport)
    profile = Profile(core, number, transport["addr"], transport["password"])
    with profile.when("ImapInboxIdle") as online:
        await core.call("start_io", number)
        await online
    return profile


async def join(inviter: Profile, joiner: Profile, chat: int | None = None) -> int:
    """Have the joiner scan the inviter's QR code (of a chat, or of the inviter), and wait until both are through.

    Returns the chat on the joiner's side.
    """
    link = await inviter.call("get_chat_securejoin_qr_code", chat)
    with joiner.when("SecurejoinJoinerProgress", progress=JOINED) as joined:
        into = await joiner.call("secure_join", link)
        await joined
    return cast("int", into)
