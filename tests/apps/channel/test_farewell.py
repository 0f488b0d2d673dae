"""`angarium channel farewell`, as it is typed: where readers are sent, and that minisign takes its signatures."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
import zxingcpp
from PIL import Image

from angarium.apps.channel.farewell import farewell
from angarium.channel.minisign import PublicKey
from angarium.channel.newsroom import Newsroom
from angarium.channel.publisher import NOTE, Established
from angarium.channel.settings import Settings
from angarium.edge.control import Refusal

OWN = "https://i.delta.chat/#ABCDEF&a=news%40relay.example&g=News&x=1&i=2&s=3"
SITE = "https://news.example/"


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    """A channel with a site and a profile in the app."""
    room = Newsroom(tmp_path / "room")
    Settings(title="خبر", language="fa", address=SITE).save(room.settings_file)
    room.keys.make()
    with room.archive() as archive, archive.writing():
        archive.put_note(NOTE, msgspec.json.encode(Established(1, 2, 3, OWN, "https://i.delta.chat/#secret")).decode())
    return room


def scanned(image: Path) -> str:
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(image.read_bytes())).convert("L"))
    return str(found.text)


def test_it_names_the_channels_own_invitation_and_never_that_for_editors(
    room: Newsroom, capsys: pytest.CaptureFixture[str]
) -> None:
    assert farewell(channel=room.folder) == 0
    said = capsys.readouterr().out
    assert said.index(OWN) < said.index(SITE)
    assert "secret" not in said
    assert "جابه‌جا شد" in said
    assert (room.folder / "farewell" / "farewell.txt").read_text() in said
    assert scanned(room.folder / "farewell" / "farewell.png") == OWN


def test_another_invitation_or_none(room: Newsroom, capsys: pytest.CaptureFixture[str]) -> None:
    other = "https://i.delta.chat/#OTHER"
    assert farewell(channel=room.folder, invitation=other) == 0
    assert (other in (said := capsys.readouterr().out), OWN in said) == (True, False)
    assert farewell(channel=room.folder, site_alone=True) == 0
    assert "i.delta.chat" not in capsys.readouterr().out
    assert scanned(room.folder / "farewell" / "farewell.png") == SITE


@pytest.mark.skipif(not shutil.which("minisign"), reason="needs Debian's minisign")
def test_it_is_signed_as_minisign_takes_it(room: Newsroom, capsys: pytest.CaptureFixture[str]) -> None:
    assert farewell(channel=room.folder, json=True) == 0
    written = json.loads(capsys.readouterr().out)["files"]
    assert all(Path(each).exists() for each in written)
    for name in ("farewell.txt", "farewell.png"):
        command = ["minisign", "-Vm", name, "-P", str(room.keys.load().public)]
        done = subprocess.run(command, cwd=room.folder / "farewell", check=False, capture_output=True)
        assert done.returncode == 0


def test_in_another_language_and_place(room: Newsroom, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert farewell(channel=room.folder, language="ru", into=tmp_path / "out") == 0
    assert "теперь в другом месте" in capsys.readouterr().out
    words = (tmp_path / "out" / "farewell.txt").read_bytes()
    signature = (tmp_path / "out" / "farewell.txt.minisig").read_text()
    assert PublicKey.parse(room.keys.public.read_text()).verify(words, signature)


def test_what_cannot_be_says_why(room: Newsroom, tmp_path: Path) -> None:
    for asked, why in (
        ({"language": "xx"}, "--language"),
        ({"invitation": "https://elsewhere.example"}, "link of the app"),
        ({"invitation": OWN, "site_alone": True}, "one of them"),
    ):
        with pytest.raises(Refusal, match=why):
            farewell(channel=room.folder, **asked)
    bare = Newsroom(tmp_path / "bare")
    Settings(title="News").save(bare.settings_file)
    bare.keys.make()
    with pytest.raises(Refusal, match="angarium channel init --relay"):
        farewell(channel=bare.folder)
