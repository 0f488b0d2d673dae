"""Who has an account at the relay, and a relay of one's own."""

from pathlib import Path

import pytest

from angarium.lab.load.target import Account, LoadFailed, Target, listed, throwaway


def test_accounts_come_from_a_list(tmp_path: Path) -> None:
    path = tmp_path / "accounts"
    path.write_text("a@x.example secret:word\n\nb@x.example:pa:ss\n")
    target = Target("127.0.0.1", 1, 2, accounts=listed(path))
    assert target.people(2) == [Account("a@x.example", "secret:word"), Account("b@x.example", "pa:ss")]
    with pytest.raises(LoadFailed, match="1 accounts are missing"):
        target.people(3)


@pytest.mark.parametrize("text", ["a@x.example", "a@x.example one two", "ok@x.example pw\nalone"])
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts"
    path.write_text(text)
    with pytest.raises(LoadFailed, match="an address, a space or colon, and a password"):
        listed(path)
    with pytest.raises(LoadFailed, match="cannot be read"):
        listed(tmp_path / "none")


def test_accounts_are_made_once() -> None:
    target = Target("127.0.0.1", 1, 2, "x.example")
    first = target.people(3)
    assert target.people(5)[:3] == first
    assert target.people(2, without=3) == target.people(5)[3:]
    assert len({account.address for account in target.people(100)}) == 100


def test_ports_do_not_run_out() -> None:
    target = Target("127.0.0.1", 1, 2)
    sources = [target.source(number) for number in range(100_000)]
    assert len(set(sources)) == 100
    assert all(source and source.startswith("127.") for source in sources)
    assert Target("10.0.0.1", 1, 2).source(1) is None


def test_a_relay_of_ones_own_is_ended() -> None:
    with throwaway() as target:
        (pid,) = target.pids
        assert Path(f"/proc/{pid}").exists()
        assert target.imaps != target.submissions
    assert not Path(f"/proc/{pid}").exists()
