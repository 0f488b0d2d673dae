"""Keys that hand over to others."""

from pathlib import Path

import pytest

from angarium.channel import keys as module
from angarium.channel.keys import KeyMissing, Keys
from angarium.channel.minisign import SecretKey
from angarium.channel.successor import BadHandover, Handover, hand_over, leads, parse
from angarium.reach import files

ONE, TWO, THREE = (SecretKey(bytes([n] * 8), bytes([n] * 32)) for n in range(3))


def said(old: SecretKey, new: SecretKey, number: int = 1) -> Handover:
    return hand_over(old, new, number=number, channel="The\nnews", day="2026-11-26", address="https://a.example/")


def test_what_is_signed_is_read() -> None:
    handover = said(ONE, TWO)
    assert parse(*handover.files().values()) == handover
    assert handover.channel == "The news"


def test_both_keys_sign() -> None:
    text, by_old, by_new = said(ONE, TWO).files().values()
    for pieces in (
        (text, by_new, by_old),
        (text, by_old, by_old),
        (text, b"", by_new),
        (text.replace(b"2026", b"2027"), by_old, by_new),
        (text.replace(b"day: ", b"more: x\nday: "), by_old, by_new),
        (text.replace(str(ONE.public).encode(), str(THREE.public).encode()), by_old, by_new),
        (b"", b"", b""),
        (b"\xff", by_old, by_new),
    ):
        with pytest.raises(BadHandover):
            parse(*pieces)


def test_statements_lead_from_key_to_key() -> None:
    chain = [said(ONE, TWO), said(TWO, THREE, 2)]
    assert leads(ONE.public, chain, THREE.public)
    assert leads(TWO.public, chain, THREE.public)
    assert leads(ONE.public, chain, TWO.public)
    assert leads(ONE.public, [], ONE.public)
    assert not leads(THREE.public, chain, ONE.public)
    assert not leads(ONE.public, chain[1:], THREE.public)
    assert not leads(ONE.public, chain[:1], THREE.public)


def test_a_newsroom_hands_over(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    old = keys.make()
    handover = keys.hand_over("The news", "2026-11-26")
    new = keys.load()
    assert (handover.old, handover.new) == (old.public, new.public)
    assert keys.public.read_text() == new.public.file()
    assert keys.handovers() == [handover]
    second = keys.hand_over("The news", "2026-11-27")
    assert leads(old.public, keys.handovers(), keys.load().public)
    assert second.number == 2
    assert not [path for path in (tmp_path / "keys").rglob("*") if path.is_file() and old.file() in path.read_text()]


@pytest.mark.parametrize("writes", range(6))
def test_cut_short_one_key_or_the_other_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    keys = Keys(tmp_path)
    old, done = keys.make(), 0
    write, over = files.write_whole, files.replace_erased

    def counted(write: object) -> object:
        def stop(path: Path, content: bytes) -> None:
            nonlocal done
            if done == writes:
                raise KeyboardInterrupt
            done += 1
            write(path, content)  # type: ignore[operator]

        return stop

    monkeypatch.setattr(module, "write_whole", counted(write))
    monkeypatch.setattr(module, "replace_erased", counted(over))
    with pytest.raises(KeyboardInterrupt):
        keys.hand_over("x", "2026-11-26")
    monkeypatch.setattr(module, "write_whole", write)
    monkeypatch.setattr(module, "replace_erased", over)
    key, handovers = keys.load(), keys.handovers()
    assert key.public == (handovers[-1].new if handovers else old.public)
    assert bool(handovers) == (writes > 3)
    assert keys.hand_over("x", "2026-11-27").old == key.public


def test_a_damaged_statement_is_told(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.make()
    keys.hand_over("x", "2026-11-26")
    (tmp_path / "before" / "1.minisig").write_text("x")
    with pytest.raises(KeyMissing, match="damaged"):
        keys.handovers()
