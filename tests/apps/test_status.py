"""The keeper's screen."""

import re
from io import StringIO

import pytest
import segno
from msgspec.structs import replace
from rich.console import Console

from angarium.apps.status import Listening, Status, render
from angarium.apps.terminal import qr, size
from angarium.mail.federation.census import Totals

STATUS = Status(
    version="1.2.3",
    since=1_790_000_000,
    domain="relay.example",
    registration="open",
    page="https://relay.example/",
    listening=[Listening("imaps", "0.0.0.0", 993), Listening("imaps", "::", 993), Listening("https", "0.0.0.0", 443)],
    certificate="self-signed",
    certificate_expires_day=20_454,
    accounts=3,
    messages=17,
    connections=5,
    disk_bytes=3_500_000,
    last_error="",
    queue=Totals(7, 20_000, 2, 1, 0, 0, None),
)


def shown(status: Status) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(render(status))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_everything_is_on_one_screen() -> None:
    screen = shown(STATUS)
    assert len(screen.splitlines()) <= 24
    for said in ("relay.example", "1.2.3", "2026-", "imaps 993", "0.0.0.0, ::", "self-signed, until 2026-01-01", "17"):
        assert said in screen
    assert "3.3 MiB" in screen
    assert "none" in screen


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        (Totals(0, 0, 0, 0, 0, 0, None), "none"),
        (Totals(7, 20_000, 2, 1, 0, 0, None), "7 for 2 relays (19.5 KiB), 1 of them failing"),
        (Totals(1, 900, 1, 0, 1, 0, 20_454), "1 for 1 relay (900 B), 1 held, island since 2026-01-01"),
        (Totals(0, 0, 0, 0, 0, 0, 20_454), "none, island since 2026-01-01"),
    ],
)
def test_what_waits_for_other_relays(totals: Totals, said: str) -> None:
    screen = shown(replace(STATUS, queue=totals))
    (line,) = [line for line in screen.splitlines() if line.startswith("For other relays")]
    assert line.removeprefix("For other relays").strip() == said


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (250 * 1024, "250 KiB"),
        (5 << 30, "5.0 GiB"),
        (3 << 40, "3.0 TiB"),
    ],
)
def test_sizes(octets: int, said: str) -> None:
    assert size(octets) == said


@pytest.mark.parametrize("colour", [False, True])
def test_a_code_in_the_terminal_has_the_modules_of_the_link(colour: bool) -> None:
    """Read back from half blocks: what is printed is light, so that it scans on a dark terminal and on a light one."""
    halves = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}
    rows: list[list[int]] = []
    for line in re.sub(r"\x1b\[[0-9;]*m", "", qr("dcaccount:relay.example", colour=colour)).splitlines():
        rows.append([halves[half][0] for half in line])
        rows.append([halves[half][1] for half in line])
    code = segno.make("dcaccount:relay.example", error="l", micro=False)
    expected = [[int(module) for module in row] for row in code.matrix_iter(border=4)]
    assert rows[: len(expected)] == expected
