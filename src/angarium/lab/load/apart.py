"""People in a process of their own, who all lose the network at once and are back at once.

Whose messages are timed meanwhile must not wait for thousands of handshakes in the generator's own loop: they are other
people, with processors of their own. So the thousands live in a second process. It is told over its input what to do, a
line of JSON and then a line for each step, and says over its output how far it is.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import msgspec

from angarium.lab.load.crowd import Receiver, gather
from angarium.lab.load.ledger import Ledger
from angarium.lab.load.poll import Poll
from angarium.lab.load.target import Account, LoadFailed, Target
from angarium.reach.descriptors import raise_limit

__all__ = ["TIMEOUT", "Apart", "Came", "Returned"]

TIMEOUT = 60.0
"""Seconds the apps give to each answer."""
STEP = 100


class Crowd(msgspec.Struct, frozen=True):
    """Who they are."""

    host: str
    imaps: int
    accounts: list[tuple[str, str]]
    first: int
    """The number of the first, from which the addresses follow that they come from."""
    resume: bool
    within: float
    """Seconds in which they return, evenly."""


class Came(msgspec.Struct, frozen=True, tag=True):
    """So many are in IDLE for the first time."""

    number: int


class Returned(msgspec.Struct, frozen=True, tag=True):
    """How it ended."""

    durations: list[float]
    """Seconds from the moment each returned until it was in IDLE again."""
    failed: int
    why: str
    """The first failure."""
    cpu: float
    seconds: float
    waited: float


class Failed(msgspec.Struct, frozen=True, tag=True):
    """They did not even come."""

    why: str


class Apart:
    """The process, seen from the one that started it. To be closed."""

    def __init__(self, target: Target, count: int, first: int, *, resume: bool, within: float) -> None:
        """So many people who exist, those after the `first` so many of the target's."""
        people = target.people(count, without=first)
        accounts = [(person.address, person.password) for person in people]
        self._process = subprocess.Popen(  # noqa: S603 (ours)
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._tell(msgspec.json.encode(Crowd(target.host, target.imaps, accounts, first, resume, within)))

    def hear(self) -> Came | Returned:
        """Wait for the next it says. Raises LoadFailed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        said: Came | Returned | Failed = (
            msgspec.json.decode(line, type=Came | Returned | Failed) if line else Failed("")
        )
        if isinstance(said, Failed):
            raise LoadFailed(said.why or "the process of those who return has ended")
        return said

    @property
    def descriptor(self) -> int:
        """Readable where there is something to hear."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def begin(self) -> None:
        """Have all of them go and return."""
        self._tell(b"")

    def close(self) -> None:
        """They go away."""
        self._process.kill()
        self._process.communicate()

    def _tell(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()


def main() -> None:
    """The process itself."""
    crowd = msgspec.json.decode(sys.stdin.readline(), type=Crowd)
    try:
        _live(crowd)
    except LoadFailed as error:
        _say(Failed(str(error)))


def _live(crowd: Crowd) -> None:
    raise_limit(crowd.first + len(crowd.accounts))
    target = Target(crowd.host, crowd.imaps, 0)
    poll, ledger = Poll(), Ledger()
    people = [
        Receiver(poll, target, number, Account(*account), ledger)
        for number, account in enumerate(crowd.accounts, crowd.first)
    ]
    gather(poll, people, 60 + len(people), _steps(len(people)))
    sys.stdin.readline()
    cpu, waited, began = time.process_time(), poll.waited, time.monotonic()
    for person in people:
        person.leave()
    left = time.monotonic()
    durations: list[float] = []

    def back(person: Receiver, moment: float) -> None:
        person.connect(lambda: durations.append(time.monotonic() - moment), resume=crowd.resume)

    for number, person in enumerate(people):
        moment = left + crowd.within * number / len(people)
        poll.at(moment, partial(back, person, moment))

    def over() -> bool:
        return len(durations) + sum(bool(person.failed) for person in people) >= len(people)

    poll.run(over, crowd.within + TIMEOUT)
    failed = [person for person in people if not person.ready]
    why = (failed[0].failed or f"not back after {TIMEOUT:.0f} s") if failed else ""
    _say(
        Returned(
            durations,
            len(failed),
            why,
            time.process_time() - cpu,
            time.monotonic() - began,
            poll.waited - waited,
        )
    )
    sys.stdin.readline()


def _steps(count: int) -> Callable[[int], None]:
    told = 0

    def tell(came: int) -> None:
        nonlocal told
        if came >= told + STEP or came == count > told:
            told = came
            _say(Came(came))

    return tell


def _say(what: Came | Returned | Failed) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
