"""`angarium lab load`: what load a relay bears, measured by people who behave as the apps do."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import msgspec
from cyclopts import App, Parameter
from rich.console import Console

from angarium.apps.lab.progress import progress
from angarium.apps.lab.tables import WIDTH, shown
from angarium.apps.options import Json
from angarium.edge.control import Refusal
from angarium.lab.load.day import Day
from angarium.lab.load.fanout import Fanout
from angarium.lab.load.idle import Waiting
from angarium.lab.load.login import Login
from angarium.lab.load.meter import Meter
from angarium.lab.load.report import Report
from angarium.lab.load.soak import Soak
from angarium.lab.load.stage import Line, Stage
from angarium.lab.load.storm import Storm
from angarium.lab.load.target import LoadFailed, Target, listed, throwaway
from angarium.lab.load.throughput import Throughput
from angarium.reach.descriptors import raise_limit

__all__ = ["load"]

HELP = """\
Measure what load a relay bears: this one, or any other that speaks IMAP and submission over TLS.

People who behave as the apps do wait in IDLE, fetch, delete and expunge. Every message that was accepted must arrive
once at each of its recipients, unchanged. Without `--host` a relay is started on loopback for it, and ended afterwards.

Exit status: 0 measured, and all arrived; 1 something was refused, lost, doubled or changed; 2 it could not be measured,
or figures are withheld because the generator was the bottleneck.
"""
CONNECTIONS = 100_000

load = App(name="load", help=HELP, help_format="markdown")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """What all modes share."""

    host: Annotated[str | None, Parameter(help="IP address of the relay; without it, one is started.")] = None
    imaps: Annotated[int, Parameter(help="Its port for IMAP over TLS.")] = 993
    submissions: Annotated[int, Parameter(help="Its port for submission over TLS.")] = 465
    domain: Annotated[
        str | None, Parameter(help="Make accounts with addresses of this domain, by logging in for the first time.")
    ] = None
    accounts: Annotated[
        Path | None, Parameter(help="File of accounts there are: a line each, address, space or colon, password.")
    ] = None
    server_pids: Annotated[
        str, Parameter(help="The relay's processes, by number, with commas between; children count too.")
    ] = ""
    server_groups: Annotated[str, Parameter(help="... by process group.")] = ""
    server_names: Annotated[str, Parameter(help="... by the name of their program, as `ps -o comm` shows it.")] = ""
    workers: Annotated[int, Parameter(help="Processes of the relay, where one is started.")] = 1
    keep: Annotated[
        bool, Parameter(negative="", help="Receivers keep their mail, as people with several devices do.")
    ] = False
    pin: Annotated[int | None, Parameter(help="Run the generator on this processor only.")] = None
    patience: Annotated[float, Parameter(help="Seconds after which a message that has not arrived counts as lost.")] = (
        30
    )
    json: Json = False


DEFAULTS = Options()


class Mode(Protocol):
    """What is measured."""

    def run(self, stage: Stage, done: Callable[[Line], None], withheld: Callable[[str], None]) -> None:
        """Measure; tell each line, and why one is withheld. Raises LoadFailed."""


@load.command
def throughput(
    *,
    sizes: Annotated[str, Parameter(help="KiB of a message as submitted, with commas between.")] = "1.5,10,100",
    groups: Annotated[str, Parameter(help="Numbers of recipients, with commas between.")] = "1,20,200",
    seconds: Annotated[float, Parameter(help="How long each size to each number of recipients.")] = 10,
    rate: Annotated[
        float | None, Parameter(help="Messages a second [default: as many as go through, found by trying].")
    ] = None,
    load: Annotated[
        str | None, Parameter(help="... or a share of what goes through, such as 50%: that is measured first.")
    ] = None,
    at_once: Annotated[int, Parameter(help="Messages under way at a time [default: found by trying].")] = 0,
    receivers: Annotated[int, Parameter(help="People who wait [default: the largest group, at least 64].")] = 0,
    options: Options = DEFAULTS,
) -> int:
    """Messages through the relay: as many as go, or at a rate.

    Tells, for each size and number of recipients, how many deliveries a second there are, how long it takes until the
    relay has answered 250 and until the recipient has the message, and what CPU time a delivery takes.

    Exit status: 0 measured, and all arrived; 1 not all did, or something was refused; 2 it could not be measured.
    """
    kinds = [round(size * 1024) for size in _numbers("--sizes", sizes)]
    counts = [int(count) for count in _numbers("--groups", groups)]
    if seconds <= 0 or (rate is not None and rate <= 0) or at_once < 0 or min(counts) < 1:
        raise Refusal("--seconds, --rate, --at-once and --groups: more than nothing is wanted")
    if receivers and receivers < max(counts):
        raise Refusal(f"--receivers: the largest group has {max(counts)}")
    if rate is not None and load is not None:
        raise Refusal("--rate and --load: one of the two")
    share = None if load is None else _share(load)
    return _measure(Throughput(kinds, counts, seconds, rate, share, at_once, receivers), options)


@load.command
def fanout(
    *,
    recipients: Annotated[int, Parameter(help="Of the one message.")] = 1000,
    size: Annotated[float, Parameter(help="KiB of the message.")] = 1.5,
    times: Annotated[int, Parameter(help="How often it is tried; the median is told.")] = 5,
    options: Options = DEFAULTS,
) -> int:
    """One message to many: the time until the last recipient has fetched it.

    Exit status: 0 measured, and all arrived; 1 not all did, or something was refused; 2 it could not be measured.
    """
    if recipients < 1 or times < 1:
        raise Refusal("--recipients and --times: at least 1")
    return _measure(Fanout(recipients, round(size * 1024), times), options)


@load.command
def idle(
    *,
    connections: Annotated[int, Parameter(help="How many wait in IDLE.")] = 1000,
    people: Annotated[int, Parameter(help="How many people they are [default: at most 1,000].")] = 0,
    seconds: Annotated[float, Parameter(help="How long nothing happens, for the CPU time of that.")] = 20,
    options: Options = DEFAULTS,
) -> int:
    """Connections that wait: memory of each in the relay's processes, and CPU time while nothing happens.

    Exit status: 0 measured, and all arrived; 1 not all did, or something was refused; 2 it could not be measured.
    """
    if connections < 1 or people < 0 or seconds <= 0:
        raise Refusal("--connections and --seconds: more than nothing is wanted")
    return _measure(Waiting(connections, people, seconds), options)


@load.command
def login(
    *,
    seconds: Annotated[float, Parameter(help="How long each kind.")] = 10,
    at_once: Annotated[int, Parameter(help="Logins under way at a time.")] = 8,
    people: Annotated[int, Parameter(help="How many there are who come back.")] = 200,
    resume: Annotated[bool, Parameter(negative="", help="Go on with the TLS session of the last time.")] = False,
    options: Options = DEFAULTS,
) -> int:
    """Logins: of those who come back, and of those who make an account by it.

    Exit status: 0 measured, and all arrived; 1 not all did, or something was refused; 2 it could not be measured.
    """
    if seconds <= 0 or at_once < 1 or people < 1:
        raise Refusal("--seconds, --at-once and --people: more than nothing is wanted")
    return _measure(Login(seconds, at_once, people, resume), options)


@load.command
def storm(
    *,
    connections: Annotated[int, Parameter(help="How many lose their connection and return at once.")] = 1000,
    rate: Annotated[float, Parameter(help="Messages a second that others send meanwhile.")] = 20,
    resume: Annotated[bool, Parameter(negative="", help="Go on with the TLS session of the last time.")] = False,
    within: Annotated[float, Parameter(help="Seconds in which they return, evenly; 0: all at once.")] = 0,
    options: Options = DEFAULTS,
) -> int:
    """Everybody is back at once, or soon, after the network was lost, while others go on talking.

    Who is not in IDLE again within 60 seconds has failed. That is told always; how fast they were is withheld where
    their own process was busy for nine tenths of the time.

    Exit status: 0 measured, and all arrived; 1 not all did, or something was refused; 2 it could not be measured.
    """
    if connections < 1 or rate <= 0 or within < 0:
        raise Refusal("--connections and --rate: more than nothing is wanted, and --within: not less")
    return _measure(Storm(connections, rate, resume=resume, within=within), options)


@load.command
def day(
    *,
    people: Annotated[int, Parameter(help="How many have an account.")] = 500,
    messages: Annotated[int, Parameter(help="How many each sends in a day.")] = 20,
    hours: Annotated[int, Parameter(help="How many hours, from midnight on.")] = 24,
    minutes: Annotated[float, Parameter(help="How long these hours take.")] = 5,
    seed: Annotated[int, Parameter(help="Another number, another day.")] = 1,
    options: Options = DEFAULTS,
) -> int:
    """A day, accelerated: people come and go, write texts and files, alone and to groups; figures for each hour.

    Exit status: 0 measured, and all arrived; 1 not all did, or something was refused; 2 it could not be measured.
    """
    if people < 2 or messages < 1 or hours < 1 or minutes <= 0:
        raise Refusal("--people: at least 2; --messages, --hours and --minutes: more than nothing is wanted")
    return _measure(Day(people, messages, hours, minutes, seed), options)


@load.command
def soak(
    *,
    people: Annotated[int, Parameter(help="How many have an account.")] = 1000,
    minutes: Annotated[float, Parameter(help="How long it takes; from ten on, a sweep of retention falls in it.")] = 12,
    waves: Annotated[int, Parameter(help="How often the hours of the day pass; the first half warms up.")] = 6,
    seed: Annotated[int, Parameter(help="Another number, another day.")] = 1,
    options: Options = DEFAULTS,
) -> int:
    """What 24 hours leave behind: all that a relay of so many people sees in a day, accelerated.

    Besides `day`: networks that change, wrong passwords, accounts made and deleted, mail to nobody, files, errors of
    protocol, connections without a word. Memory, disk, descriptors and threads must not grow by more than is told.

    Exit status: 0 nothing grew, all arrived and went as it has to; 1 something did not; 2 it could not be measured.
    """
    if people < 2 or minutes <= 0 or waves < 3:
        raise Refusal("--people: at least 2; --minutes: more than nothing; --waves: at least 3")
    if options.host is not None or options.keep:
        raise Refusal("soak: a relay that is started for it, whose people delete their mail; no --host, no --keep")
    return _measure(Soak(people, minutes, waves, seed), options)


def _measure(mode: Mode, options: Options) -> int:
    lines: list[Line] = []
    withheld: list[str] = []
    before = os.getloadavg()[0]
    raise_limit(CONNECTIONS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # or the relay it started would stay
    try:
        with progress(quiet=options.json) as tell, _target(options) as target:
            if options.pin is not None:
                os.sched_setaffinity(0, {options.pin})  # not before: the relay that was started keeps all
            stage = Stage(target, _meter(options, target), tell, options.keep, options.patience)
            mode.run(stage, lines.append, withheld.append)
            stage.close()
    except LoadFailed as error:
        sys.stderr.write(f"angarium: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"angarium: {error.strerror}\n")
        return 2
    report = Report(
        "its own" if options.host is None else options.host,
        lines,
        withheld,
        before,
        os.getloadavg()[0],
        os.cpu_count() or 1,
    )
    if options.json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        Console(highlight=False, width=max(WIDTH, Console().width)).print(shown(report))
    for reason in withheld:
        sys.stderr.write(f"angarium: withheld: {reason}. Give it a processor of its own, or ask for less\n")
    return 2 if withheld else 0 if report.ok else 1


@contextmanager
def _target(options: Options) -> Iterator[Target]:
    if options.host is None:
        with throwaway({"workers": options.workers}) as target:
            yield target
        return
    if options.domain is None and options.accounts is None:
        raise Refusal("--host needs --domain, to make accounts there, or --accounts, a file of those there are")
    accounts = listed(options.accounts) if options.accounts else []
    yield Target(options.host, options.imaps, options.submissions, options.domain or "", accounts)


def _meter(options: Options, target: Target) -> Meter:
    pids = [int(pid) for pid in _numbers("--server-pids", options.server_pids)]
    groups = [int(group) for group in _numbers("--server-groups", options.server_groups)]
    names = [name.strip() for name in options.server_names.split(",") if name.strip()]
    meter = Meter([*pids, *target.pids], groups, names)
    if (pids or groups or names) and not meter.watching:
        raise Refusal("--server-pids, --server-groups, --server-names: there is no such process")
    return meter


def _share(text: str) -> float:
    percent = _numbers("--load", text.removesuffix("%"))
    if not text.endswith("%") or len(percent) != 1 or not 0 < percent[0] <= 100:
        raise Refusal("--load: a share of saturation is wanted, such as 50%")
    return percent[0] / 100


def _numbers(name: str, text: str) -> list[float]:
    try:
        return [float(word) for word in text.split(",") if word.strip()]
    except ValueError:
        raise Refusal(f"{name}: numbers are wanted, with commas between") from None
