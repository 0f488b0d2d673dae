"""A channel's keys on disk."""

from pathlib import Path

import pytest

from angarium.channel.keys import KeyMissing, Keys


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
