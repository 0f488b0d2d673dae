"""`angarium channel site`, `mirror`, `verify` and `successor`, as they are typed."""

import asyncio
import http.server
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from angarium.apps.channel import mirror as module
from angarium.apps.channel.mirror import mirror, seconds
from angarium.apps.channel.site import site
from angarium.apps.channel.successor import successor
from angarium.apps.channel.verify import verify
from angarium.channel.post import Post, Text
from angarium.channel.source import Folder, SourceError
from tests.apps.command import angarium
from tests.channel.sample import NOON, add, sample


class Slow(http.server.SimpleHTTPRequestHandler):
    """Gives out a file when it may."""

    let: threading.Semaphore

    def do_GET(self) -> None:
        self.let.acquire()
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


async def test_killed_in_the_middle_a_copy_goes_on(tmp_path: Path) -> None:
    room = sample(tmp_path / "room")
    settings = room.settings_file.read_text()
    room.settings_file.write_text(settings.replace('"https://copy.example/news/"', ""))
    code, said, complained = await angarium(
        "channel", "site", "--channel", str(room.folder), "--to", str(tmp_path / "site")
    )
    assert code == 0, complained
    assert said.startswith("5 posts; ")
    Slow.let = threading.Semaphore(0)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Slow, directory=str(tmp_path / "site")))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    key = room.keys.load().public
    words = (
        *("channel", "mirror", f"http://127.0.0.1:{server.server_port}", "--to", str(tmp_path / "copy")),
        *("--key", str(key), "--no-follow"),
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "angarium", *words)
    Slow.let.release(25)
    incoming = tmp_path / "copy" / ".incoming"
    async with asyncio.timeout(20):
        while len(list(incoming.glob("*/*"))) < 20:
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    had = len([path for path in incoming.glob("*/*") if path.suffix != ".part"])
    assert not (tmp_path / "copy" / "index.html").exists()
    Slow.let.release(100_000)
    code, said, complained = await angarium(*words)
    server.shutdown()
    server.server_close()
    thread.join()
    assert code == 0, complained
    assert had >= 15
    code, said, complained = await angarium("channel", "verify", str(tmp_path / "copy"), "--key", str(key))
    assert (code, complained) == (0, "")
    assert "The Post of the Riders" in said


def test_a_forgery_is_refused_and_a_new_key_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room, to, copy = sample(tmp_path / "room"), tmp_path / "site", tmp_path / "copy"

    def copied() -> tuple[int, str]:
        capsys.readouterr()
        return mirror(str(to), to=copy, follow=False), capsys.readouterr().err

    site(to=to, channel=room.folder)
    code, complained = copied()
    assert (code, str(room.keys.load().public) in complained) == (0, True)
    assert successor(channel=room.folder) == 0
    assert str(room.keys.load().public) in capsys.readouterr().out
    site(to=to, channel=room.folder)
    code, complained = copied()
    assert (code, "handed over" in complained) == (0, True)
    kept = (copy / "index.html").read_bytes()
    (to / "index.html").write_text("forged")
    with (to / "proof/manifest").open("a") as file:
        file.write("#\n")
    code, complained = copied()
    assert (code, "refused" in complained) == (1, True)
    assert (copy / "index.html").read_bytes() == kept
    assert verify(to) == 1
    assert "refused" in capsys.readouterr().err


def test_a_channel_that_moves_and_changes_its_key_is_followed_to_where_it_went(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    room, copy = sample(tmp_path / "room"), tmp_path / "copy"
    old, new = "https://news.example.org/", "https://moved.example/"
    served = {old: tmp_path / "old"}

    def opened(place: str, proxy: str) -> Folder:
        if place not in served:
            raise SourceError("nobody is there")
        return Folder(served[place])

    monkeypatch.setattr(module, "opened", opened)
    settings = room.settings_file.read_text().replace('"https://copy.example/news/"', "")
    room.settings_file.write_text(settings)
    site(to=tmp_path / "old", channel=room.folder)
    assert mirror(old, to=copy) == 0
    room.settings_file.write_text(settings.replace(old, new))
    successor(channel=room.folder)
    site(to=tmp_path / "old", channel=room.folder)
    assert mirror(old, to=copy) == 0
    served.clear()
    served[new] = tmp_path / "new"
    with room.archive() as archive:
        add(archive, Post(key="after", published=NOON, text=Text("After the move")))
    site(to=tmp_path / "new", channel=room.folder)
    capsys.readouterr()
    assert mirror(old, to=copy) == 0
    assert "nobody is there" in capsys.readouterr().err
    assert "After the move" in (copy / "post/0/7.html").read_text("utf-8")
    assert mirror(old, to=copy, follow=False) == 1
    assert verify(copy, key=str(room.keys.load().public)) == 0


def test_what_cannot_be_tried_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere, to = tmp_path / "nowhere", tmp_path / "x"
    tried = [
        (partial(site, to=to, channel=nowhere), "angarium channel init"),
        (partial(mirror, str(nowhere), to=to, key="RW"), "no public key"),
        (partial(mirror, str(nowhere), to=to, every="soon"), "no length of time"),
        (partial(successor, channel=nowhere), "angarium channel init"),
    ]
    for command, why in tried:
        with pytest.raises(SystemExit) as ended:
            command()
        assert ended.value.code == 2
        assert why in capsys.readouterr().err
    assert mirror(str(nowhere), to=to) == 1
    assert "not used" in capsys.readouterr().err


def test_lengths_of_time() -> None:
    assert (seconds("90s"), seconds("10m"), seconds("1h"), seconds("2d")) == (90, 600, 3600, 172_800)
    for bad in ("", "10", "0m", "1.5h", "-1m"):
        with pytest.raises(ValueError, match="length of time"):
            seconds(bad)


def test_no_more_is_taken_than_the_keeper_allows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room, to = sample(tmp_path / "room"), tmp_path / "site"
    site(to=to, channel=room.folder)
    for more in ({"files": 3}, {"total": 0.0001}, {"largest": 0}):
        assert mirror(str(to), to=tmp_path / "copy", follow=False, **more) == 1
        assert "refused" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        mirror(str(to), to=tmp_path / "copy", within="never")
    assert mirror(str(to), to=tmp_path / "copy", follow=False, files=1000, total=1, largest=100, within="1m") == 0
