"""The keys that sign what leaves the relay: made once, private, never replaced, and never left behind."""

import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from angarium.apps.burn import burn_home
from angarium.apps.home import Home, HomeError
from angarium.apps.signing import signing_keys
from angarium.mail.checks.signed import Signed
from angarium.mail.signer import Signer
from angarium.mail.verdict import ACCEPTED
from angarium.wire.dkim.record import write_record
from angarium.wire.dkim.sign import PrivateKey


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "relay")
    made.make({})
    return made


def published(keys: list[tuple[str, PrivateKey]]) -> list[str]:
    return [write_record(key.public_key()) for _, key in keys]


def test_made_once_and_found_again(home: Home) -> None:
    made = signing_keys(home)
    assert [selector for selector, _ in made] == ["dkim-rsa", "dkim-ed25519"]
    rsa, ed25519 = (key for _, key in made)
    assert isinstance(rsa, RSAPrivateKey)
    assert rsa.key_size == 2048
    assert isinstance(ed25519, Ed25519PrivateKey)
    assert published(signing_keys(home)) == published(made)


def test_only_their_owner_may_read_them(home: Home) -> None:
    signing_keys(home)
    assert stat.S_IMODE(home.keys.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in home.keys.iterdir()] == [0o600, 0o600]


def test_who_needs_them_at_the_same_time_gets_the_same(home: Home) -> None:
    with ThreadPoolExecutor(4) as starters:
        found = list(starters.map(lambda _: tuple(published(signing_keys(home))), range(4)))
    assert len(set(found)) == 1


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"the other"])
def test_a_damaged_key_is_not_replaced(home: Home, content: bytes) -> None:
    signing_keys(home)
    path = home.keys / "dkim-rsa.pem"
    path.write_bytes((home.keys / "dkim-ed25519.pem").read_bytes() if content == b"the other" else content)
    before = path.read_bytes()
    with pytest.raises(HomeError, match="put it back from a copy"):
        signing_keys(home)
    assert path.read_bytes() == before


def test_they_cannot_be_written(home: Home) -> None:
    home.keys.write_text("a file where a directory should be")
    with pytest.raises(HomeError, match="cannot read or write"):
        signing_keys(home)


async def test_who_takes_the_disk_can_sign_in_the_relays_name(home: Home, tmp_path: Path) -> None:
    made = signing_keys(home)
    keys = {f"{selector}._domainkey.relay.example": write_record(key.public_key()) for selector, key in made}
    taken = Home(tmp_path / "taken")
    taken.make({})
    shutil.copytree(home.keys, taken.keys)

    async def texts(name: str) -> tuple[bytes, ...]:
        return (keys[name].encode(),)

    forged = await Signer(signing_keys(taken)).sign(b"From: <a@relay.example>\r\n\r\nForged\r\n")
    assert await Signed(texts).verdict("relay.example", forged) == ACCEPTED


def test_burning_destroys_them(home: Home) -> None:
    signing_keys(home)
    (home.keys / ".dkim-rsa.pem.draft").write_text("half a key")
    assert burn_home(home).problems == []
    assert not home.path.exists()
