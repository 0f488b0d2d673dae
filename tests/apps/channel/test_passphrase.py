"""A passphrase on the channel's key, as commands are given it: in a file, or typed."""

import getpass
import sys
from functools import partial
from pathlib import Path

import pytest

from angarium.apps.channel.farewell import farewell
from angarium.apps.channel.init import init
from angarium.apps.channel.passphrase import passphrase
from angarium.apps.channel.run import run
from angarium.apps.channel.site import site
from angarium.apps.channel.successor import successor
from angarium.apps.home import HomeError
from angarium.channel import locked
from angarium.channel.keys import Keys
from angarium.channel.locked import Effort
from angarium.channel.settings import Settings
from tests.apps.command import angarium

FIRST, SECOND = "five random words here", "other words, quite random"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked, "EFFORT", Effort(32768, 1 << 24))


@pytest.fixture
def first(tmp_path: Path) -> Path:
    (tmp_path / "first").write_text(f"{FIRST}\r\nand a second line\n")
    return tmp_path / "first"


def refused(capsys: pytest.CaptureFixture[str], command: partial[int]) -> str:
    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_made_with_one_whatever_signs_needs_it(tmp_path: Path, first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room, to = tmp_path / "room", tmp_path / "site"
    assert init(title="News", channel=room, passphrase_file=first) == 0
    assert Keys(room / "keys").locked()
    Settings(title="News", address="https://a.example/").save(room / "channel.toml")
    before = (room / "keys/channel.pub").read_text()
    wrong = tmp_path / "wrong"
    wrong.write_text(SECOND)
    commands = [
        partial(site, to=to, channel=room),
        partial(run, site=to, channel=room),
        partial(farewell, channel=room),
        partial(successor, channel=room),
    ]
    for command in commands:
        assert "--passphrase-file" in refused(capsys, command)
        assert "not the passphrase" in refused(capsys, partial(command, passphrase_file=wrong))
        assert "cannot be read" in refused(capsys, partial(command, passphrase_file=tmp_path / "none"))
    assert not to.exists()
    assert site(to=to, channel=room, passphrase_file=first) == 0
    assert farewell(channel=room, passphrase_file=first) == 0
    assert successor(channel=room, passphrase_file=first) == 0
    assert Keys(room / "keys").locked()
    assert (room / "keys/channel.pub").read_text() != before
    assert site(to=to, channel=room, passphrase_file=first) == 0
    assert init(channel=room) == 0, "what needs no signature needs no passphrase"


def test_set_changed_and_taken_away(tmp_path: Path, first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room, second = tmp_path / "room", tmp_path / "second"
    second.write_text(SECOND)
    init(title="News", channel=room)
    key = Keys(room / "keys").load()
    assert "has no passphrase" in refused(capsys, partial(passphrase, channel=room, remove=True))
    assert passphrase(channel=room, new_file=first) == 0
    assert "destroy them" in capsys.readouterr().out
    assert "--passphrase-file" in refused(capsys, partial(passphrase, channel=room, new_file=second))
    assert "go together" in refused(capsys, partial(passphrase, channel=room, remove=True, new_file=second))
    assert passphrase(channel=room, passphrase_file=first, new_file=second) == 0
    assert Keys(room / "keys", lambda path: SECOND).load() == key
    assert passphrase(channel=room, passphrase_file=second, remove=True) == 0
    assert Keys(room / "keys").load() == key
    second.write_text("short\n")
    with pytest.raises(HomeError, match="at least"):
        passphrase(channel=room, new_file=second)
    assert not Keys(room / "keys").locked()


def test_typed_at_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    room, typed = tmp_path / "room", [FIRST, FIRST, FIRST]
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: typed.pop(0))
    assert init(title="News", channel=room, passphrase=True) == 0
    assert site(to=tmp_path / "site", channel=room) == 0
    assert typed == []
    assert "there already" in refused(capsys, partial(init, channel=room, passphrase=True))
    assert FIRST not in capsys.readouterr().out


async def test_the_file_may_be_named_in_the_environment(
    tmp_path: Path, first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, to = str(tmp_path / "room"), str(tmp_path / "site")
    init(title="News", channel=tmp_path / "room", passphrase_file=first)
    monkeypatch.setenv("ANGARIUM_CHANNEL_PASSPHRASE_FILE", str(first))
    code, _, complained = await angarium("channel", "site", "--to", to, "--channel", room)
    assert code == 0, complained
    monkeypatch.delenv("ANGARIUM_CHANNEL_PASSPHRASE_FILE")
    code, _, complained = await angarium("channel", "site", "--to", to, "--channel", room)
    assert (code, "--passphrase-file" in complained) == (2, True)
