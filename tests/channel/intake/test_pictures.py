"""Pictures of a feed: fetched only if asked for, from where they may be, and within limits."""

import contextlib
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from angarium.channel import guard as guard_module
from angarium.channel.guard import is_public
from angarium.channel.intake import pictures as module
from angarium.channel.intake.attachments import Left
from angarium.channel.intake.pictures import Fetch
from angarium.channel.intake.refusal import Refused
from angarium.channel.intake.run import Imported, import_feed
from angarium.channel.post import Mark, MediumKind
from tests.channel.exports.make import GIF, JPEG, located, png
from tests.channel.intake.conftest import NOW, Room

HEIC = b"\0\0\0\x18ftypheic" + bytes(100)


class Shelf(BaseHTTPRequestHandler):
    """Serves what is on it, and notes who asked for what."""

    things: dict[str, bytes]
    asked: list[str]
    moved: str

    def do_GET(self) -> None:
        self.asked.append(f"{self.headers['Host'].partition(':')[0]}{self.path}")
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", self.moved)
            self.send_header("Content-Length", "0")
            self.send_header("Set-Cookie", "who=you")
            self.end_headers()
            return
        if self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(JPEG + bytes(65536))
        found = self.things.get(self.path)
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(found or b"")))
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def shelf() -> Iterator[str]:
    Shelf.asked, Shelf.moved = [], "/good.jpg"
    Shelf.things = {
        "/good.jpg": located(JPEG),
        "/other.png": png(8, 6, 5, b"by Jane Doe"),
        "/lies.jpg": b"<html><script>alert(1)</script>",
        "/cut.jpg": JPEG[:200],
        "/phone.heic": HEIC,
        "/pixel.gif": GIF.replace(b"\x18\0\x10\0", b"\1\0\1\0"),
    }
    server = ThreadingHTTPServer(("", 0), Shelf)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def feed(*items: str) -> bytes:
    said = "".join(
        f"<item><guid>{at}</guid><link>https://example.org/{at}</link><pubDate>Fri, 01 Mar 2024 09:00:00 GMT</pubDate>"
        f"{item}</item>"
        for at, item in enumerate(items)
    )
    return (
        '<rss xmlns:media="http://search.yahoo.com/mrss/" '
        f'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>{said}</channel></rss>'
    ).encode()


def shown(address: str, more: str = "") -> str:
    return f'<content:encoded>&lt;p&gt;Words&lt;/p&gt;&lt;img src="{address}"{more}&gt;</content:encoded>'


def take(room: Room, octets: bytes, fetch: Fetch | None = None) -> Imported:
    read = io.BytesIO(octets).read
    return import_feed(read, "feed.xml", room.archive, room.media, NOW, lambda part, posts: None, fetch)


def fetching(room: Room, *, public: bool = False, most: int = 1 << 20) -> Fetch:
    return Fetch(room.media, most=most, public=public)


def test_nothing_is_asked_for_unless_the_keeper_asks(room: Room, shelf: str) -> None:
    enclosed = f'<enclosure url="{shelf}/good.jpg" type="image/jpeg"/>'
    assert take(room, feed(shown(f"{shelf}/good.jpg"), f"<title>x</title>{enclosed}")).new == 2
    assert Shelf.asked == []
    posts = room.posts()
    assert [medium for post in posts.values() for medium in post.media] == []
    assert [span.value for span in posts["1"].text.spans] == [f"{shelf}/good.jpg"]


def test_pictures_come_with_their_posts_and_say_nothing(room: Room, shelf: str) -> None:
    octets = feed(
        shown(f"{shelf}/good.jpg"),
        f'<enclosure url="{shelf}/other.png" type="image/png"/><enclosure url="{shelf}/a.mp3" type="audio/mpeg"/>',
        f'<title>x</title><media:group><media:content url="{shelf}/moved" medium="image"/></media:group>',
    )
    done = take(room, octets, fetching(room))
    assert (done.new, done.left) == (3, Left())
    posts = room.posts()
    assert [(each.kind, each.type, each.width) for each in posts["0"].media] == [(MediumKind.PHOTO, "image/jpeg", 16)]
    assert posts["0"].text.words == "Words"
    assert [(each.type, each.height) for each in posts["1"].media] == [("image/png", 6)]
    assert [span.value for span in posts["1"].text.spans if span.mark is Mark.LINK] == [f"{shelf}/a.mp3"]
    assert posts["2"].media == posts["0"].media
    for digest in room.files():
        octets_of = room.media.path(digest).read_bytes()
        assert not any(secret in octets_of for secret in (b"SecretCam", b"Jane Doe", b"35.6892"))
    assert room.files() == room.archive.digests()


def test_what_was_fetched_is_not_fetched_again_and_stays(room: Room, shelf: str) -> None:
    octets = feed(shown(f"{shelf}/good.jpg"), shown(f"{shelf}/gone.jpg"))
    take(room, octets, fetching(room))
    asked = len(Shelf.asked)
    assert take(room, octets, fetching(room)).same == 2
    assert Shelf.asked[asked:] == ["127.0.0.1/gone.jpg"]
    assert take(room, octets).same == 2
    assert len(room.posts()["0"].media) == 1
    Shelf.things["/gone.jpg"] = png(9, 9, 9)
    assert take(room, octets, fetching(room)).changed == 1


def test_a_picture_that_cannot_be_had_leaves_its_post(room: Room, shelf: str) -> None:
    names = ("gone.jpg", "lies.jpg", "cut.jpg", "phone.heic", "endless", "pixel.gif")
    closed = "http://127.0.0.1:1/x.jpg"
    octets = feed(*(shown(f"{shelf}/{name}") for name in names), shown(closed), shown("http://[bad/x.jpg"))
    done = take(room, octets, fetching(room))
    assert (done.new, done.left) == (8, Left(missing=2, damaged=2, unstripped=1, large=1))
    assert all(post.text.words == "Words" and not post.media for post in room.posts().values())
    assert room.files() == set()


def test_what_is_there_to_be_fetched_and_not_seen_is_not_fetched(room: Room, shelf: str) -> None:
    take(room, feed(shown(f"{shelf}/good.jpg", ' width="1" height="1"')), fetching(room))
    assert Shelf.asked == []


def test_a_strangers_feed_sends_us_nowhere_within(room: Room, shelf: str) -> None:
    port = shelf.rpartition(":")[2]
    addresses = [f"{shelf}/good.jpg", f"http://localhost:{port}/good.jpg", f"http://[::ffff:127.0.0.1]:{port}/good.jpg"]
    done = take(room, feed(*(shown(each) for each in addresses)), fetching(room, public=True))
    assert (done.new, done.left) == (3, Left(forbidden=3))
    assert Shelf.asked == []


def test_nor_by_a_redirection(room: Room, shelf: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "is_public", lambda address: address == "127.0.0.1")
    Shelf.moved = shelf.replace("127.0.0.1", "127.0.0.2") + "/good.jpg"
    done = take(room, feed(shown(f"{shelf}/moved"), shown(f"{shelf}/good.jpg")), fetching(room, public=True))
    assert done.left == Left(forbidden=1)
    assert Shelf.asked == ["127.0.0.1/moved", "127.0.0.1/good.jpg"]


def test_nor_by_a_proxy(room: Room, shelf: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", shelf)
    monkeypatch.delenv("no_proxy", raising=False)
    done = take(
        room, feed(shown("http://10.1.2.3/x.jpg"), shown("http://router.local/x.jpg")), fetching(room, public=True)
    )
    assert done.left == Left(forbidden=2)
    assert Shelf.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("64:ff9b::5db8:d822", True),
        *(
            (each, False)
            for each in ("127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0")
        ),
        *((each, False) for each in ("100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "fe80::1%eth0", "fc00::1")),
        *((each, False) for each in ("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "ff02::1", "::")),
    ],
)
def test_addresses_that_all_the_world_can_reach(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_no_more_than_so_many(room: Room, shelf: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PICTURES", 1)
    octets = feed(shown(f"{shelf}/good.jpg"), shown(f"{shelf}/other.png"))
    done = take(room, octets, fetching(room))
    assert (done.left, len(room.files())) == (Left(large=1), 1)
    assert take(room, octets, fetching(room)).changed == 1
    assert len(room.files()) == 2


def test_a_server_that_dawdles_is_left(room: Room, shelf: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.3)
    monkeypatch.setattr(Shelf, "send_response", lambda self, status: threading.Event().wait(5))
    assert take(room, feed(shown(f"{shelf}/good.jpg")), fetching(room)).left == Left(missing=1)


def test_a_feed_that_is_refused_fetches_nothing(room: Room, shelf: str) -> None:
    with pytest.raises(Refused):
        take(room, feed(shown(f"{shelf}/good.jpg"))[:-5], fetching(room))
    assert Shelf.asked == []
    assert (room.archive.count(), room.archive.authors(), room.files()) == (0, [], set())
