"""A data directory that cannot be written when the relay starts: it says so, and changes nothing."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import House, Small

NOT_ALL_POWERFUL = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
"""Root, who otherwise writes and reads what nobody may."""


def remount(at: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(at)], check=True)


async def test_a_file_system_that_is_mounted_read_only(house: House, small: Small) -> None:
    room = small(3_000_000)
    remount(room, "ro")
    house.data = room / "relay"
    assert f"cannot write {house.data}: Read-only file system. Name another" in await house.fails_to_start()
    remount(room, "rw")
    House.__init__(house, house.data)
    async with house.up():
        pass
    before = sorted(house.data.iterdir())
    remount(room, "ro")
    said = await house.fails_to_start()
    assert f"the data directory cannot be written (Read-only file system) ({house.data})" in said
    remount(room, "rw")
    assert sorted(house.data.iterdir()) == before
    async with house.up():
        pass


@pytest.fixture
def locked(house: House) -> Iterator[House]:
    """A data directory in which nothing may be made."""
    house.data.chmod(0o500)
    yield house
    house.data.chmod(0o700)


async def test_a_directory_that_may_not_be_written(locked: House) -> None:
    there = list(locked.data.iterdir())
    assert f"cannot write {locked.data}" in (said := await locked.fails_to_start(*NOT_ALL_POWERFUL))
    assert "Permission denied. Name another directory with --data" in said
    assert list(locked.data.iterdir()) == there


async def test_a_root_key_that_may_not_be_read(house: House) -> None:
    async with house.up():
        pass
    key = house.data / "root.key"
    key.chmod(0)
    assert f"cannot read {key}: Permission denied" in await house.fails_to_start(*NOT_ALL_POWERFUL)
