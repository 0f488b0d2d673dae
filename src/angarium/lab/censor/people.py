"""Two people behind the censor, each with the real core on a device of their own, and what they say to each other.

Refuses to know the censor. Times are seconds by `time.perf_counter`, which the core's events are stamped with too.
"""

import asyncio
import contextlib
import os
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from angarium.lab.censor.relay import Entry
from angarium.lab.censor.topology import through
from angarium.lab.core import Core, CoreEnded, Event, binary, core
from angarium.lab.profile import Profile, join, new_profile

__all__ = ["ANN", "BOB", "People", "Talk", "people"]

ANN, BOB = "198.51.100.2", "198.51.100.3"
FIRST = 1
"""The number of a core's first profile."""
COMPLAINTS = 6
"""The last warnings of the cores that are kept."""


@dataclass
class Talk:
    """What one sent and the other got."""

    sent: dict[str, float] = field(default_factory=dict)
    arrived: Counter[str] = field(default_factory=Counter)
    times: dict[str, float] = field(default_factory=dict)
    """Of the first arrival of each."""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def whole(self) -> bool:
        """Whether all that was sent has arrived."""
        return self.sent.keys() <= self.times.keys()

    @property
    def delays(self) -> list[float]:
        """From sending to arrival, of what arrived, shortest first."""
        return sorted(self.times[text] - sent for text, sent in self.sent.items() if text in self.times)


class People:
    """Ann, who sends, and Bob, who receives. Made by `people`."""

    ann: Profile
    bob: Profile

    def __init__(self, program: Path, directory: Path) -> None:
        self._program = program
        self._directory = directory
        self._apps = contextlib.AsyncExitStack()
        self._chat = self._back = 0
        self.talk = Talk()
        self.complaints: deque[str] = deque(maxlen=COMPLAINTS)
        self.watch: Callable[[str, Event], None] | None = None
        """Told of every event, and whose it is."""

    async def enter(self, ann: Entry, bob: Entry) -> None:
        """Both scan their link at the same time, and then Ann scans Bob's own. Raises CoreError, CoreEnded."""
        cores = await self._open()
        self.ann, self.bob = await asyncio.gather(
            new_profile(cores[0], "Ann", ann.link, ann.settings),
            new_profile(cores[1], "Bob", bob.link, bob.settings),
        )
        self._listen()
        self._chat = await join(self.bob, self.ann)
        (ann_to_him,) = await self.bob.call("get_contact_ids", 0, None)
        self._back = await self.bob.call("create_chat_by_contact_id", ann_to_him)

    async def widen(self, *more: Entry) -> None:
        """Bob takes further relays for the same profile; any message of his tells Ann. Raises CoreError."""
        for entry in more:
            await asyncio.sleep(1 - time.time() % 1)  # the core dates relays in seconds, and tells of newer ones only
            await self.bob.call("add_transport_from_qr", entry.link)
        await self.say(1, 0, back=True)

    async def leave(self) -> None:
        """Both close the app: its processes end, and what they knew by heart is gone."""
        await self._apps.aclose()

    async def return_(self) -> None:
        """Both open the app again."""
        self.ann.core, self.bob.core = await self._open()
        self._listen()
        await asyncio.gather(self.ann.call("start_io"), self.bob.call("start_io"))

    def start_over(self) -> None:
        """Forget what was said until now."""
        self.talk = Talk()
        self.complaints.clear()

    async def say(self, count: int, interval: float, *, back: bool = False) -> None:
        """Ann sends so many texts, so many seconds apart, whether or not they get through; or Bob does."""
        sender, chat, name = (self.bob, self._back, "answer") if back else (self.ann, self._chat, "text")
        begin = time.perf_counter()
        for number in range(count):
            await asyncio.sleep(begin + number * interval - time.perf_counter())
            text = f"{name} {number}"
            self.talk.sent[text] = time.perf_counter()
            await sender.say(chat, text)

    async def hand(self, size: int, patience: float) -> float | None:
        """Ann sends a file of so many octets; how long it takes to arrive, None if it does not. Raises CoreError."""
        path = await asyncio.to_thread(self._file, size)
        text = f"file of {size}"
        begin = time.perf_counter()
        await self.ann.say(self._chat, text, path)
        if not await self.until(lambda: text in self.talk.times, patience):
            return None
        return self.talk.times[text] - begin

    async def until(self, test: Callable[[], bool], patience: float) -> bool:
        """Wait until a test holds that is tried when something arrives; whether it did within so many seconds."""
        end = time.perf_counter() + patience
        while not test():
            self.talk.news.clear()
            try:
                await asyncio.wait_for(self.talk.news.wait(), max(0.0, end - time.perf_counter()))
            except TimeoutError:
                return test()
        return True

    def _file(self, size: int) -> Path:
        path = self._directory / "file.bin"
        path.write_bytes(os.urandom(size))
        return path

    async def _open(self) -> list[Core]:
        cores = []
        for name in ("Ann", "Bob"):
            home = name.lower()
            one = core(self._program, self._directory / home, through=through(home))
            cores.append(await self._apps.enter_async_context(one))
            self._apps.enter_context(cores[-1].listening(FIRST, partial(self._hear, name)))
        return cores

    def _listen(self) -> None:
        for one in (self.ann, self.bob):
            self._apps.callback(asyncio.create_task(self._take(one)).cancel)

    async def _take(self, person: Profile) -> None:
        with contextlib.suppress(CoreEnded):
            async for message, moment in person.incoming():
                if message.get("downloadState", "Done") == "Done":
                    self.talk.arrived[message["text"]] += 1
                    self.talk.times.setdefault(message["text"], moment)
                    self.talk.news.set()

    def _hear(self, name: str, event: Event | None) -> None:
        if event is not None and self.watch is not None:
            self.watch(name, event)
        if event is not None and event.kind in ("Warning", "Error"):
            text = str(event.fields.get("msg", ""))
            said = text.partition(": ")[2] or text  # without the place in the source
            if said not in self.complaints:
                self.complaints.append(said)


@contextlib.asynccontextmanager
async def people(directory: Path) -> AsyncIterator[People]:
    """Two people whose devices are in the namespaces `ann` and `bob`. Raises CoreMissing."""
    made = People(binary(), directory)
    try:
        yield made
    finally:
        await made.leave()
