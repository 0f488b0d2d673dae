"""The site as a whole: what is in it, that it is valid, and that only what changed is written."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import html5lib
import pytest
from msgspec.structs import replace

from angarium.channel.minisign import PublicKey
from angarium.channel.newsroom import Newsroom
from angarium.channel.post import Author, Comment, Post, Text
from angarium.channel.settings import Settings
from angarium.channel.site import paths
from angarium.channel.site.build import FRONT_POSTS, Built, build
from angarium.channel.site.language import LANGUAGES as SPOKEN
from angarium.channel.site.ledger import LedgerError
from angarium.channel.site.theme import BadTheme
from tests.channel.sample import DAY, HOSTILE, LANGUAGES, NOON, add, sample

ACTIVE = {"script", "iframe", "object", "embed", "svg", "math", "base", "applet", "frame", "style"}
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Newsroom, Path]:
    folder = tmp_path_factory.mktemp("channel")
    room = sample(folder / "room")
    build(room, folder / "site", now=NOON)
    return room, folder / "site"


@pytest.fixture
def fresh(made: tuple[Newsroom, Path], tmp_path: Path) -> tuple[Newsroom, Path]:
    """A copy that a test may change. Its ledger knows another folder, so everything is compared once."""
    room, site = made
    shutil.copytree(room.folder, tmp_path / "room")
    shutil.copytree(site, tmp_path / "site")
    copy = Newsroom(tmp_path / "room")
    assert build(copy, tmp_path / "site", now=NOON + 5) == Built(5, 0, 0, NOON)
    return copy, tmp_path / "site"


def pages(site: Path) -> Iterator[Path]:
    return site.rglob("*.html")


def tree(page: Path) -> ElementTree.Element:
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    found: ElementTree.Element = parser.parse(page.read_text("utf-8"))
    return found


def contents(site: Path) -> dict[str, bytes]:
    return {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def test_every_page_is_valid_and_nothing_active_is_on_it(made: tuple[Newsroom, Path]) -> None:
    found = 0
    for page in pages(made[1]):
        for element in tree(page).iter():
            if not isinstance(element.tag, str):
                continue
            scripted = element.tag == "script" and element.get("src") == "../search.js"
            assert element.tag not in ACTIVE or (scripted and page.parts[-2] == "search"), (page, element.tag)
            assert not [name for name in element.keys() if name.startswith("on") or name == "style"], page  # noqa: SIM118
            for name in ("href", "src", "action"):
                assert not re.match(r"\s*(javascript|vbscript|data:text)", element.get(name, ""), re.IGNORECASE)
        found += 1
    assert found > 25


def test_every_link_within_leads_to_a_file_and_no_resource_comes_from_elsewhere(made: tuple[Newsroom, Path]) -> None:
    site = made[1]
    for page in pages(site):
        for element in tree(page).iter():
            if not isinstance(element.tag, str):
                continue
            targets = [element.get(name) for name in ("href", "src", "poster") if element.get(name)]
            targets += [each.split()[0] for each in element.get("srcset", "").split(", ") if each]
            for target in targets:
                assert target
                if element.tag not in {"a", "link"} or element.get("rel") == "stylesheet":
                    assert ":" not in target, (page, target)
                if ":" not in target and not target.startswith("#"):
                    assert (page.parent / target).resolve().is_file(), (page, target)
                    assert (page.parent / target).resolve().is_relative_to(site.resolve())


def test_what_a_page_says(made: tuple[Newsroom, Path]) -> None:
    site = made[1]
    page = (site / "post/0/1.html").read_text("utf-8")
    assert '<h1 dir="auto">Rain in the north</h1>' in page
    assert '21 September 2026, 17:43</time> <span class="other">(30 Shahrivar 1405)' in page
    assert "changed 21 September 2026" in page
    assert page.count("Good.") == 2
    assert "Not judged yet" not in page
    assert 'action="https://news.example.org/comment"' in page
    assert "Another channel" in (site / "post/0/4.html").read_text("utf-8")
    assert "75 %" in (site / "post/0/4.html").read_text("utf-8")
    assert ">Rain in the north</a>" in (site / "post/0/2.html").read_text("utf-8")
    assert "a post that is not here" in (site / "post/0/5.html").read_text("utf-8")
    assert "Picture, 31 October 2026" in (site / "post/0/5.html").read_text("utf-8")
    author = (site / "author/mina.html").read_text("utf-8")
    assert "Writes about water." in author
    assert "1 post" in author
    assert "https://copy.example/news/" in (site / "proof/index.html").read_text("utf-8")
    front = (site / "index.html").read_bytes() + (site / "style.css").read_bytes()
    assert len(front) < 60_000


def test_every_post_is_signed(made: tuple[Newsroom, Path]) -> None:
    room, site = made
    key = PublicKey.parse(room.keys.public.read_text())
    for number in (1, 2, 4, 5, 6):
        page = site / f"post/0/{number}.html"
        comment = key.verify(page.read_bytes(), Path(f"{page}.minisig").read_text())
        assert comment.endswith(f"file:post/0/{number}.html")
    assert key.verify((site / "proof/manifest").read_bytes(), (site / "proof/manifest.minisig").read_text())


def test_what_was_withdrawn_is_nowhere(made: tuple[Newsroom, Path]) -> None:
    assert "This post was withdrawn" in (made[1] / "post/0/3.html").read_text("utf-8")
    assert not [path for path, content in contents(made[1]).items() if b"swordfish" in content]
    assert not (made[1] / "post/0/3.html.minisig").exists()


def test_feeds(made: tuple[Newsroom, Path]) -> None:
    site = made[1]
    atom = ElementTree.parse(site / "feed.xml").getroot()
    entries = atom.findall(f"{ATOM}entry")
    assert len(entries) == 5
    first = entries[-1]
    assert first.findtext(f"{ATOM}title") == "Rain in the north"
    assert first.findtext(f"{ATOM}published") == "2026-09-21T17:43:20+03:30"
    assert first.findtext(f"{ATOM}id", "").startswith("urn:uuid:")
    assert "secretly" not in (first.findtext(f"{ATOM}content") or "")
    link = first.find(f"{ATOM}link")
    assert link is not None
    assert link.get("href") == "https://news.example.org/post/0/1.html"
    feed = json.loads((site / "feed.json").read_text("utf-8"))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["id"] for item in feed["items"]] == [entry.findtext(f"{ATOM}id") for entry in entries]
    assert feed["items"][0]["content_html"].count("<script") == 0


def test_nothing_is_written_again_that_did_not_change(fresh: tuple[Newsroom, Path]) -> None:
    room, site = fresh
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*")}
    assert build(room, site, now=NOON + 10) == Built(5, 0, 0, NOON)
    assert {path: path.stat().st_mtime_ns for path in site.rglob("*")} == before


def test_a_new_post_an_edit_a_comment_and_a_withdrawal(fresh: tuple[Newsroom, Path]) -> None:
    room, site = fresh
    before = contents(site)
    with room.archive() as archive:
        add(archive, Post(key="7", published=NOON + 42 * DAY, text=Text("News of today")))
    assert build(room, site, now=NOON + 60).serial == NOON + 60
    after = contents(site)
    changed = {path for path in after if after[path] != before.get(path)}
    assert {"post/0/7.html", "post/0/6.html", "index.html", "feed.xml", "proof/manifest"} <= changed
    assert not {"post/0/1.html", "post/0/2.html", paths.tag("water"), "style.css"} & changed
    with room.archive() as archive:
        add(archive, Post(key="7", published=NOON + 42 * DAY, changed=NOON + 43 * DAY, text=Text("News of tonight")))
        number = archive.put_comment(Comment(post=2, written=NOON, words="What a comment"))
        archive.judge_comment(number, show=True)
        with archive.writing():
            archive.withdraw(1)
        archive.put_author(Author("mina", "Mina R."))
    built = build(room, site, now=NOON)  # a clock that went backwards
    assert built.serial == NOON + 61
    last = contents(site)
    assert b"News of today" not in b"".join(last.values())
    assert b"What a comment" in last["post/0/2.html"]
    assert b"Rain in the north" not in b"".join(
        content for path, content in last.items() if path.endswith((".html", ".js"))
    )
    assert not [path for path in last if path.startswith("media/") and path.endswith(".mp4")]
    assert paths.tag("water") not in last
    assert b"Mina R." in last["author/mina.html"]
    again = site.with_name("again")
    build(room, again, now=NOON)
    assert contents(again) == last


def test_cut_short_it_goes_on(fresh: tuple[Newsroom, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    room, site = fresh
    room.settings_file.write_text(room.settings_file.read_text().replace("Riders", "Roads"))

    def stop(done: int, of: int) -> None:
        if done > of - 8:
            raise KeyboardInterrupt

    before = contents(site)
    with pytest.raises(KeyboardInterrupt):
        build(room, site, now=NOON + 60, progress=stop)
    after = contents(site)
    assert {path: content for path, content in after.items() if not path.startswith(".incoming/")} == before
    assert len(after) > len(before)
    build(room, site, now=NOON + 61)
    assert not [path for path, content in contents(site).items() if path.endswith(".html") and b"Riders" in content]


def test_two_at_once(fresh: tuple[Newsroom, Path]) -> None:
    room, site = fresh

    def second(done: int, of: int) -> None:
        with pytest.raises(LedgerError, match="another run"):
            build(room, site, now=NOON)

    build(room, site, now=NOON, progress=second)


def test_somebody_elses_site_is_left_alone(fresh: tuple[Newsroom, Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "index.html").write_text("mine")
    with pytest.raises(LedgerError, match="another site"):
        build(fresh[0], other, now=NOON)
    assert contents(other) == {"index.html": b"mine"}


def test_a_theme_replaces_templates_one_by_one(fresh: tuple[Newsroom, Path], tmp_path: Path) -> None:
    room, site = fresh
    theme = room.folder / "theme"
    (theme / "static").mkdir(parents=True)
    (theme / "withdrawn.html").write_text("<!doctype html><title>gone</title>{{ say('withdrawn') }} {{ title }}")
    (theme / "static" / "logo.png").write_bytes(b"png")
    settings = room.settings_file.read_text().replace('theme = ""', 'theme = "theme"')
    room.settings_file.write_text(settings)
    build(room, site, now=NOON)
    assert (site / "post/0/3.html").read_text().startswith("<!doctype html><title>gone")
    assert (site / "static/logo.png").read_bytes() == b"png"
    for text, why in (("{{ nothing }}", "nothing"), ("{% if %}", "line 1"), ("{{ say.__globals__ }}", "unsafe")):
        (theme / "withdrawn.html").write_text(text)
        with pytest.raises(BadTheme, match=why):
            build(room, site, now=NOON)
    (theme / "static" / "Logo File.png").write_bytes(b"png")
    (theme / "withdrawn.html").unlink()
    with pytest.raises(BadTheme, match="small letters"):
        build(room, site, now=NOON)
    room.settings_file.write_text(settings.replace('"theme"', '"nowhere"'))
    with pytest.raises(BadTheme, match="no theme"):
        build(room, site, now=NOON)


def test_an_empty_channel_has_a_site(tmp_path: Path) -> None:
    room = Newsroom(tmp_path / "room")
    Settings(title=HOSTILE[3], language="ru").save(room.settings_file)
    room.keys.make()
    assert build(room, tmp_path / "site", now=NOON).posts == 0
    for page in pages(tmp_path / "site"):
        tree(page)


def test_long_lists_are_divided_and_their_ends_stay(tmp_path: Path) -> None:
    room = Newsroom(tmp_path / "room")
    Settings(title="Many").save(room.settings_file)
    room.keys.make()
    with room.archive() as archive:
        add(
            archive, *(Post(key=str(n), published=NOON + n, text=Text(f"post {n}"), tags=("x",)) for n in range(1, 101))
        )
    site = tmp_path / "site"
    build(room, site, now=NOON)
    folder = (site / paths.tag("x")).parent
    assert sorted(path.name for path in folder.rglob("*.html")) == ["1.html", "2.html", "x.html"]
    text = "".join((site / paths.tag("x", page)).read_text() for page in (0, 2, 1))
    assert [int(number) for number in re.findall(r'<h2 dir="auto"><a href="[./]+post/0/(\d+)', text)] == list(
        range(100, 0, -1)
    )
    before = contents(site)
    with room.archive() as archive:
        add(archive, Post(key="101", published=NOON + 101, text=Text("post 101"), tags=("x",)))
    build(room, site, now=NOON)
    after = contents(site)
    assert {path for path in after if path.startswith("tag/") and after[path] != before.get(path)} == {
        paths.tag("x"),
        "tag/index.html",
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_is_light_however_full_it_is(tmp_path: Path, language: str) -> None:
    room = sample(tmp_path / "room", language)
    with room.archive() as archive:
        (first,) = (filed.post for filed in archive.posts() if filed.number == 1)
        word = SPOKEN[language].say("search_words_lead").split()[1]
        words = f"{(word + ' ') * 200}"
        full = replace(first, tags=(), text=Text(words), title=words)
        add(archive, *(replace(full, key=f"full {n}", published=NOON + (100 + n) * DAY) for n in range(FRONT_POSTS)))
    build(room, tmp_path / "site", now=NOON)
    size = sum((tmp_path / "site" / name).stat().st_size for name in ("index.html", "style.css"))
    assert size <= 60_000
