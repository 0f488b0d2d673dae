"""`angarium check`: prove that a relay works, with the real core of the apps."""

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from angarium.apps.check.examine import Patience, examine
from angarium.apps.check.links import Site, site
from angarium.apps.check.report import Report, render
from angarium.apps.check.steps import STEPS, Step
from angarium.apps.check.throwaway import RelayFailed
from angarium.apps.check.throwaway import relay as throwaway
from angarium.apps.options import Json
from angarium.lab.core import CoreMissing, binary, core
from angarium.mail.invitation import NotAnInvitation

__all__ = ["check"]


class Terminated(Exception):
    """Somebody ended the check by SIGTERM."""


async def check(
    *,
    relay: Annotated[
        str | None,
        Parameter(help="Invitation to the relay to test, dcaccount:… or dclogin:… [default: a relay of its own]."),
    ] = None,
    core: Annotated[
        Path | None, Parameter(help="Another deltachat-rpc-server than the one installed, such as an older one.")
    ] = None,
    timeout: Annotated[float, Parameter(help="Seconds the whole check may take.")] = 180,
    step_timeout: Annotated[float, Parameter(help="Seconds each of its steps may take.")] = 60,
    json: Json = False,
) -> int:
    """Prove that a relay works, with the real core of the Delta Chat apps.

    Makes five throwaway accounts; two verify each other by QR code, write to each other and send a file; all five talk
    in a group, and in a channel. Shows what arrived and how fast, and deletes the accounts again. Without `--relay` it
    starts a throwaway relay of its own on this machine.

    A `dclogin:` link serves as a pattern: each account gets a new name and password. A token in the link is used once
    for every account, so it must be good for five.

    Exit status: 0 everything arrived exactly once; 1 something did not; 2 it could not be tried.
    """
    try:
        with _ended_in_order(), _progress(quiet=json) as tell:
            report = await _report(relay, core, Patience(step=step_timeout, whole=timeout), tell)
    except (CoreMissing, NotAnInvitation, RelayFailed) as error:
        sys.stderr.write(f"angarium: {error}\n")
        return 2
    except Terminated:
        return 128 + signal.SIGTERM
    if json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        Console(highlight=False).print(render(report))
    return 0 if report.ok else 1


async def _report(link: str | None, program: Path | None, patience: Patience, tell: Callable[[Step], None]) -> Report:
    program = binary(program)
    with tempfile.TemporaryDirectory(prefix="angarium-check-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        async with (
            _relay(link, directory / "relay") as (invitation, where),
            core(program, directory / "core") as running,
        ):
            return await examine(running, invitation, where, directory, patience, tell)


@contextlib.asynccontextmanager
async def _relay(link: str | None, data: Path) -> AsyncIterator[tuple[str, Site]]:
    """The relay to test: an invitation to it, and what is known of it."""
    if link is not None:
        yield link, site(link)
        return
    async with throwaway(data) as ours:
        described = site(ours.ready.invitation)
        yield ours.ready.invitation, Site(described.name, ours.ready.page, described.verified)


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """On SIGTERM stop what was started, as on Ctrl-C, and raise Terminated."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    told = False

    def stop() -> None:
        nonlocal told
        told = True
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, stop)
    try:
        yield
    except asyncio.CancelledError:
        if not told:
            raise
        task.uncancel()
        raise Terminated from None
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


@contextlib.contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[Step], None]]:
    """A bar that moves with every step that begins; nothing where nobody looks."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    shown = not quiet and console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not shown) as progress:
        task = progress.add_task("Starting", total=len(STEPS))
        names = [step.name for step in STEPS]
        yield lambda step: progress.update(task, description=step.title, completed=names.index(step.name))
