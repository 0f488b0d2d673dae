"""Whether texts get through a censor that freezes each connection after 16 KB, and how long they take.

A relay with `breath_bytes` set, the real core with two people, and before the relay's ports a proxy that freezes
(`angarium.lab.freeze`). The two take turns; each text is timed from sending to the other app's telling of it.

    python bench/breath.py [--texts 100] [--every 8] [--breath 14336] [--open] [--json]

`--every` are the seconds between two texts. `--open`: both have the chat open, so that each text is marked as seen when
it comes. `--breath 0` is the control.

Prints how many texts arrived and how fast, how many connections were frozen, and the bytes of a re-login: of
connections that carried nothing, made by telling the app that the network has changed.
"""

import argparse
import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

from angarium.apps.check.throwaway import OPTIONS, relay
from angarium.apps.check.trial import Trial, trial
from angarium.lab.core import Event, binary, core
from angarium.lab.freeze import FROZEN_AT, Freezer, freezer
from angarium.lab.profile import Profile, join
from bench.figures import say

SETTINGS = """
[messages]
rate_per_minute = 100000
rate_burst = 100000
[limits]
breath_bytes = {breath}
"""
PATIENCE = 180.0
"""Seconds to wait for the last text."""
LOGINS = 3


def through(link: str, ports: dict[str, int]) -> str:
    """An invitation that leads to other ports."""
    head, _, query = link.partition("?")
    fields = [field.partition("=") for field in query.split("&")]
    return head + "?" + "&".join(f"{key}={ports.get(key, value)}" for key, _, value in fields)


def reads_at_once(person: Profile) -> contextlib.AbstractContextManager[None]:
    """Have a person mark each message as seen when it comes, as the app does with a chat that is open."""
    seen: set[asyncio.Task[object]] = set()

    def look(event: Event | None) -> None:
        if event is not None and event.kind == "IncomingMsg":
            task = asyncio.create_task(person.call("markseen_msgs", [event.fields["msgId"]]))
            seen.add(task)
            task.add_done_callback(seen.discard)

    return person.core.listening(person.number, look)


async def relogins(person: Profile, imap: Freezer) -> list[tuple[int, int]]:
    """Bytes up and down of connections on which nothing happens: the network goes and comes back."""
    costs = []
    for _ in range(LOGINS):
        await person.call("stop_io")
        with person.when("ImapInboxIdle") as idle:
            await person.call("start_io")
            await idle
        await asyncio.sleep(1)
        costs.append((imap.connections[-1].up, imap.connections[-1].down))
    await person.call("stop_io")
    return costs


async def exchange(people: Trial, ada: Profile, ben: Profile, texts: int, every: float) -> dict[str, float]:
    """Have two people write in turn; how that went."""
    there = await join(ben, ada)
    contact = await ada.call("lookup_contact_id_by_addr", ben.address)
    back = await ada.call("create_chat_by_contact_id", contact)
    for number in range(texts):
        sender, chat, receiver = (ada, back, ben) if number % 2 == 0 else (ben, there, ada)
        await people.send("texts", sender, chat, [receiver])
        await asyncio.sleep(every)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(people.ledger.complete("texts"), PATIENCE)
    tally = people.ledger.tally("texts", await people.held())
    seconds = tally.seconds or (float("inf"),)
    return {
        "texts": tally.expected,
        "arrived": tally.delivered,
        "twice": tally.duplicated,
        "p50_s": round(median(seconds), 2),
        "p95_s": round(seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))], 2),
        "max_s": round(seconds[-1], 2),
    }


@contextlib.asynccontextmanager
async def censored(breath: int, limit: int | None) -> AsyncIterator[tuple[Trial, Freezer, Freezer]]:
    """A relay behind proxies, and nobody yet."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "relay"
        data.mkdir(0o700)
        (data / "angarium.toml").write_text(SETTINGS.format(breath=breath))
        async with (
            relay(data, OPTIONS) as up,
            core(binary(), Path(directory) / "core") as apps,
            freezer(up.port("imaps"), limit) as imap,
            freezer(up.port("submissions"), limit) as smtp,
        ):
            link = through(up.ready.invitation, {"ip": imap.port, "sp": smtp.port})
            async with trial(apps, link, Path(directory)) as people:
                yield people, imap, smtp
                for person in people.people:
                    await person.call("stop_io")


async def bench(texts: int, every: float, breath: int, *, opened: bool) -> dict[str, object]:
    async with censored(breath, FROZEN_AT) as (people, imap, smtp):
        ada, ben = await people.enter("Ada"), await people.enter("Ben")
        with contextlib.ExitStack() as stack:
            if opened:
                for person in (ada, ben):
                    stack.enter_context(reads_at_once(person))
            figures: dict[str, object] = dict(await exchange(people, ada, ben, texts, every))
        figures["imap_connections"] = len(imap.connections)
        figures["most_on_one"] = max(one.counted for one in imap.connections + smtp.connections)
        figures["frozen"] = imap.frozen + smtp.frozen
        await ben.call("stop_io")
        costs = await relogins(ada, imap)
        figures["relogin_up"], figures["relogin_down"] = costs[-1]
        return figures


def main() -> int:
    parser = argparse.ArgumentParser(description="Texts through a censor that freezes connections.")
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--every", type=float, default=8, help="seconds between two texts")
    parser.add_argument("--breath", type=int, default=14_336, help="breath_bytes of the relay; 0: off")
    parser.add_argument("--open", action="store_true", help="both have the chat open")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = asyncio.run(bench(options.texts, options.every, options.breath, opened=options.open))
    say(figures, as_json=options.json)
    return 0 if figures["arrived"] == figures["texts"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
