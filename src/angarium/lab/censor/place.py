"""Where a run happens: the ground, the names, the relay, the box, and two people on their side of it."""

import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

from angarium.lab.censor.box import Box, box
from angarium.lab.censor.enclosure import RESOLVER, WORK, furnish
from angarium.lab.censor.judges.verdict import Judge
from angarium.lab.censor.names import names
from angarium.lab.censor.nginx import furnish_site
from angarium.lab.censor.people import ANN, BOB, People, people
from angarium.lab.censor.relay import DISGUISED, OURS, Entry, NoSuchWay, Relay, relay
from angarium.lab.censor.report import Job
from angarium.lab.censor.scenarios import DOMAIN, ECHO, FRONT, RELAY, SPARE, SPARE_NAME, TWINS, Attempt, Scenario
from angarium.lab.censor.topology import INSIDE, OUTSIDE, Ground, within
from angarium.lab.censor.world import echo, front

__all__ = ["Place", "place"]

NAIVE = "198.51.100.9"


@dataclass(frozen=True)
class Place:
    """Where it happens."""

    ground: Ground
    box: Box
    relay: Relay
    twins: Sequence[Relay]
    """Further relays."""
    people: People
    scenario: Scenario
    attempt: Attempt
    judges: Sequence[Judge]
    job: Job

    def entry(self, of: Relay | None = None) -> Entry:
        """One person's way in. Raises NoSuchWay."""
        other = FRONT if self.attempt.way == "front" else SPARE_NAME
        return (of or self.relay).entry(self.attempt.way, other=other)

    def begin(self) -> None:
        """The censor comes; or what is to be lost is lost."""
        self.box.censor(self.judges, self.scenario.line)
        if self.twins:
            self.ground.cut("relay")
            for twin in self.twins[:-2]:
                self.ground.cut(twin.domain)


@contextlib.asynccontextmanager
async def place(scenario: Scenario, job: Job) -> AsyncIterator[Place]:
    """Make it, in an enclosure. Raises RelayFailed, OSError, NoSuchWay."""
    furnish()
    attempt, command = scenario.attempts[job.attempt], job.relay
    if scenario.probes:
        furnish_site()
    if attempt.way == "decoy":
        command += DISGUISED if command == OURS else ""
        if "{site}" not in command:
            raise NoSuchWay("decoy")
    ground = Ground()
    twins = dict(list(TWINS.items())[: scenario.relays - 1])
    for name, host in (("ann", ANN), ("bob", BOB), ("naive", NAIVE)):
        ground.add(name, "inside", [host])
    for name, hosts in (("relay", [RELAY, SPARE]), ("names", [RESOLVER]), ("front", [FRONT]), ("echo", [ECHO])):
        ground.add(name, "outside", hosts)
    for name, host in twins.items():
        ground.add(name, "outside", [host])
    zone = {DOMAIN: [RELAY, SPARE], SPARE_NAME: [RELAY, SPARE]} | {name: [host] for name, host in twins.items()}
    start = partial(
        relay,
        command=command,
        https=scenario.https,
        link=job.invitation,
        proxy=job.proxy,
        settings=scenario.settings,
    )
    async with contextlib.AsyncExitStack() as running:
        passing = running.enter_context(box(INSIDE, OUTSIDE, seed=job.seed))
        running.enter_context(names(within("names", _resolver), zone))
        await running.enter_async_context(echo("echo", (443, 4444)))
        up = await running.enter_async_context(start("relay", directory=WORK / "relay", domain=DOMAIN, address=RELAY))
        others = [
            await running.enter_async_context(start(name, directory=WORK / name, domain=name, address=host))
            for name, host in twins.items()
        ]
        await running.enter_async_context(front("front", 443, (RELAY, up.port("https"))))
        both = await running.enter_async_context(people(WORK))
        yield Place(ground, passing, up, others, both, scenario, attempt, scenario.judges(), job)


def _resolver() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((RESOLVER, 53))
    return sock
