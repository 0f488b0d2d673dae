"""Work is done here or by others, and comes back in its order either way."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.channel.minisign import SecretKey
from angarium.channel.settings import Settings
from angarium.channel.site.ledger import LedgerError
from angarium.channel.site.press import Press, Setup
from angarium.channel.site.pressroom import Pressroom
from angarium.channel.site.theme import BadTheme


def told(press: Press, sheet: int) -> tuple[int, int, str]:
    """Who did it, and for which channel."""
    return sheet * 2, os.getpid(), press.pages.language.name


def spoilt(press: Press, sheet: int) -> None:
    raise BadTheme(f"page {sheet}")


def ended(press: Press, sheet: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def setup(folder: Path) -> Setup:
    key = SecretKey.draw()
    assert key.public  # which it keeps, and cannot be handed on
    return Setup(folder, Settings(title="x"), None, key, {})


def test_a_little_is_done_here_and_more_by_others(tmp_path: Path) -> None:
    with Pressroom(setup(tmp_path), 2) as room:
        few = list(room.run(told, range(3), here=3))
        assert few == [(n, (n * 2, os.getpid(), "English")) for n in range(3)]
        many = list(room.run(told, range(40), here=3))
        assert [(sheet, done[0]) for sheet, done in many] == [(n, n * 2) for n in range(40)]
        assert {done[1] for _, done in many[:3]} == {os.getpid()}
        assert os.getpid() not in {done[1] for _, done in many[3:]}
        with pytest.raises(BadTheme, match="page 0"):
            list(room.run(spoilt, range(5), here=0))
        with pytest.raises(LedgerError, match="memory"):
            list(room.run(ended, range(5), here=0))


def test_alone_all_is_done_here(tmp_path: Path) -> None:
    with Pressroom(setup(tmp_path), 1) as room:
        assert {done[1] for _, done in room.run(told, range(9), here=2)} == {os.getpid()}


def test_no_more_waits_than_is_worked_on(tmp_path: Path) -> None:
    taken = 0

    def sheets() -> Iterator[int]:
        nonlocal taken
        while taken < 30:
            taken += 1
            yield taken

    with Pressroom(setup(tmp_path), 2) as room:
        for sheet, _ in room.run(told, sheets(), here=0):
            assert taken <= sheet + 3
