"""Whether a dead relay slows a live one down: how fast a thousand messages get through, with and without ten thousand
that wait for a relay that does not answer.

    python bench/backlog.py [--live N] [--dead N] [--turns N] [--directory DIR] [--json]

The live one is a relay in a process of its own, over HTTPS on loopback. The dead one takes connections and never says a
word. Two queues with a store on disk each, one with the backlog and one without, take turns in this process; each turn
begins with the first submission and ends when the last message has left the queue. Slower: by the median of the turns.

Exit status: 0 the live one is at most 10 % slower; 1 it is.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import ssl
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

from angarium.apps.check.throwaway import Relay, relay
from angarium.mail.federation.https import HttpsRoad
from angarium.mail.federation.queue import Queue
from angarium.mail.federation.road_clock import RoadClock
from angarium.mail.federation.roads import Roads
from angarium.mail.notices import Notices
from angarium.mail.settings import Federation, Route
from angarium.reach.resolver import Resolver
from angarium.reach.trust import Trust
from angarium.store.outbound import Consigned, Dispatch
from angarium.store.sealed import Sealed
from angarium.store.store import Store, open_sqlite

GOAL = 0.10
LIVE, DEAD = "127.0.0.3", "127.0.0.4"
SENDERS = 50
DAY = 20_000
MAIL = (Path(__file__).parents[1] / "tests" / "mails" / "encrypted" / "as-the-app-sends-it.eml").read_bytes()


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", type=int, default=1000, help="messages to the live relay, each turn")
    parser.add_argument("--dead", type=int, default=10_000, help="messages that wait for the dead one")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--directory", type=Path, help="where to put the databases (default: a temporary directory)")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.directory) as name, silent() as dead_port:
        directory = Path(name)
        async with relay(directory / "live", ("--listen", LIVE, "--ports", "any")) as live:
            names = [await asyncio.to_thread(account, live) for _ in range(10)]
            routes = {
                LIVE: Route(via=f"{LIVE}:{live.port('https')}", transport="https"),
                DEAD: Route(via=f"{DEAD}:{dead_port}", transport="https"),
            }
            federation = Federation(routes=routes, queue_messages=10**6, queue_bytes=1 << 40)
            async with (
                sending(directory / "without", federation) as without,
                sending(directory / "with", federation) as loaded,
            ):
                await submit(loaded, DEAD, given.dead, [f"p@[{DEAD}]"])
                turns = []
                for turn in range(given.turns + 1):
                    order = (without, loaded) if turn % 2 else (loaded, without)
                    took = {queue: await one_turn(queue, given.live, names) for queue in order}
                    turns.append((given.live / took[without], given.live / took[loaded]))
                assert (without.desk.totals().messages, loaded.desk.totals().messages) == (0, given.dead)
    return report(turns[1:], given)


def report(turns: list[tuple[float, float]], given: argparse.Namespace) -> int:
    """Print the medians; the first turn, in which everything is met for the first time, is left out by the caller."""
    slower = [1 - loaded / without for without, loaded in turns]
    found = {
        "live": given.live,
        "dead": given.dead,
        "turns": len(turns),
        "without_per_second": round(statistics.median(without for without, _ in turns), 1),
        "with_per_second": round(statistics.median(loaded for _, loaded in turns), 1),
        "slower": round(statistics.median(slower), 4),
        "slower_each_turn": [round(one, 4) for one in slower],
        "load": round(os.getloadavg()[0], 1),
    }
    good = statistics.median(slower) <= GOAL
    if given.json:
        print(json.dumps(found))
    else:
        print(f"{given.live} messages to a live relay, {len(turns)} turns, load {found['load']}")
        print(f"without anything else  {found['without_per_second']:>8,.0f}/s")
        print(f"with {given.dead:,} to a dead one {found['with_per_second']:>6,.0f}/s")
        low, high = min(slower), max(slower)
        print(f"slower by {found['slower']:.1%} (turns: {low:.1%} to {high:.1%}); the goal is at most {GOAL:.0%}")
    return 0 if good else 1


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A relay that takes connections and never says a word."""
    with socket.create_server((DEAD, 0), backlog=128) as listener:
        yield listener.getsockname()[1]


@contextlib.asynccontextmanager
async def sending(directory: Path, federation: Federation) -> AsyncIterator[Queue]:
    """A queue that runs, over a store on disk."""
    store: Store = open_sqlite(directory, Sealed(bytes(range(32))))
    trust = Trust(store.keys)
    road = HttpsRoad(Resolver(["127.0.0.1:9"]).addresses, trust)

    async def sign(message: bytes) -> bytes:
        return message

    queue = Queue(
        federation,
        store.queue,
        Roads(federation, {"https": road}),
        sign,
        RoadClock(None, lambda: DAY),
        notices=Notices(lambda: "127.0.0.2", lambda: DAY),
        today=lambda: DAY,
        on_delivered=lambda names: None,
    )
    running = asyncio.create_task(queue.run())
    try:
        await asyncio.sleep(0.1)
        yield queue
    finally:
        running.cancel()
        await asyncio.wait([running])
        road.close()
        await store.close()


async def one_turn(queue: Queue, number: int, names: list[str]) -> float:
    """Seconds until so many messages are through."""
    before = queue.desk.totals().messages
    began = time.perf_counter()
    await submit(queue, LIVE, number, names)
    while True:
        await asyncio.sleep(0.01)
        if queue.desk.totals().messages == before:
            return time.perf_counter() - began


async def submit(queue: Queue, destination: str, number: int, recipients: list[str]) -> None:
    """Submit so many messages, from several senders side by side."""
    left = iter(range(number))

    async def sender(at: int) -> None:
        for each in left:
            message = MAIL.replace(b"6f0b2a1e-9b1c", str(uuid4())[:13].encode())
            message = message.replace(b"alice1234@relay.example", b"sender%03d@127.0.0.2" % at, 1)
            to = (Consigned(destination, (recipients[each % len(recipients)],)),)
            await queue.add(Dispatch(f"sender{at:03}@127.0.0.2", message, to), [])

    await asyncio.gather(*(sender(at) for at in range(SENDERS)))


def account(live: Relay) -> str:
    """Make an account at the live relay; its address."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(f"https://{LIVE}:{live.port('https')}/new", method="POST")
    with urllib.request.urlopen(request, context=context, timeout=20) as answer:
        return str(json.load(answer)["email"])


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
