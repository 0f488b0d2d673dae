"""How people come to have several relays."""

import time
from pathlib import Path
from types import SimpleNamespace

from angarium.lab.censor.people import People
from angarium.lab.censor.relay import Entry


async def test_each_further_relay_is_of_a_later_second() -> None:
    # The core (2.65) signs the list of its relays with the second of the newest, and takes none that is not newer.
    added: list[tuple[str, int]] = []

    async def call(_: str, link: str) -> None:
        added.append((link, int(time.time())))

    async def say(chat: int, text: str) -> None:
        added.append((text, int(time.time())))

    both = People(Path("core"), Path("people"))
    both.bob = SimpleNamespace(call=call, say=say)  # type: ignore[assignment]
    begin = int(time.time())
    await both.widen(Entry("one"), Entry("other"))
    (one, first), (other, second), (said, _) = added
    assert (one, other, said) == ("one", "other", "answer 0")
    assert begin < first < second
