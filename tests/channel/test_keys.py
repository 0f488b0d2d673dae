"""A channel's keys on disk."""

from pathlib import Path

import pytest

from angarium.channel import locked
from angarium.channel.keys import KeyMissing, Keys
from angarium.channel.locked import Effort


def test_a_key_is_made_once(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    with pytest.raises(KeyMissing, match="angarium channel init"):
        keys.load()
    made = keys.make()
    assert keys.make() == keys.load() == made
    assert keys.public.read_text() == made.public.file()
    assert keys.secret.stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.secret.write_text("nonsense")
    with pytest.raises(KeyMissing, match="cannot be used"):
        keys.make()
    assert keys.secret.read_text() == "nonsense"


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase costs little."""
    monkeypatch.setattr(locked, "EFFORT", Effort(32768, 1 << 24))


@pytest.mark.usefixtures("cheap")
def test_a_passphrase_is_asked_for_once_and_only_where_there_is_one(tmp_path: Path) -> None:
    asked: list[Path] = []

    def ask(path: Path) -> str:
        asked.append(path)
        return "right"

    keys = Keys(tmp_path)
    made = keys.make("right")
    assert keys.locked()
    assert Keys(tmp_path, ask).load() == made
    again = Keys(tmp_path, ask)
    assert again.locked()
    assert asked == [keys.secret], "only to open it"
    assert again.load() == again.load() == made
    assert len(asked) == 2
    with pytest.raises(KeyMissing, match="--passphrase-file"):
        Keys(tmp_path).load()
    with pytest.raises(KeyMissing, match="not the passphrase"):
        Keys(tmp_path, lambda path: "wrong").load()
    Keys(tmp_path / "open", ask).make()
    assert not Keys(tmp_path / "open", ask).locked()
    Keys(tmp_path / "open", ask).load()
    assert len(asked) == 2


@pytest.mark.usefixtures("cheap")
def test_a_passphrase_is_set_changed_and_taken_away(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    made = keys.make()
    for passphrase in ("first", "second", None):
        keys.relock(passphrase)
        assert keys.load() == made
        assert Keys(tmp_path, lambda path: str(passphrase)).load() == made  # noqa: B023
        assert keys.locked() == bool(passphrase)
        assert keys.secret.stat().st_mode & 0o777 == 0o600
    assert keys.public.read_text() == made.public.file()


@pytest.mark.usefixtures("cheap")
def test_a_successor_is_behind_the_same_passphrase(tmp_path: Path) -> None:
    keys = Keys(tmp_path, lambda path: "right")
    keys.make("right")
    handover = keys.hand_over("x", "2026-11-26")
    assert keys.locked()
    assert Keys(tmp_path, lambda path: "right").load().public == handover.new
    assert not any(path.name == "channel.next" for path in tmp_path.rglob("*"))


def test_while_a_key_is_the_same_it_stays_open_and_another_is_read(tmp_path: Path) -> None:
    keys, other = Keys(tmp_path), Keys(tmp_path)
    first = keys.make()
    handover = other.hand_over("x", "2026-11-26")
    assert keys.load().public == handover.new != first.public
