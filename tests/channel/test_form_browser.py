"""The form in Debian's Chromium, with scripts off, through Debian's nginx as the newsroom's guide sets it.

What an editor does with what arrives is in `tests/e2e/test_form.py`.
"""

import asyncio
import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import trustme
from axe_playwright_python.async_playwright import Axe
from msgspec.structs import replace
from playwright.async_api import Browser, Page, async_playwright

from angarium.channel.archive import Archive
from angarium.channel.book import DeskBook
from angarium.channel.carrying import Carrier
from angarium.channel.desk import Desk
from angarium.channel.form import BODY, Form, serving
from angarium.channel.matters import Rules
from angarium.channel.newsroom import Newsroom
from angarium.channel.outbox import Outbox
from angarium.channel.replies import Replies
from angarium.channel.site.build import build
from angarium.channel.speech import speech
from angarium.channel.ticket import SOONEST
from tests.channel.sample import LANGUAGES, NOON, sample
from tests.channel.site.test_browser import ARGUMENTS, CHROMIUM, WIDTHS
from tests.e2e.conftest import trusting
from tests.edge.decoy.conftest import free

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

GUIDE = Path(__file__).parents[2] / "docs" / "newsroom.md"
HOST = "news.example.org"
WORDS = "چه خوب!\n\nIt was about time, <b>really</b>."
NGINX = """
daemon off; master_process off; pid {here}/pid; error_log {here}/errors; events {{ worker_connections 100; }}
http {{
    include /etc/nginx/mime.types; access_log {here}/visits;
    client_body_temp_path {here}/a; proxy_temp_path {here}/b; fastcgi_temp_path {here}/c; uwsgi_temp_path {here}/d;
    scgi_temp_path {here}/e;
    server {{
        listen 127.0.0.1:{port} ssl; server_name {host}; root {site};
        ssl_certificate {here}/cert; ssl_certificate_key {here}/key;
        {guide}
    }}
}}
"""


@dataclass
class Open:
    """A newsroom's site on the web, and its form."""

    room: Newsroom
    archive: Archive
    address: str
    here: Path
    now: float = 0.0
    """What the form takes the time to be."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed")
    arguments = [*ARGUMENTS, f"--host-resolver-rules=MAP {HOST} 127.0.0.1"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module", params=LANGUAGES)
async def news(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """The sample's site behind nginx, whose form is taken by ours."""
    room, port, here = sample(tmp_path / "room", request.param), free(), tmp_path / "nginx"
    settings = replace(room.settings(), address=f"https://{HOST}:{port}/")
    settings.save(room.settings_file)
    build(room, tmp_path / "site", now=NOON)
    with room.archive() as archive:
        book = DeskBook(archive)
        carrier = Carrier(archive, book, Outbox(archive), room.media(), settings)
        replies = Replies(archive, book, carrier, lambda: Desk(book, Rules(), (1,)), settings.language)
        news = Open(room, archive, settings.address, here)
        form = Form(settings, archive, replies, lambda: None, lambda: news.now)
        async with serving(form, "127.0.0.1", 0) as behind:
            with nginx(here, tmp_path / "site", port, behind):
                yield news


@contextlib.contextmanager
def nginx(here: Path, site: Path, port: int, behind: int) -> Iterator[None]:
    """Debian's nginx with what the guide says, and a form at the port `behind`, until the context ends."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("needs Debian's nginx")
    english = GUIDE.read_text().split("## راهنمای")[0]
    (guide,) = re.findall(r"^```nginx\n(.*?)^```$", english, re.MULTILINE | re.DOTALL)
    assert "127.0.0.1:8080" in guide
    here.mkdir()
    made = trustme.CA().issue_cert(HOST)
    made.private_key_pem.write_to_path(here / "key")
    for pem in made.cert_chain_pems:
        pem.write_to_path(here / "cert", append=True)
    places = {"here": here, "host": HOST, "port": port, "site": site}
    configuration = NGINX.format(guide=guide.replace("127.0.0.1:8080", f"127.0.0.1:{behind}"), **places)
    (here / "nginx.conf").write_text(configuration)
    running = subprocess.Popen([program, "-c", str(here / "nginx.conf"), "-p", str(here)], stderr=subprocess.DEVNULL)
    try:
        while True:
            with socket.socket() as knocking:
                if knocking.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert running.poll() is None, (here / "errors").read_text()
            time.sleep(0.02)
        yield
    finally:
        running.terminate()
        running.wait(10)


async def judged(shown: Page) -> None:
    """A page of the form fits, and axe finds nothing to say against it, by day and by night. Axe itself is a script."""
    page = await shown.context.browser.new_page()  # type: ignore[union-attr]
    await page.set_content(await shown.content())
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width
        found = await Axe().run(page, options={"preload": False})
        assert found.violations_count == 0, found.generate_report()
    await page.close()


async def test_it_is_sent_without_a_script_shown_back_and_sent_again(browser: Browser, news: Open) -> None:
    say = speech(news.room.settings().language).form
    article = f"{news.address}post/0/2.html"
    page = await browser.new_page(java_script_enabled=False, ignore_https_errors=True)
    await page.goto(article)
    asked = re.search(r"\d+", await page.locator("label[for=answer]").inner_text())
    assert asked
    await page.locator("#words").fill(WORDS)
    await page.locator("#name").fill("رها")
    await page.locator("#reply").fill("raha@example.org")
    await page.locator("#answer").fill("no")
    await page.keyboard.press("Enter")
    assert await page.get_by_role("alert").inner_text() == say["answer"]
    await judged(page)
    await page.go_back()
    assert await page.locator("#words").input_value() == WORDS
    await page.locator("#name").fill("رها")  # of these the page asks browsers to remember nothing
    await page.locator("#reply").fill("raha@example.org")
    await page.locator("#answer").fill(["باران", "در", "شمال"][int(asked[0]) - 1])
    await page.locator(".comment-form button").click()
    assert (await page.locator("dd.words").inner_text()).splitlines() == WORDS.splitlines()
    await judged(page)
    await page.get_by_role("button").click()
    assert await page.get_by_role("alert").inner_text() == say["early"]
    assert not [each for each in news.archive.waiting() if each.words == WORDS]
    news.now += SOONEST
    await page.get_by_role("button").click()
    assert await page.get_by_role("status").inner_text() == say["sent"]
    await judged(page)
    await page.get_by_role("link").click()
    assert page.url == article
    found = [(each.post, each.name, each.reply_to) for each in news.archive.waiting() if each.words == WORDS]
    assert found == [(2, "رها", "raha@example.org")]
    assert await page.context.cookies() == []
    await page.close()
    visits = (news.here / "visits").read_text()
    assert "GET /post/0/2.html" in visits
    assert "comment" not in visits, "not by the way back either, in a Referer"


async def test_the_web_server_notes_nobody_where_the_form_is_not_there(tmp_path: Path) -> None:
    port, nobody = free(), free()
    with nginx(tmp_path / "nginx", tmp_path, port, nobody):

        def status(octets: int) -> int:
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=trusting())
            connection.request("POST", "/comment", b"x" * octets)
            answer = connection.getresponse().status
            connection.close()
            return answer

        assert [await asyncio.to_thread(status, octets) for octets in (10, BODY, BODY + 1)] == [502, 502, 413]
    noted = (tmp_path / "nginx" / "errors").read_text() + (tmp_path / "nginx" / "visits").read_text()
    assert "comment" not in noted
    assert "client" not in noted
