"""tor, the real one with its network off: the address it makes, its configuration, and who looks after it."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from angarium.reach import onion as onion_module
from angarium.reach.onion import ADDRESS, Onion, OnionError, program

OFF = ("DisableNetwork 1",)
PORTS = {993: ("127.0.0.1", 10993), 443: ("::1", 10443)}

Make = Callable[..., Onion]


@pytest.fixture
def tor() -> Path:
    try:
        return program("")
    except OnionError:
        pytest.skip("Debian's tor is not installed")


@pytest.fixture
def make(tor: Path, tmp_path: Path) -> Make:
    def one(*more: str, ports: dict[int, tuple[str, int]] = PORTS) -> Onion:
        return Onion(tor, tmp_path / 'a "strange\\ place' / "onion", tmp_path / "tor", ports, (*OFF, *more))

    (tmp_path / 'a "strange\\ place').mkdir()
    return one


@contextlib.asynccontextmanager
async def running(onion: Onion) -> AsyncIterator[None]:
    await onion.check()
    task = asyncio.create_task(onion.run())
    try:
        assert await asyncio.wait_for(onion.known(), 30)
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def children() -> list[int]:
    """The numbers of tor processes that this one started."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            name, _, rest = (entry / "stat").read_text().partition(") ")
            if name.endswith("(tor") and int(rest.split()[1]) == os.getpid() and rest[0] != "Z":
                found.append(int(entry.name))
    return found


async def until(test: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not test():
            await asyncio.sleep(0.02)


async def test_an_address_is_made_and_stays(make: Make) -> None:
    async with running(make()):
        first = make().address
        assert ADDRESS.fullmatch(first)
    async with running(onion := make()):
        assert onion.address == first


async def test_only_its_owner_may_look_inside(make: Make, tmp_path: Path) -> None:
    async with running(make()):
        for directory in (tmp_path / 'a "strange\\ place' / "onion", tmp_path / "tor"):
            assert directory.stat().st_mode & 0o777 == 0o700


async def test_it_ends_with_us_and_is_started_again_when_it_dies(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(onion_module, "PAUSES", (0.05,))
    async with running(onion := make()):
        await until(lambda: len(children()) == 1)
        (first,) = children()
        os.kill(first, signal.SIGKILL)
        await until(lambda: onion.starts == 2 and len(children()) == 1)
        assert children() != [first]
        assert "started again" in caplog.text
    assert children() == []


async def test_it_can_be_ended_at_once(make: Make) -> None:
    async with running(onion := make()):
        await until(lambda: len(children()) == 1)
        onion.kill()
        await until(lambda: children() == [])


async def test_a_configuration_that_it_does_not_take_is_told(make: Make) -> None:
    with pytest.raises(OnionError, match="NoSuchOption"):
        await make("NoSuchOption 1").check()


async def test_lines_of_the_keeper_count(make: Make) -> None:
    await make("UseBridges 1", "Bridge 192.0.2.3:443").check()
    with pytest.raises(OnionError, match="configuration"):
        await make("UseBridges 1").check()


async def test_nothing_is_said_that_has_a_time_in_it(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "angarium")
    async with running(make()):
        await asyncio.sleep(0.5)
    assert not any(record.message[:3].isalpha() and ":" in record.message[:16] for record in caplog.records)
    assert "root" not in caplog.text


def test_where_there_is_no_tor_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(OnionError, match="apt install tor"):
        program("")
    with pytest.raises(OnionError, match=r"onion\.tor"):
        program("/nowhere/tor")


def test_a_directory_that_would_be_two_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OnionError, match="directory"):
        Onion(Path("tor"), tmp_path / "a\nLog debug", tmp_path, PORTS)
