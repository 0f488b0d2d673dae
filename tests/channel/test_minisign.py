"""minisign's keys and signatures: its own program takes ours, and we take its."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.channel.minisign import BadKey, BadSignature, PublicKey, SecretKey

KEY = SecretKey(bytes(range(8)), bytes(range(32)))
CONTENT = b"The posts of today.\n"


def minisign(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["minisign", *words], capture_output=True, check=False, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("minisign") is None:
        pytest.skip("Debian's minisign is not installed")
    folder = tmp_path_factory.mktemp("minisign")
    assert minisign("-G", "-W", "-p", folder / "theirs.pub", "-s", folder / "theirs.key").returncode == 0
    (folder / "ours.key").write_text(KEY.file())
    (folder / "ours.pub").write_text(KEY.public.file())
    (folder / "posts").write_bytes(CONTENT)
    return folder


def test_minisign_takes_our_signature(folder: Path) -> None:
    (folder / "ours.minisig").write_text(KEY.sign(CONTENT, "serial 7"))
    for key in (("-P", str(KEY.public)), ("-p", folder / "ours.pub")):
        done = minisign("-V", *key, "-x", folder / "ours.minisig", "-m", folder / "posts")
        assert done.returncode == 0, done.stderr
        assert "serial 7" in done.stdout
    (folder / "other").write_bytes(CONTENT + b"!")
    assert minisign("-V", "-P", str(KEY.public), "-x", folder / "ours.minisig", "-m", folder / "other").returncode


def test_minisign_signs_with_our_key_and_we_with_its(folder: Path) -> None:
    made = folder / "made.minisig"
    assert minisign("-S", "-s", folder / "ours.key", "-x", made, "-m", folder / "posts", "-t", "x").returncode == 0
    assert KEY.public.verify(CONTENT, made.read_text()) == "x"
    theirs = SecretKey.parse((folder / "theirs.key").read_text())
    assert theirs.public == PublicKey.parse((folder / "theirs.pub").read_text())
    ours, same = (
        base64.b64decode(text.splitlines()[1]) for text in (theirs.file(), (folder / "theirs.key").read_text())
    )
    assert ours[:126] == same[:126]
    assert theirs.public.file() == (folder / "theirs.pub").read_text()
    made.write_text(theirs.sign(CONTENT, "y"))
    assert minisign("-V", "-p", folder / "theirs.pub", "-x", made, "-m", folder / "posts").returncode == 0


def test_a_name_is_shown_as_minisign_shows_it() -> None:
    key = PublicKey(bytes.fromhex("e3f9d68f52ad2e01"), bytes(32))
    assert key.file().splitlines()[0] == "untrusted comment: minisign public key 12EAD528FD6F9E3"


def test_the_same_signature_each_time() -> None:
    assert KEY.sign(CONTENT, "x") == KEY.sign(CONTENT, "x")
    assert KEY.public.verify(CONTENT, KEY.sign(CONTENT, "x")) == "x"


def test_what_is_changed_is_refused() -> None:
    signature = KEY.sign(CONTENT, "serial 7")
    lines = signature.splitlines()
    old = base64.b64encode(b"Ed" + base64.b64decode(lines[1])[2:]).decode()
    for text in (
        *("", "untrusted comment: x", signature.replace("serial 7", "serial 8"), "\n".join(lines[:3])),
        *("\n".join([lines[0], old, *lines[2:]]), "\n".join([lines[0], lines[1][:-4], *lines[2:]])),
        *("\n".join([*lines[:3], lines[1]]), SecretKey.draw().sign(CONTENT, "serial 7"), "\n".join(lines[1:])),
    ):
        with pytest.raises(BadSignature):
            KEY.public.verify(CONTENT, text)
    with pytest.raises(BadSignature):
        KEY.public.verify(CONTENT[:-1], signature)
    with pytest.raises(BadSignature):
        SecretKey(KEY.name, bytes(32)).public.verify(CONTENT, signature)


def test_a_key_is_read_back() -> None:
    assert PublicKey.parse(str(KEY.public)) == KEY.public == PublicKey.parse(KEY.public.file())
    assert SecretKey.parse(KEY.file()) == KEY
    assert "seed" not in repr(KEY)


def test_bad_keys() -> None:
    octets = bytearray(base64.b64decode(KEY.file().splitlines()[1]))
    damaged = bytearray(octets)
    damaged[70] ^= 1
    for kept, why in ((damaged, "damaged"), (octets[:-1], "no secret key")):
        with pytest.raises(BadKey, match=why):
            SecretKey.parse(base64.b64encode(kept).decode())
    for text in ("", "RWQ", "\n", "untrusted comment: x\n", str(KEY.public)[:-4]):
        with pytest.raises(BadKey):
            PublicKey.parse(text)
        with pytest.raises(BadKey):
            SecretKey.parse(text)


def test_a_comment_is_one_line() -> None:
    with pytest.raises(ValueError, match="one short line"):
        KEY.sign(CONTENT, "one\ntwo")


@given(st.text(max_size=300))
def test_any_text_is_refused_as_documented(text: str) -> None:
    with pytest.raises(BadSignature):
        KEY.public.verify(CONTENT, text)
    with pytest.raises(BadKey):
        PublicKey.parse(text)
    with pytest.raises(BadKey):
        SecretKey.parse(text)
