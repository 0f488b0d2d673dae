"""A check under way: the core, the people in it, and what they say to each other.

Refuses to know the order of things: that is `steps`.
"""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from angarium.apps.check.ledger import Ledger
from angarium.apps.check.links import fresh
from angarium.lab.core import Core, CoreEnded
from angarium.lab.profile import Profile, new_profile

__all__ = ["Trial", "trial"]


class Trial:
    """The people of a check and the book-keeping of what they send. Made by `trial`."""

    def __init__(self, core: Core, link: str, directory: Path) -> None:
        self.core = core
        self.directory = directory
        self.ledger = Ledger()
        self.people: list[Profile] = []
        self._link = link
        self._files: dict[tuple[int, str], Path] = {}
        self._listening: list[asyncio.Task[None]] = []
        self._mark = secrets.token_hex(4)
        self._said = 0

    async def enter(self, name: str) -> Profile:
        """Make an account for a person of that name, and take it online. Raises CoreError, CoreEnded."""
        profile = await new_profile(self.core, name, fresh(self._link))
        self.attend(profile)
        return profile

    def attend(self, profile: Profile) -> None:
        """Have a profile that is there already take part."""
        self.people.append(profile)
        self._listening.append(asyncio.create_task(self._listen(profile)))

    async def send(
        self, step: str, sender: Profile, chat: int, receivers: Sequence[Profile], file: Path | None = None
    ) -> str:
        """Send a text like no other, or a file with it as its caption, and expect it at every receiver; return it."""
        self._said += 1
        text = f"{step} {self._said} ({self._mark})"
        for receiver in receivers:
            self.ledger.expect(step, receiver.number, text)
        await sender.say(chat, text, file)
        return text

    def file(self, receiver: Profile, text: str) -> Path:
        """Where the core keeps the file that arrived with this caption."""
        return self._files[receiver.number, text]

    async def held(self) -> dict[int, Counter[str]]:
        """What everybody holds now. Raises CoreError, CoreEnded."""
        return {person.number: await person.texts() for person in self.people}

    async def close(self) -> None:
        """Stop listening to everybody."""
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)

    async def _listen(self, profile: Profile) -> None:
        with contextlib.suppress(CoreEnded):  # whoever calls the core next is told
            async for message, moment in profile.incoming():
                if message.get("file"):
                    self._files[profile.number, message["text"]] = Path(message["file"])
                self.ledger.arrived(profile.number, message["text"], moment)


@contextlib.asynccontextmanager
async def trial(core: Core, link: str, directory: Path) -> AsyncIterator[Trial]:
    """A trial with nobody in it yet; `directory` is for files on their way and is not emptied here."""
    under_way = Trial(core, link, directory)
    try:
        yield under_way
    finally:
        await under_way.close()
