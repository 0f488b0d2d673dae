"""Files of the data directory that a crash left half written: named, with what to do, never made anew in silence."""

import pytest

from tests.faults.conftest import House


async def test_a_configuration_that_ends_in_the_middle(house: House) -> None:
    async with house.up():
        pass
    file = house.data / "angarium.toml"
    file.write_text('[messages]\nrate_burst = 5\n\n[names]\ndomain = "relay.exa')
    said = await house.fails_to_start()
    assert f"{file}:5: not TOML" in said


@pytest.mark.parametrize(("left", "said"), [(b"", ": is empty: put back"), (bytes(512), ":1: not TOML")])
async def test_a_configuration_whose_bytes_are_gone(house: House, left: bytes, said: str) -> None:
    file = house.data / "angarium.toml"
    file.write_bytes(left)
    assert f"{file}{said}" in await house.fails_to_start()
    assert file.read_bytes() == left, "a relay with other settings than its keeper's is not begun"


async def test_a_root_key_that_ends_in_the_middle(house: House) -> None:
    async with house.up():
        pass
    key = house.data / "root.key"
    whole = key.read_bytes()
    key.write_bytes(whole[:31])
    assert "root.key is damaged: put it back from a copy" in await house.fails_to_start()
    assert key.read_bytes() == whole[:31], "it is left for the keeper to mend"
    key.write_bytes(whole)
    async with house.up():
        pass


async def test_ports_that_end_in_the_middle_are_chosen_anew(house: House) -> None:
    async with house.up():
        pass
    (house.data / "ports.json").write_text('{"imaps": 99')
    async with house.up():
        pass
