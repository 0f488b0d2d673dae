"""The newsroom's guide, every command of it, typed as it stands there and in that order; `bench/newsroom.py` types.

That the Persian guide says the same is tested in tests/docs; installing is measured with the bench alone.
"""

import base64
import contextlib
import shutil
import threading
from pathlib import Path

from angarium.apps.check.throwaway import Relay
from angarium.lab.core import Core
from bench.newsroom import Typist, followed, names, publish
from tests.channel.test_mirror import SocksServer, served

PASSPHRASE = "angarium channel passphrase"
"""It asks at a terminal; here a file answers."""


async def test_every_command_of_the_guide_even_if_the_first_was_cut_off(up: Relay, apps: Core, tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    editor = Typist(home, {**names(home, up.ready.invitation), PASSPHRASE: f"{PASSPHRASE} --new-file passphrase"})
    (home / "passphrase").write_text("five words that nobody knows\n")
    folder, site = home / ".local" / "share" / "angarium-channel", home / "news"
    await editor.cut_off(editor.first_day[0], lambda: bool(list(folder.glob("core/*/dc.db"))))
    async with contextlib.AsyncExitStack() as stack:
        cast = await followed(editor, up.ready.invitation, apps, stack, lambda _: None)
        assert len(list(site.glob("post/*/*.html"))) == 34, "those of the export and one more"
        assert "i.delta.chat" in (folder / "farewell" / "farewell.txt").read_text()

        shutil.rmtree(folder)  # the disk is lost
        shutil.copytree(home / "stick" / folder.name, folder)
        with served(site) as port, SocksServer(port) as proxy:
            thread = threading.Thread(target=proxy.serve_forever, args=(0.05,))
            thread.start()
            onion = base64.b32encode(bytes(35)).decode().lower()
            helper = Typist(
                elsewhere,
                {
                    "https://news.example.org/": f"http://127.0.0.1:{port}/",
                    "….onion": f"{onion}.onion",
                    "127.0.0.1:9050": f"127.0.0.1:{proxy.server_address[1]}",
                    "/media/stick/": f"{home}/stick/",
                    "RW…": (folder / "keys" / "channel.pub").read_text().split()[-1],
                },
            )
            try:
                for command in editor.later:
                    if "--form" in command:
                        async with editor.running(command, "is up") as said:
                            assert "Comments are taken" in said
                            await publish(cast, "From the copy")
                    elif "--every" in command:
                        shutil.copytree(site, home / "stick" / "news")
                        async with helper.running(command, "serial number"):
                            pass
                    elif "mirror" in command or "verify" in command:
                        await helper.type(command)
                    else:
                        await editor.type(command)
            finally:
                proxy.shutdown()
                thread.join()
        assert proxy.asked == {f"{onion}.onion"}
    assert (elsewhere / "news" / "index.html").read_bytes() == (home / "stick" / "news" / "index.html").read_bytes()
    assert "From the copy" in (site / "index.html").read_text()
