"""One run of one attempt at one scenario, in an enclosure of its own: the ground, the relay, the censor, two people.

The order is always the same. A naive client must get through while the box is open. People who were there before the
censor enter, and close the app. The censor comes; the naive client must not get through any more. Then it counts: from
the moment when the link is scanned, or the app is opened again, until the first text has arrived, and so on.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from angarium.lab.censor.box import Box, box
from angarium.lab.censor.enclosure import RESOLVER, WORK, furnish
from angarium.lab.censor.judges.encrypted import FullyEncrypted
from angarium.lab.censor.judges.hello import HelloJudge
from angarium.lab.censor.judges.verdict import Judge
from angarium.lab.censor.names import names
from angarium.lab.censor.people import ANN, BOB, People, people
from angarium.lab.censor.relay import Entry, NoSuchWay, Relay, relay
from angarium.lab.censor.report import Job, Run
from angarium.lab.censor.scenarios import (
    DOMAIN,
    ECHO,
    FRONT,
    RELAY,
    SCENARIOS,
    SPARE,
    SPARE_NAME,
    Attempt,
    Scenario,
)
from angarium.lab.censor.topology import INSIDE, OUTSIDE, Ground, within
from angarium.lab.censor.world import echo, front
from angarium.lab.core import CoreError

__all__ = ["trial"]

NAIVE = "198.51.100.9"
ENTER = 90.0
"""Seconds after which people give up to get in, or to get anything, whatever the scenario allows."""
LATE = 60.0
"""Seconds for which the last texts are waited for, longer than any time-out of the core."""


@dataclass(frozen=True)
class Place:
    """Where it happens."""

    box: Box
    relay: Relay
    people: People
    scenario: Scenario
    attempt: Attempt
    judges: Sequence[Judge]

    def entry(self) -> Entry:
        """One person's way in."""
        return self.relay.entry(self.attempt.way, other=FRONT if self.attempt.way == "front" else SPARE_NAME)


async def trial(job: Job) -> Run:
    """Run it. To be called in an enclosure. Raises RelayFailed, OSError."""
    scenario = next(one for one in SCENARIOS if one.name == job.scenario)
    try:
        async with _place(scenario, job) as place:
            return await _run(place, job.texts)
    except NoSuchWay:
        return Run(ok=False, open=False, shut=False, skipped=True, why="the relay does not offer this")


@contextlib.asynccontextmanager
async def _place(scenario: Scenario, job: Job) -> AsyncIterator[Place]:
    furnish()
    ground = Ground()
    for name, host in (("ann", ANN), ("bob", BOB), ("naive", NAIVE)):
        ground.add(name, "inside", [host])
    for name, hosts in (("relay", [RELAY, SPARE]), ("names", [RESOLVER]), ("front", [FRONT]), ("echo", [ECHO])):
        ground.add(name, "outside", hosts)
    zone = {DOMAIN: [RELAY, SPARE], SPARE_NAME: [RELAY, SPARE]}
    async with contextlib.AsyncExitStack() as running:
        passing = running.enter_context(box(INSIDE, OUTSIDE, seed=job.seed))
        running.enter_context(names(within("names", _resolver), zone))
        await running.enter_async_context(echo("echo", (443, 4444)))
        up = await running.enter_async_context(
            relay(
                "relay",
                job.relay,
                WORK / "relay",
                domain=DOMAIN,
                address=RELAY,
                https=scenario.https,
                link=job.invitation,
                proxy=job.proxy,
            )
        )
        await running.enter_async_context(front("front", 443, (RELAY, up.port("https"))))
        both = await running.enter_async_context(people(WORK))
        yield Place(passing, up, both, scenario, scenario.attempts[job.attempt], scenario.judges())


async def _run(place: Place, texts: int) -> Run:
    entries = place.entry(), place.entry()
    through = await _naive(place)
    if place.attempt.earlier:
        await asyncio.wait_for(place.people.enter(*entries), ENTER)
        await place.people.say(1, 0)
        await place.people.until(lambda: place.people.talk.whole, LATE)
        await place.people.leave()
        through &= any(flow.server[0] == RELAY for flow in place.box.flows.all if flow.client[0] in (ANN, BOB))
    place.people.start_over()
    place.box.censor(place.judges, place.scenario.line)
    shut = not await _naive(place)
    begin, why = time.perf_counter(), ""
    try:
        await asyncio.wait_for(place.people.return_() if place.attempt.earlier else place.people.enter(*entries), ENTER)
    except CoreError as error:
        why = f"no account: {error}"
    except TimeoutError:
        why = f"not in after {ENTER:.0f} s"
    if not why:
        await _talk(place, texts)
    file = await _file(place) if not why and place.scenario.file else None
    notes = await _notes(place)
    return _judged(place, texts, begin, file, notes, why, through=through, shut=shut)


async def _talk(place: Place, texts: int) -> None:
    said = asyncio.create_task(place.people.say(texts, place.scenario.interval))
    patience = max(ENTER, 2 * place.attempt.first)
    if await place.people.until(lambda: bool(place.people.talk.times), patience):
        await said
        await place.people.until(lambda: place.people.talk.whole, LATE)
    said.cancel()
    await asyncio.gather(said, return_exceptions=True)


async def _file(place: Place) -> float | None:
    return await place.people.hand(place.scenario.file, 2 * LATE)


async def _naive(place: Place) -> bool:
    return await asyncio.to_thread(within, "naive", place.scenario.naive)


async def _notes(place: Place) -> dict[str, float]:
    """What is counted beside the texts."""
    notes: dict[str, float] = {}
    if place.scenario.quiet:
        begin = time.monotonic()
        await asyncio.sleep(place.scenario.quiet)
        quiet = [flow for flow in place.box.flows.all if flow.opened > begin and flow.over and flow.client[0] == BOB]
        notes["reconnections"] = len(quiet)
        notes["octets a re-login"] = max((flow.up + flow.down for flow in quiet), default=0)
    for judge in place.judges:
        if isinstance(judge, HelloJudge):
            seen = [hello for host, hello in judge.hellos if host in (ANN, BOB)]
            notes["hellos"] = len(seen)
            notes["listed names seen"] = sum(hello.name == DOMAIN for hello in seen)
        if isinstance(judge, FullyEncrypted):
            notes["first packets"] = judge.judged[ANN] + judge.judged[BOB]
            notes["first packets blocked"] = judge.blocked[ANN] + judge.blocked[BOB]
    if dropped := place.box.dropped_by_kernel():
        notes["frames the box was too slow for"] = dropped
    return notes


def _judged(
    place: Place,
    texts: int,
    begin: float,
    file: float | None,
    notes: dict[str, float],
    why: str,
    *,
    through: bool,
    shut: bool,
) -> Run:
    talk, scenario = place.people.talk, place.scenario
    delays = talk.delays
    arrived = len(delays)
    first = min((moment - begin for moment in talk.times.values()), default=None)
    p95 = delays[min(len(delays) - 1, int(len(delays) * 0.95))] if delays else None
    if file is not None:
        notes["seconds for the file"] = round(file, 1)
    wrong = [
        (bool(why), why),
        (arrived < texts, f"{arrived} of {texts} texts"),
        (first is not None and first > place.attempt.first, "the first text was late"),
        (scenario.p95 is not None and p95 is not None and p95 > scenario.p95, "texts were slow"),
        (bool(scenario.file) and file is None, "the file did not arrive"),
        (max(talk.arrived.values(), default=0) > 1, "a text came twice"),
        (scenario.name == "S03" and notes.get("listed names seen", 0) > 0, "the listed name was said"),
        (notes.get("first packets blocked", 0) > 0, "first packets were blocked"),
        (
            scenario.relogin is not None and notes.get("octets a re-login", 0) > scenario.relogin,
            "coming back cost too much",
        ),
    ]
    reasons = [text for is_so, text in wrong if is_so]
    if reasons and place.people.complaints:
        reasons.append(f"the core said: {' / '.join(place.people.complaints)}")
    return Run(
        ok=not reasons and through and shut,
        open=through,
        shut=shut,
        texts=texts,
        arrived=arrived,
        doubled=sum(count - 1 for count in talk.arrived.values()),
        first=None if first is None else round(first, 2),
        p95=None if p95 is None else round(p95, 2),
        why="; ".join(dict.fromkeys(reasons)),
        notes=notes,
    )


def _resolver() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((RESOLVER, 53))
    return sock
