"""One run of one attempt at one scenario, in an enclosure of its own: the ground, the relay, the censor, two people.

The order is always the same. A naive client must get through while the box is open. People who were there before the
censor enter, and close the app. The censor comes; the naive client must not get through any more. Then it counts: from
the moment when the link is scanned, or the app is opened again, until the first text has arrived, and so on.
"""

import asyncio
import time

from angarium.lab.censor.judges.addresses import BlockedAddresses
from angarium.lab.censor.judges.connections import ShortLife
from angarium.lab.censor.judges.encrypted import FullyEncrypted
from angarium.lab.censor.judges.hello import HelloJudge
from angarium.lab.censor.nginx import NoNginx
from angarium.lab.censor.people import ANN, BOB
from angarium.lab.censor.place import Place, place
from angarium.lab.censor.relay import NoSuchWay
from angarium.lab.censor.report import Job, Run
from angarium.lab.censor.scenarios import DOMAIN, RELAY, SCENARIOS, SPARE
from angarium.lab.censor.suspicion import suspected
from angarium.lab.censor.topology import within
from angarium.lab.core import CoreError

__all__ = ["trial"]

ENTER = 90.0
"""Seconds after which people give up to get in, or to get anything, whatever the scenario allows."""
LOST = 300.0
"""... where relays are lost, or the line is bad: to see whether what is said arrives at all."""
LATE = 60.0
"""Seconds for which the last texts are waited for, longer than any time-out of the core."""


async def trial(job: Job) -> Run:
    """Run it. To be called in an enclosure. Raises RelayFailed, OSError."""
    scenario = next(one for one in SCENARIOS if one.name == job.scenario)
    try:
        async with place(scenario, job) as made:
            if scenario.probes:
                return await suspected(made, job.texts * scenario.probes)
            return await _run(made, job.texts)
    except NoSuchWay:
        return Run(ok=False, open=False, shut=False, skipped=True, why="the relay does not offer this")
    except NoNginx as error:
        return Run(ok=False, open=False, shut=False, skipped=True, why=str(error))


async def _run(place: Place, texts: int) -> Run:
    entries = place.entry(place.twins[-1] if place.twins else None), place.entry()
    through = await _naive(place)
    if place.attempt.earlier:
        place.box.censor([BlockedAddresses([f"{SPARE}/32"])])  # taught, but not up yet: it is not what is in use
        await asyncio.wait_for(place.people.enter(*entries), _patience(place))
        await place.people.say(1, 0)
        if place.twins:
            await place.people.widen(*(place.entry(twin) for twin in place.twins[:-1]))
        await place.people.until(lambda: place.people.talk.whole, LATE)
        if place.attempt.silence is None:
            await place.people.leave()
        else:
            await asyncio.sleep(place.attempt.silence)
        through &= any(flow.server[0] == RELAY for flow in place.box.flows.all if flow.client[0] in (ANN, BOB))
    place.people.start_over()
    place.begin()
    shut = not await _naive(place)
    place.set_out()
    begin, why = time.perf_counter(), ""
    try:
        if not place.attempt.earlier:
            await asyncio.wait_for(place.people.enter(*entries), _patience(place))
        elif place.attempt.silence is None:
            await place.people.return_()
    except CoreError as error:
        why = f"no account: {error}"
    except TimeoutError:
        why = f"not in after {_patience(place):.0f} s"
    if not why:
        await _talk(place, texts)
    if not why and place.twins:
        await _talk(place, texts, back=True)
        texts *= 2
    file = await _file(place) if not why and place.scenario.file else None
    notes = await _notes(place)
    return _judged(place, texts, begin, file, notes, why, through=through, shut=shut)


def _patience(place: Place) -> float:
    return max(ENTER, 3 * place.attempt.first)


async def _talk(place: Place, texts: int, *, back: bool = False) -> None:
    span = place.scenario.span
    interval = span / texts if span else place.scenario.interval
    before = len(place.people.talk.times)
    said = asyncio.create_task(place.people.say(texts, interval, back=back))
    patience = max(LOST if place.twins else ENTER, 2 * place.attempt.first)
    if await place.people.until(lambda: len(place.people.talk.times) > before, patience):
        await said
        await place.people.until(lambda: place.people.talk.whole, LATE if place.scenario.line is None else LOST)
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
        notes["connections ended"] = place.box.counts[ShortLife.__name__]
    if place.scenario.line is not None:
        for name, host in (("Ann", ANN), ("Bob", BOB)):
            flows = [flow for flow in place.box.flows.all if flow.client[0] == host]
            notes[f"{name}'s connections"] = len(flows)
            notes[f"{name}'s octets up"] = sum(flow.up for flow in flows)
            notes[f"{name}'s octets down"] = sum(flow.down for flow in flows)
        notes |= place.stages.notes
    for judge in place.judges:
        if isinstance(judge, HelloJudge):
            seen = [hello for host, hello in judge.hellos if host in (ANN, BOB)]
            notes["hellos"] = len(seen)
            notes["hellos with the relay's name"] = sum(hello.name == DOMAIN for hello in seen)
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
        (scenario.quiet > 0 and not notes.get("connections ended"), "no connection was ended"),
        (bool(scenario.file) and file is None, "the file did not arrive"),
        (max(talk.arrived.values(), default=0) > 1, "a text came twice"),
        (scenario.name == "S03" and notes.get("hellos with the relay's name", 0) > 0, "the listed name was said"),
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
