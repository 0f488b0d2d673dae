"""Keys behind a passphrase, as minisign has them: its own program opens ours, and we open its."""

import base64
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.channel import locked
from angarium.channel.locked import EFFORT, Effort, parameters
from angarium.channel.minisign import BadKey, Locked, PublicKey, SecretKey, WrongPassphrase

KEY = SecretKey(bytes(range(8)), bytes(range(32)))
PASSPHRASE = "پنج واژه and a space"
CHEAP = Effort(32768, 1 << 24)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """New keys cost little."""
    monkeypatch.setattr(locked, "EFFORT", CHEAP)


@pytest.mark.usefixtures("cheap")
def test_what_is_locked_opens_with_its_passphrase_only() -> None:
    text = KEY.file(PASSPHRASE)
    assert SecretKey.parse(text, PASSPHRASE) == KEY
    assert KEY.file(PASSPHRASE) != text, "another salt each time"
    with pytest.raises(Locked):
        SecretKey.parse(text)
    for wrong in ("", PASSPHRASE + " ", PASSPHRASE.upper()):
        with pytest.raises(WrongPassphrase):
            SecretKey.parse(text, wrong)
    octets = base64.b64decode(text.splitlines()[1])
    assert KEY.seed not in octets
    assert KEY.name not in octets
    damaged = bytearray(octets)
    damaged[-1] ^= 1
    with pytest.raises(WrongPassphrase):
        SecretKey.parse(base64.b64encode(damaged).decode(), PASSPHRASE)


def test_a_key_without_one_does_not_look_at_it() -> None:
    assert SecretKey.parse(KEY.file(), PASSPHRASE) == KEY


def test_parameters_are_those_of_libsodium() -> None:
    assert parameters(Effort(1 << 25, 1 << 30)) == (1 << 20, 1)  # minisign's own
    assert parameters(Effort(1 << 24, 1 << 29)) == (1 << 19, 1)  # where that is too much for the machine
    assert parameters(Effort(1 << 19, 1 << 24)) == (1 << 14, 1)  # libsodium's for interactive use
    assert parameters(Effort(0, 0)) == (2, 512)
    assert parameters(EFFORT) == (1 << 18, 4)


@given(st.integers(0, 1 << 26), st.integers(0, 1 << 30))
def test_no_effort_that_is_taken_costs_much_more_memory_than_minisigns_own(operations: int, memory: int) -> None:
    count, lanes = parameters(Effort(operations, memory))
    assert count & (count - 1) == 0
    assert lanes >= 1
    assert 1024 * (count + lanes) <= 1 << 31


@pytest.mark.parametrize("effort", [(1 << 27, 1 << 20), (1 << 20, 1 << 31), ((1 << 64) - 1, (1 << 64) - 1)])
@pytest.mark.usefixtures("cheap")
def test_a_file_that_asks_for_too_much_is_refused_at_once(effort: tuple[int, int]) -> None:
    octets = bytearray(base64.b64decode(KEY.file(PASSPHRASE).splitlines()[1]))
    octets[38:54] = struct.pack("<QQ", *effort)
    with pytest.raises(BadKey, match="costs more"):
        SecretKey.parse(base64.b64encode(octets).decode(), PASSPHRASE)
    octets[2:4] = b"A2"
    with pytest.raises(BadKey, match="not known here"):
        SecretKey.parse(base64.b64encode(octets).decode(), PASSPHRASE)


def minisign(*words: str | Path, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["minisign", *words], input=said, capture_output=True, check=False, text=True)


needs_minisign = pytest.mark.skipif(not shutil.which("minisign"), reason="needs Debian's minisign")


@needs_minisign
@pytest.mark.parametrize("effort", [CHEAP, EFFORT])
def test_minisign_signs_with_our_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effort: Effort) -> None:
    monkeypatch.setattr(locked, "EFFORT", effort)
    (tmp_path / "key").write_text(KEY.file(PASSPHRASE))
    (tmp_path / "posts").write_bytes(b"posts")
    sign = ("-S", "-s", tmp_path / "key", "-m", tmp_path / "posts", "-t", "x")
    if effort == CHEAP:
        assert minisign(*sign, said="another\n").returncode != 0
    done = minisign(*sign, said=f"{PASSPHRASE}\n")
    assert done.returncode == 0, done.stderr
    assert KEY.public.verify(b"posts", (tmp_path / "posts.minisig").read_text()) == "x"


@needs_minisign
def test_we_sign_with_minisigns_key(tmp_path: Path) -> None:
    made = minisign("-G", "-p", tmp_path / "pub", "-s", tmp_path / "key", said=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "key").read_text()
    with pytest.raises(Locked):
        SecretKey.parse(text)
    assert SecretKey.parse(text, PASSPHRASE).public == PublicKey.parse((tmp_path / "pub").read_text())
