"""The form under an article, from a reader without the app to the site and back: what is sent, judged, shown, kept.

The newsroom's program is a process of its own, with the real core and a relay of ours; the reader speaks plain HTTP.
`tests/channel/test_form_browser.py` sends the same form in Chromium, through the web server that the guide sets up.
"""

import asyncio
import contextlib
import http.client
import re
import socket
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

from msgspec.structs import replace

from angarium.apps.check.links import fresh
from angarium.apps.check.throwaway import Relay
from angarium.channel.newsroom import Newsroom
from angarium.channel.publisher import Invitations
from angarium.channel.speech import speech
from angarium.lab.core import Core
from tests.e2e.newsroom import Angarium, assembled, says, serving, until

SAY = speech("fa").form
HEADLINE = "The bridge is open"
FROM, FORWARDED = "127.77.0.9", "192.0.2.77"
"""Whence the reader's connection comes, and whence a careless web server says that it comes."""
HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "User-Agent": "A browser that gives its reader away",
    "Forwarded": f"for={FORWARDED}",
    "X-Forwarded-For": FORWARDED,
    "X-Real-IP": FORWARDED,
}
BACK, OTHER = "raha@example.org", "other@example.org"
"""What readers type to be answered at."""
TRACES = (FROM.encode(), FORWARDED.encode(), b"gives its reader away", *map(socket.inet_aton, (FROM, FORWARDED)))


class Fields(HTMLParser):
    """What a browser sends of the form on a page whose method is POST."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._within = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._within = given.get("method") == "post"
        elif self._within and tag in ("input", "textarea") and (name := given.get("name")):
            self.sent[name] = given.get("value") or ""


def send(port: int, fields: Mapping[str, str]) -> tuple[int, str]:
    """Send a form; the status and the page that come back."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(FROM, 0))
    connection.request("POST", "/comment", urlencode(fields), HEADERS)
    answer = connection.getresponse()
    page = answer.read().decode()
    connection.close()
    assert answer.getheader("Set-Cookie") is None
    assert "<script" not in page
    return answer.status, page


async def comment(port: int, article: str, **written: str) -> None:
    """Fill in the form of an article, and confirm it as soon as that counts."""
    asked = re.search(r'<label for="answer">\D*(\d+)', article)
    assert asked
    fields = Fields(article).sent | written | {"answer": HEADLINE.split()[int(asked[1]) - 1].upper()}
    status, page = await asyncio.to_thread(send, port, fields)
    assert status == 200, page
    confirmed = Fields(page).sent
    while (told := await asyncio.to_thread(send, port, confirmed))[0] != 200:
        assert SAY["early"] in told[1]
        await asyncio.sleep(0.2)
    assert SAY["sent"] in told[1]


def holding(folder: Path, *traces: bytes) -> list[tuple[str, bytes]]:
    """Which files hold which of these octets."""
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):  # SQLite's journals come and go
            octets = path.read_bytes()
            found += [(path.name, trace) for trace in traces if trace in octets]
    return found


async def test_what_a_reader_sends_by_the_form_is_shown_once_approved_and_never_else(
    up: Relay,
    apps: Core,
    room: tuple[Newsroom, Invitations],
    angarium: Angarium,
    tmp_path: Path,
) -> None:
    newsroom, _ = room
    settings = replace(newsroom.settings(), comments=True, address="https://news.example.org/")
    settings.save(newsroom.settings_file)
    site = tmp_path / "site"
    options = ("--site", str(site), "--form", "127.0.0.1:0")
    article = site / "post" / "0" / "1.html"
    async with (
        serving(newsroom, *options) as service,
        assembled(apps, room, lambda: fresh(up.ready.invitation)) as cast,
    ):
        ada, ben = cast.ada, cast.ben
        await ada.say(f"{HEADLINE}\n\nSince noon.")
        await ben.react((await ben.wait(says(HEADLINE)))["id"])
        await until(article.exists)
        page = article.read_text()
        assert f'action="{settings.address}comment"' in page
        await asyncio.gather(
            comment(service.form, page, words="I was there.", name="رها", reply=BACK),
            comment(service.form, page, words="Refuse me.", reply=OTHER),
            comment(service.form, page, words="Nobody judges me."),
        )
        letter = await ben.wait(says("I was there."))
        assert (HEADLINE in letter["text"], "رها" in letter["text"], BACK in letter["text"]) == (True, True, False)
        refused = await ben.wait(says("Refuse me."))
        await ben.wait(says("Nobody judges me."))
        told = [(place, await place.wait(says(address))) for place in (ada, ben) for address in (BACK, OTHER)]
        assert [said["quote"]["messageId"] for _, said in told[2:]] == [letter["id"], refused["id"]]
        assert "I was there." not in article.read_text()
        assert holding(newsroom.folder, BACK.encode()), "it is looked for where it would be"
        await ben.react(refused["id"], "👎")
        await ben.say("publish", quoting=letter["id"])
        await until(lambda: "I was there." in article.read_text())
        for place, said in told:
            await place.gone(said["id"])
        await ada.say("Another post, with which the site is written once more")
        await ben.react((await ben.wait(says("Another post")))["id"])
        await until((site / "post" / "0" / "2.html").exists)
        assert holding(newsroom.folder, BACK.encode(), OTHER.encode(), *TRACES) == []
    status, _, complained = await angarium("channel", "site", "--channel", newsroom.folder, "--to", site)
    assert status == 0, complained
    assert "رها" in article.read_text()
    assert holding(site, b"Refuse me.", b"Nobody judges me.", BACK.encode(), OTHER.encode(), *TRACES) == []
    assert holding(newsroom.folder, BACK.encode(), OTHER.encode(), *TRACES) == []
    assert service.log.read_text() == ""
