"""The site in a real browser, from the disk, as from a stick: on a phone and on a desk, in English and Persian."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from angarium.channel.post import Post, Text
from angarium.channel.site.build import build
from tests.channel.sample import DAY, HOSTILE, LANGUAGES, NOON, sample

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
EVERYWHERE = (
    *("index.html", "post/0/1.html", "post/0/2.html", "author/mina.html", "search/index.html", "proof/index.html"),
)
PAGES = dict.fromkeys(LANGUAGES, EVERYWHERE) | {
    "en": (*EVERYWHERE, "post/0/3.html", "post/0/6.html", "archive/index.html", "search/0/w-72.html")
}
DARK = ("index.html", "post/0/1.html")
WIDTHS = (360, 1280)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample's site in each language, with some more posts."""
    folder = tmp_path_factory.mktemp("sites")
    more = [
        Post(key=f"more {n}", published=NOON + (50 + n) * DAY, text=Text(f"Rain again, {n}\nوزن")) for n in range(40)
    ]
    for language in LANGUAGES:
        build(sample(folder / f"{language}-room", language, more), folder / language, now=NOON)
    return {language: folder / language for language in LANGUAGES}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


async def opened(browser: Browser, **how: Any) -> tuple[Page, list[str]]:
    """A window, and what its pages complain of or ask somebody else for."""
    page = await browser.new_page(**how)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else complaints.append(asked.url))
    return page, complaints


@pytest.mark.parametrize("language", LANGUAGES)
async def test_pages_fit_and_everybody_can_use_them(browser: Browser, sites: dict[str, Path], language: str) -> None:
    page, complaints = await opened(browser, reduced_motion="reduce")
    for path in PAGES[language]:
        await page.goto((sites[language] / path).as_uri())
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (path, width)
        await judged(page)
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    for path in DARK if language == "en" else ():
        await page.goto((sites[language] / path).as_uri())
        await judged(page)
    assert complaints == []
    await page.close()


async def judged(page: Page) -> None:
    """axe finds nothing to say against a page, with all that can be opened open."""
    await page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = await Axe().run(page, options={"preload": False})
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


async def test_the_first_lines_are_in_their_direction(browser: Browser, sites: dict[str, Path]) -> None:
    page, _ = await opened(browser, viewport={"width": 360, "height": 800}, java_script_enabled=False)
    await page.goto((sites["en"] / "post/0/2.html").as_uri())
    assert await page.evaluate("getComputedStyle(document.querySelector('.words p')).direction") == "rtl"
    assert await page.evaluate("getComputedStyle(document.body).direction") == "ltr"
    await page.goto((sites["fa"] / "post/0/1.html").as_uri())
    assert await page.evaluate("getComputedStyle(document.querySelector('.words p')).direction") == "ltr"
    assert await page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    assert "۳۰ شهریور ۱۴۰۵، ۱۷:۴۳" in await page.locator(".post .meta").first.inner_text()
    await page.close()


async def test_a_picture_is_as_large_as_its_place(browser: Browser, sites: dict[str, Path]) -> None:
    page, _ = await opened(browser, viewport={"width": 360, "height": 2000}, java_script_enabled=False)
    await page.goto((sites["en"] / "post/0/1.html").as_uri())
    picture = page.locator("figure img").first
    await picture.scroll_into_view_if_needed()
    assert str(await picture.evaluate("image => image.decode().then(() => image.currentSrc)")).endswith("-640.webp")
    await page.close()


async def test_headlines_stand_still_when_they_are_told_to(browser: Browser, sites: dict[str, Path]) -> None:
    moving = "getComputedStyle(document.querySelector('.ticker ul')).animationName"
    page, _ = await opened(browser, viewport={"width": 360, "height": 800}, java_script_enabled=False)
    await page.goto((sites["fa"] / "index.html").as_uri())
    assert await page.evaluate(moving) == "back"
    await page.get_by_label("ایستادن حرکت").check()
    assert await page.evaluate(moving) == "none"
    await page.emulate_media(reduced_motion="reduce")
    await page.reload()
    assert await page.evaluate(moving) == "none"
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        cut = "[...document.querySelectorAll('.ticker li')].filter(each => each.scrollWidth > each.clientWidth).length"
        assert await page.evaluate(cut) == 0
    await page.close()


async def test_what_is_hidden_opens_by_a_box(browser: Browser, sites: dict[str, Path]) -> None:
    page, _ = await opened(browser, java_script_enabled=False)
    await page.goto((sites["en"] / "post/0/1.html").as_uri())
    hidden = page.get_by_text("secretly", exact=True)
    assert not await hidden.is_visible()
    await page.get_by_label("Show what is hidden").check()
    assert await hidden.is_visible()
    await page.close()


async def test_search_with_a_script_from_a_stick(browser: Browser, sites: dict[str, Path]) -> None:
    page, complaints = await opened(browser, viewport={"width": 360, "height": 800})
    await page.goto((sites["en"] / "index.html").as_uri())
    await page.locator(".masthead input").fill("RÀIN north")
    await page.keyboard.press("Enter")
    links = page.locator("#found a")
    await links.first.wait_for()
    assert await links.all_inner_texts() == ["Rain in the north"]
    for asked, count in (("rai aga", 10), ("باران", 1), ("wat", 1), ("وَزن", 10)):
        await page.locator("#q").fill(asked)
        await page.keyboard.press("Enter")
        await page.wait_for_url(lambda url: "q=" in url)
        await links.first.wait_for()
        assert await links.count() == count, asked
    for count in (20, 30, 40):
        await page.get_by_role("button", name="More").click()
        await expect(links).to_have_count(count)
    assert not await page.get_by_role("button", name="More").is_visible()
    await judged(page)
    await links.first.click()
    assert await page.locator("h1").inner_text() == "Rain again, 39"
    await page.goto((sites["en"] / "search/index.html").as_uri() + "?q=nowhere")
    await page.get_by_text("Nothing found.").wait_for()
    await page.goto((sites["en"] / "search/index.html").as_uri() + "?q=<img src=x onerror=alert(1)>")
    await links.nth(1).wait_for()
    assert await links.all_inner_texts() == [HOSTILE[0], "Picture, 31 October 2026"]
    assert complaints == []
    await page.close()


async def test_search_without_a_script(browser: Browser, sites: dict[str, Path]) -> None:
    page, complaints = await opened(browser, viewport={"width": 360, "height": 800}, java_script_enabled=False)
    await page.goto((sites["en"] / "index.html").as_uri())
    await page.locator(".masthead input").fill("north")
    await page.keyboard.press("Enter")
    await page.locator(".contents a").first.click()
    await page.get_by_role("link", name="n…", exact=True).click()
    await page.locator("dt:text-is('north') + dd a").click()
    assert await page.locator("h1").inner_text() == "Rain in the north"
    assert complaints == []
    await page.close()


async def test_on_paper(browser: Browser, sites: dict[str, Path]) -> None:
    page, _ = await opened(browser, color_scheme="dark", java_script_enabled=False)
    await page.goto((sites["en"] / "post/0/1.html").as_uri())
    await page.emulate_media(media="print")
    for hidden in (".masthead nav", ".comment-form", "audio", ".genuine"):
        assert not await page.locator(hidden).is_visible()
    assert await page.get_by_text("secretly", exact=True).is_visible()
    assert await page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    await page.close()
