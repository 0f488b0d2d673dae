"""`angarium channel site`, `mirror`, `verify` and `successor`, as they are typed."""

import asyncio
import http.server
import os
import shutil
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from angarium.apps.channel.mirror import seconds
from tests.apps.command import angarium
from tests.channel.sample import sample


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
        while not incoming.is_dir() or len(list(incoming.iterdir())) < 20:
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    had = len([path for path in incoming.iterdir() if path.suffix != ".part"])
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


async def test_a_forgery_is_refused_and_a_new_key_followed(tmp_path: Path) -> None:
    room, site, copy = sample(tmp_path / "room"), tmp_path / "site", tmp_path / "copy"
    words = ("channel", "site", "--channel", str(room.folder), "--to", str(site))
    make = ("channel", "mirror", str(site), "--to", str(copy), "--no-follow")
    await angarium(*words)
    code, said, complained = await angarium(*make)
    assert code == 0
    assert str(room.keys.load().public) in complained
    code, said, _ = await angarium("channel", "successor", "--channel", str(room.folder))
    assert code == 0
    assert str(room.keys.load().public) in said
    await angarium(*words)
    code, _, complained = await angarium(*make)
    assert code == 0
    assert "handed over" in complained
    shutil.copytree(copy, tmp_path / "kept")
    (site / "index.html").write_text("forged")
    with (site / "proof/manifest").open("a") as file:
        file.write("#\n")
    code, _, complained = await angarium(*make)
    assert (code, "refused" in complained) == (1, True)
    assert (copy / "index.html").read_bytes() == (tmp_path / "kept" / "index.html").read_bytes()
    code, _, complained = await angarium("channel", "verify", str(site))
    assert (code, "refused" in complained) == (1, True)


async def test_what_cannot_be_tried_says_why(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    for words, why in (
        (("site", "--channel", nowhere, "--to", str(tmp_path / "x")), "angarium channel init"),
        (("mirror", nowhere, "--to", str(tmp_path / "x"), "--key", "RW"), "no public key"),
        (("mirror", nowhere, "--to", str(tmp_path / "x"), "--every", "soon"), "no length of time"),
        (("successor", "--channel", nowhere), "angarium channel init"),
    ):
        code, _, complained = await angarium("channel", *words)
        assert (code, why in complained) == (2, True), complained
    assert os.listdir(tmp_path) in ([], ["x"])


def test_lengths_of_time() -> None:
    assert (seconds("90s"), seconds("10m"), seconds("1h"), seconds("2d")) == (90, 600, 3600, 172_800)
    for bad in ("", "10", "0m", "1.5h", "-1m"):
        with pytest.raises(ValueError, match="length of time"):
            seconds(bad)
