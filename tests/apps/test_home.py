"""The data directory: made once, found again, private, and never begun anew over what is there."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from angarium.apps.config import ConfigError
from angarium.apps.home import Home, HomeError


def test_made_once_and_found_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "relay")
    assert not home.made
    home.make({"accounts.registration": "invite"})
    key, text = home.root_key(), home.config_file.read_text()
    assert home.made
    assert len(key) == 32
    home.make({"accounts.registration": "closed"})
    assert home.root_key() == key
    assert home.config_file.read_text() == text
    assert home.config().accounts.registration == "invite"


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "relay")
    home.make({})
    home.remember_ports({"imaps": 10993})
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    for file in home.path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_two_relays_have_two_keys(tmp_path: Path) -> None:
    homes = [Home(tmp_path / name) for name in ("a", "b")]
    for home in homes:
        home.make({})
    assert homes[0].root_key() != homes[1].root_key()


def test_the_command_line_counts_for_this_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make({})
    assert home.config({"listen.ports": "high", "names.domain": "relay.example"}).listen.ports == "high"
    assert home.config().listen.ports == "standard"
    with pytest.raises(ConfigError, match=r"listen\.ports"):
        home.config({"listen.ports": "low"})


def test_a_bad_option_at_the_first_start_makes_no_configuration(tmp_path: Path) -> None:
    home = Home(tmp_path / "relay")
    with pytest.raises(ConfigError, match="registration"):
        home.make({"accounts.registration": "sometimes"})
    assert not home.config_file.exists()
    assert not home.made


def test_a_lost_root_key_is_not_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make({})
    home.database.write_bytes(b"SQLite format 3\0")
    home.root_key_file.unlink()
    with pytest.raises(HomeError, match=r"root\.key is missing"):
        home.make({})
    assert not home.root_key_file.exists()


def test_a_damaged_root_key_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make({})
    home.root_key_file.write_bytes(b"short")
    with pytest.raises(HomeError, match="damaged"):
        home.root_key()


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="--data"):
        Home(tmp_path / "file" / "relay").make({})


def test_ports_are_remembered(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.ports() == {}
    home.remember_ports({"imaps": 10993, "https": 10443})
    assert home.ports() == {"imaps": 10993, "https": 10443}
    home.ports_file.write_text("[1, 2")
    assert home.ports() == {}


def test_of_two_first_starts_the_second_finds_what_the_first_made(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as starters:
        homes = [Home(tmp_path / "relay") for _ in range(8)]
        list(starters.map(lambda home: home.make({}), homes))
    assert len({home.root_key() for home in homes}) == 1
    assert sorted(path.name for path in (tmp_path / "relay").iterdir()) == ["angarium.toml", "root.key"]


def test_drafts_of_a_root_key_that_a_crash_left_are_removed(tmp_path: Path) -> None:
    home = Home(tmp_path / "relay")
    home.make({})
    key = home.root_key()
    (home.path / ".root.key.12345678").write_bytes(key)
    home.make({})
    assert home.root_keys() == [home.root_key_file]
    assert home.root_key() == key
