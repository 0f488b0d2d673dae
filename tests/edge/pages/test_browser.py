"""The pages in a real browser without JavaScript: what people see on a phone and on a desk, by day and by night."""

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
import zxingcpp
from PIL import Image
from playwright.async_api import Browser, Page, Request, async_playwright

from angarium.edge.pages.language import LANGUAGES
from angarium.edge.pages.site import HttpSite
from angarium.mail.invitation import Login, Way, parse

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PROXY = "https://someone123:a-secret-of-the-proxy@relay.example:443"
WIDTHS = (320, 360, 1280)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

OVERFLOWING = """() => [...document.querySelectorAll("body, body *")]
    .filter(element => element.scrollWidth > element.clientWidth && getComputedStyle(element).display != "inline")
    .map(element => element.outerHTML.slice(0, 80))"""
"""Elements whose content sticks out of them; the page itself must not scroll sideways either."""


class Visit:
    """A page opened in a window of its own, and all it did on the way."""

    def __init__(self, page: Page, host: str) -> None:
        self.page = page
        self._host = host
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._requested)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _requested(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.requests.append(request.url)

    async def open(self, path: str, status: int = 200) -> None:
        response = await self.page.goto(self._host + path)
        assert response is not None
        assert response.status == status

    async def check(self) -> None:
        """What holds for every page: it fits, it keeps to itself, and the browser has nothing to complain of."""
        assert await self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert await self.page.evaluate(OVERFLOWING) == []
        assert self.requests
        assert all(url.startswith(self._host + "/") for url in self.requests), self.requests
        assert self.complaints == []

    async def qr(self) -> str:
        """What a camera reads off the screen."""
        with Image.open(io.BytesIO(await self.page.locator("img").screenshot())) as image:
            (found,) = zxingcpp.read_barcodes(image.convert("L"))
        return found.text


Opener = Callable[[HttpSite, int, Literal["light", "dark"]], Awaitable[Visit]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser, http_serve: Any) -> AsyncIterator[Opener]:
    async with AsyncExitStack() as over:

        async def visit(site: HttpSite, width: int, scheme: Literal["light", "dark"]) -> Visit:
            port = await over.enter_async_context(http_serve(site))
            page = await browser.new_page(
                viewport={"width": width, "height": 720}, color_scheme=scheme, java_script_enabled=False
            )
            over.push_async_callback(page.close)
            return Visit(page, f"http://127.0.0.1:{port}")

        yield visit


@pytest.mark.parametrize("code", ["en", "fa"])
async def test_the_other_ways_open_and_are_scanned_without_javascript(
    http_relay: Any, visit: Opener, code: str
) -> None:
    http_relay.bare()
    http_relay.more = [Way("203.0.113.5", 443, "ssl", 443, "ssl", 443, verified=False, kind="front")]
    for width in WIDTHS:
        shown = await visit(http_relay.site(), width, "light")
        await shown.open(f"/?lang={code}")
        details = shown.page.locator("details")
        assert not await details.locator("img").is_visible()
        await details.locator("summary").click()
        with Image.open(io.BytesIO(await details.locator("img").screenshot())) as image:
            (found,) = zxingcpp.read_barcodes(image.convert("L"))
        read = parse(found.text)
        assert isinstance(read, Login)
        assert read.imap.host == "203.0.113.5"
        await shown.check()


@pytest.mark.parametrize("code", LANGUAGES)
async def test_an_invitation_is_read_and_scanned_on_every_screen(http_relay: Any, visit: Opener, code: str) -> None:
    http_relay.bare()
    shown = await visit(http_relay.site(), 320, "light")
    for width in WIDTHS:
        for scheme in SCHEMES:
            await shown.page.set_viewport_size({"width": width, "height": 720})
            await shown.page.emulate_media(color_scheme=scheme)
            await shown.open(f"/?lang={code}")
            await shown.check()
            assert await shown.qr() == http_relay.links[-1]
            assert await shown.page.locator("a.button").get_attribute("href") == http_relay.links[-1]
            assert await shown.page.locator("code").inner_text() == http_relay.links[-1]
            await check_direction(shown.page, code)
            dark = "rgb(18, 22, 27)" if scheme == "dark" else "rgb(245, 243, 238)"
            ground = "getComputedStyle(document.documentElement).backgroundColor"
            assert await shown.page.evaluate(ground) == dark


async def check_direction(page: Page, code: str) -> None:
    """Text begins on its language's side, and addresses run from left to right everywhere."""
    direction = LANGUAGES[code].direction
    assert await page.evaluate("getComputedStyle(document.body).direction") == direction
    left, right = await page.evaluate("""() => {
        const item = document.querySelector("li"), text = document.createRange();
        text.selectNodeContents(item);
        const [outer, inner] = [item.getBoundingClientRect(), text.getBoundingClientRect()];
        return [inner.left - outer.left, outer.right - inner.right];
    }""")
    assert (left if direction == "ltr" else right) == pytest.approx(48, abs=1)
    assert await page.evaluate("""[...document.querySelectorAll("bdi, code")]
        .every(element => getComputedStyle(element).direction == "ltr")""")


@pytest.mark.parametrize("code", LANGUAGES)
async def test_the_other_pages_fit_the_smallest_phone(http_relay: Any, visit: Opener, code: str) -> None:
    http_relay.domain = "a-rather-long-name-for-a-relay.somewhere-far-away.example"
    http_relay.registration = "invite"
    await http_relay.store.invitations.add("tok", uses=1, expires_day=20_000)
    shown = await visit(http_relay.site(), 320, "light")
    for path, status in (
        ("/", 200),
        ("/invite/tok", 200),
        ("/invite/void", 404),
        ("/delete", 200),
        ("/password", 200),
        ("/ways", 200),
        ("/lost", 404),
    ):
        await shown.open(f"{path}?lang={code}", status)
        shown.complaints = [text for text in shown.complaints if "404" not in text]
        await shown.check()


@pytest.mark.parametrize("code", LANGUAGES)
async def test_the_ways_to_an_account_fit_the_smallest_phone_and_are_scanned(
    http_relay: Any, visit: Opener, code: str
) -> None:
    http_relay.personal = [PROXY, PROXY.replace("relay.", "spare.")]
    onion = Way(f"{'a' * 56}.onion", 993, "ssl", 465, "ssl", None, verified=False, kind="onion")
    http_relay.more = [Way("203.0.113.5", 443, "ssl", 443, "ssl", 443, verified=False, kind="front"), onion]
    await http_relay.store.accounts.create("nine.chars", "a password", day=20_000)
    shown = await visit(http_relay.site(), 320, "light")
    page = shown.page
    await shown.open(f"/?lang={code}")
    await page.locator("footer").get_by_text(LANGUAGES[code].words["have"], exact=True).click()
    await page.fill("#name", "nine.chars")
    await page.fill("#password", "a password")
    await page.locator("button").click()
    for summary in await page.locator("summary").all():
        await summary.click()
    await shown.check()
    codes, links = page.locator("main img"), page.locator("main code")
    assert await codes.count() == await links.count() == 6
    for number in range(6):
        with Image.open(io.BytesIO(await codes.nth(number).screenshot())) as image:
            (found,) = zxingcpp.read_barcodes(image.convert("L"))
        assert found.text == await links.nth(number).inner_text()
    assert await links.first.inner_text() == PROXY
    assert await page.locator("main a").count() == 0
    assert not any("password=" in url or "nine.chars" in url for url in shown.requests)


async def test_an_account_is_deleted_without_a_script(http_relay: Any, visit: Opener) -> None:
    await http_relay.store.accounts.create("nine.chars", "a password", day=20_000)
    shown = await visit(http_relay.site(), 360, "light")
    page = shown.page
    await shown.open("/?lang=fa")
    await page.get_by_text(LANGUAGES["fa"].words["delete"]).click()
    await page.fill("#name", "nine.chars")
    await page.fill("#password", "a password")
    await page.locator("button").click()
    assert "nine.chars@relay.example" in await page.locator("main").inner_text()
    await shown.check()
    assert await http_relay.store.accounts.count() == 1
    await page.locator("button.danger").click()
    assert await page.locator("h1").inner_text() == LANGUAGES["fa"].words["done"]
    await shown.check()
    assert await http_relay.store.accounts.count() == 0
    assert not any("password" in url or "nine.chars" in url for url in shown.requests)


async def test_whoever_hesitates_keeps_the_account(http_relay: Any, visit: Opener) -> None:
    await http_relay.store.accounts.create("nine.chars", "a password", day=20_000)
    shown = await visit(http_relay.site(), 360, "dark")
    await shown.open("/delete")
    await shown.page.fill("#name", "nine.chars")
    await shown.page.fill("#password", "a password")
    await shown.page.locator("button").click()
    await shown.page.locator("a.quiet").click()
    assert await shown.page.input_value("#name") == ""
    assert await http_relay.store.accounts.count() == 1


@pytest.mark.parametrize("code", ["en", "fa"])
async def test_a_second_password_is_set_and_taken_away_without_a_script(
    http_relay: Any, visit: Opener, code: str
) -> None:
    words, accounts = LANGUAGES[code].words, http_relay.store.accounts
    await accounts.create("nine.chars", "a password", day=20_000)
    shown = await visit(http_relay.site(), 320, "light")
    page = shown.page
    await shown.open(f"/?lang={code}")
    await page.locator("footer").get_by_text(words["second"], exact=True).click()

    async def fill(again: str) -> None:
        for field, text in (("name", "nine.chars"), ("password", "a password"), ("second", "give me that")):
            await page.fill(f"#{field}", text)
        await page.fill("#again", again)

    await fill("give me this")
    await page.keyboard.press("Enter")  # is the first button
    assert await page.locator("[role=alert]").inner_text() == words["second_twice"]
    shown.complaints = [text for text in shown.complaints if "400" not in text]
    await shown.check()
    await fill("give me that")
    await page.get_by_role("button", name=words["second_button"]).click()
    assert await page.locator("h1").inner_text() == words["second_set"]
    await shown.check()
    await shown.open(f"/password?lang={code}")
    await page.fill("#name", "nine.chars")
    await page.fill("#password", "a password")
    await page.get_by_role("button", name=words["second_remove"]).click()
    assert await page.locator("h1").inner_text() == words["second_removed"]
    await shown.check()
    assert not any("password=" in url or "give" in url or "nine.chars" in url for url in shown.requests)
    await accounts.set_duress("nine.chars", "a password", "give me that", day=20_000)
    assert (await accounts.login("nine.chars", "give me that", day=20_000)).emptied


async def test_the_language_is_chosen_by_a_link_and_kept(http_relay: Any, visit: Opener) -> None:
    shown = await visit(http_relay.site(), 1280, "light")
    await shown.open("/")
    assert await shown.page.locator("html").get_attribute("lang") == "en"
    for code, language in LANGUAGES.items():
        await shown.page.get_by_text(language.name, exact=True).click()
        assert await shown.page.locator("html").get_attribute("lang") == code
    await shown.page.get_by_text("Русский").click()
    await shown.page.get_by_text(LANGUAGES["ru"].words["delete"]).click()
    assert await shown.page.locator("h1").inner_text() == LANGUAGES["ru"].words["delete"]


async def test_paper_shows_what_paper_can_use(http_relay: Any, visit: Opener) -> None:
    shown = await visit(http_relay.site(), 1280, "dark")
    await shown.open("/")
    await shown.page.emulate_media(media="print")
    for hidden in ("nav", "footer", "a.button"):
        assert not await shown.page.locator(hidden).is_visible()
    assert await shown.qr() == http_relay.links[-1]
    assert await shown.page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
