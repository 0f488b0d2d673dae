"""Where a run happens: the ground, the names, the relay, the box, and two people on their side of it."""

import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

from angarium.lab.censor.box import Box, box
from angarium.lab.censor.enclosure import RESOLVER, WORK, furnish
from angarium.lab.censor.gardens import decoy, furnish_sites
from angarium.lab.censor.judges.addresses import BlockedAddresses
from angarium.lab.censor.judges.verdict import Judge
from angarium.lab.censor.link import Line
from angarium.lab.censor.names import names
from angarium.lab.censor.people import ANN, BOB, People, people
from angarium.lab.censor.relay import DISGUISED, OURS, Entry, NoSuchWay, Relay, opened, relay
from angarium.lab.censor.report import Job
from angarium.lab.censor.scenarios import DOMAIN, ECHO, FRONT, RELAY, SPARE, SPARE_NAME, TWINS, Attempt, Scenario
from angarium.lab.censor.sites import DECOYS
from angarium.lab.censor.stages import Stages
from angarium.lab.censor.topology import INSIDE, OUTSIDE, Ground, within
from angarium.lab.censor.world import echo, front

__all__ = ["Place", "place"]

NAIVE = "198.51.100.9"
HOSTS = {"Ann": ANN, "Bob": BOB}


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
    stages: Stages
    """How far people are."""
    job: Job

    def entry(self, of: Relay | None = None) -> Entry:
        """One person's way in. Raises NoSuchWay."""
        other = FRONT if self.attempt.way == "front" else SPARE_NAME
        return (of or self.relay).entry(self.attempt.way, other=other, port=self.attempt.port)

    @property
    def line(self) -> Line | None:
        """What a bad line is like, where there is one."""
        if self.scenario.line is None or self.job.line is None:
            return self.scenario.line
        bits, delay, loss = self.job.line
        return Line(bits or float("inf"), delay, loss)

    def set_out(self) -> None:
        """It counts from now on."""
        self.stages.begin(*HOSTS)

    def begin(self) -> None:
        """The censor comes; or what is to be lost is lost."""
        judges, lost = self.judges, self.twins[:-2]
        if self.twins and self.attempt.swallowed:
            hosts = (RELAY, SPARE, *(twin.address for twin in lost))
            judges = [BlockedAddresses([f"{host}/32" for host in hosts])]
        elif self.twins:
            for name in ("relay", *(twin.domain for twin in lost)):
                self.ground.cut(name)
        self.box.censor(judges, self.line)


@contextlib.asynccontextmanager
async def place(scenario: Scenario, job: Job) -> AsyncIterator[Place]:
    """Make it, in an enclosure. Raises RelayFailed, OSError, NoSuchWay."""
    furnish()
    attempt, command = scenario.attempts[job.attempt], job.relay
    if scenario.probes:
        furnish_sites()
    if attempt.way == "decoy":
        command += DISGUISED if command == OURS else ""
        if "{site}" not in command:
            raise NoSuchWay("decoy")
    ground = Ground()
    alone = scenario.probes and attempt.way != "decoy"  # no classifier learns from others
    twins = dict(list(TWINS.items())[: 0 if alone else scenario.relays - 1])
    for name, host in (("ann", ANN), ("bob", BOB), ("naive", NAIVE)):
        ground.add(name, "inside", [host])
    for name, hosts in (("relay", [RELAY, SPARE]), ("names", [RESOLVER]), ("front", [FRONT]), ("echo", [ECHO])):
        ground.add(name, "outside", hosts)
    for name, host in twins.items():
        ground.add(name, "outside", [host])
    zone = {DOMAIN: [RELAY, SPARE], SPARE_NAME: [RELAY, SPARE]} | {name: [host] for name, host in twins.items()}
    shown = {one.name: decoy(one) for one in DECOYS}
    start = partial(
        relay,
        command=command,
        https=scenario.https,
        link=job.invitation,
        proxy=job.proxy,
        settings=opened(attempt.way, attempt.port) + scenario.settings,
    )
    async with contextlib.AsyncExitStack() as running:
        passing = running.enter_context(box(INSIDE, OUTSIDE, seed=job.seed))
        running.enter_context(names(within("names", _resolver), zone))
        await running.enter_async_context(echo("echo", (443, 4444)))
        up = await running.enter_async_context(
            start("relay", directory=WORK / "relay", domain=DOMAIN, address=RELAY, **shown[DOMAIN])
        )
        others = [
            await running.enter_async_context(
                start(name, directory=WORK / name, domain=name, address=host, **shown[name])
            )
            for name, host in twins.items()
        ]
        await running.enter_async_context(front("front", 443, (RELAY, up.port("https"))))
        both = await running.enter_async_context(people(WORK))
        stages = Stages(lambda person: (passing.carried[HOSTS[person], True], passing.carried[HOSTS[person], False]))
        both.watch = stages.heard
        yield Place(ground, passing, up, others, both, scenario, attempt, scenario.judges(), stages, job)


def _resolver() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((RESOLVER, 53))
    return sock
