"""Copies: what is whole and goes forward is taken, all else is refused, and cut short anywhere they are not spoilt."""

import base64
import contextlib
import http.server
import os
import shutil
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import trustme

from angarium.channel import mirror as module
from angarium.channel import proof
from angarium.channel.minisign import PublicKey, SecretKey
from angarium.channel.mirror import Mirror, NoCopy, Older
from angarium.channel.newsroom import Newsroom
from angarium.channel.post import Post, Text
from angarium.channel.site.build import build
from angarium.channel.source import Folder, SourceError, SourceMissing, Web
from angarium.channel.successor import hand_over
from angarium.channel.verification import Refused, verify
from tests.channel.sample import DAY, NOON, add, sample


@dataclass(frozen=True)
class Two:
    """Two states of a site, the second with a post more and one less, and its newsroom as it was then."""

    room: Path
    first: Path
    second: Path
    key: SecretKey


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    folder = tmp_path_factory.mktemp("two")
    room, site = sample(folder / "room"), folder / "site"
    build(room, site, now=NOON)
    shutil.copytree(site, folder / "first")
    with room.archive() as archive:
        add(archive, Post(key="new", published=NOON + 60 * DAY, text=Text("Something new")))
        with archive.writing():
            archive.withdraw(2)
    build(room, site, now=NOON + 60)
    return Two(room.folder, folder / "first", site, room.keys.load())


@pytest.fixture
def copy(two: Two, tmp_path: Path) -> Path:
    """A copy of the first state."""
    with Mirror(tmp_path / "copy", two.key.public) as mirror:
        mirror.update(Folder(two.first))
    return tmp_path / "copy"


def contents(site: Path) -> dict[str, bytes]:
    """All files but what a copy remembers for itself."""
    files = (path for path in site.rglob("*") if path.is_file())
    named = {str(path.relative_to(site)): path for path in files}
    return {name: path.read_bytes() for name, path in named.items() if not name.startswith((".mirror", ".incoming"))}


def test_a_copy_is_made_and_brought_up_to_date(two: Two, copy: Path) -> None:
    assert contents(copy) == contents(two.first)
    with Mirror(copy) as mirror:
        assert mirror.update(Folder(two.first)).fetched == 0
        done = mirror.update(Folder(two.second))
        assert not done.apart
        assert not done.followed
        assert 5 < done.fetched < len(contents(two.second))
        assert mirror.update(Folder(two.second)).fetched == 0
        with pytest.raises(Older, match="already"):
            mirror.update(Folder(two.first))
    assert contents(copy) == contents(two.second)
    assert verify(copy, two.key.public).serial == NOON + 60
    with Mirror(copy.with_name("copy of copy")) as mirror:
        mirror.update(Folder(copy))
    assert contents(copy.with_name("copy of copy")) == contents(two.second)


def test_whose_copy_it_is(two: Two, copy: Path, tmp_path: Path) -> None:
    other = SecretKey.draw().public
    with pytest.raises(Refused, match="another channel"):
        Mirror(copy, other)
    with Mirror(tmp_path / "new", other) as mirror, pytest.raises(Refused, match="another key"):
        mirror.update(Folder(two.second))
    with pytest.raises(Refused, match="another key"):
        verify(two.second, other)


def test_only_an_empty_folder_becomes_a_copy(two: Two, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(NoCopy, match="not empty"):
        Mirror(tmp_path)
    assert (tmp_path / "precious").exists()
    stick = tmp_path / "stick"
    shutil.copytree(two.first, stick)
    with Mirror(stick, two.key.public) as mirror:
        with pytest.raises(NoCopy, match="another process"):
            Mirror(stick)
        assert mirror.update(Folder(two.second)).fetched < len(contents(two.second))
    assert contents(stick) == contents(two.second)
    (stick / ".mirror").write_bytes(b"\xff")
    with pytest.raises(NoCopy, match="damaged"):
        Mirror(stick)


POST = "post/0/1.html"
LIST = "proof/lists/post_0.sums"


def forge(site: Path, key: SecretKey, change: Callable[[proof.Manifest], proof.Manifest]) -> None:
    """Change the manifest, and sign it with a key."""
    manifest = change(proof.parse((site / proof.MANIFEST).read_text()))
    write(site, manifest.text(), key)


def write(site: Path, text: str, key: SecretKey) -> None:
    (site / proof.MANIFEST).write_text(text)
    (site / proof.SIGNATURE).write_text(key.sign(text.encode(), "x"))


def flip(site: Path, path: str, at: int = 100) -> None:
    content = bytearray((site / path).read_bytes())
    content[at] ^= 1
    (site / path).write_bytes(content)


def cut(site: Path, path: str, to: int) -> None:
    os.truncate(site / path, to)


def swap(site: Path, one: str, other: str) -> None:
    a, b = (site / one).read_bytes(), (site / other).read_bytes()
    (site / one).write_bytes(b)
    (site / other).write_bytes(a)


def relist(site: Path, key: SecretKey | None, change: Callable[[str], str]) -> None:
    """Change a list, and the manifest with it; without a key the signature stays as it was."""
    text = change((site / LIST).read_text())
    (site / LIST).write_text(text)
    manifest = proof.parse((site / proof.MANIFEST).read_text())
    lists = tuple(
        proof.Line(proof.digest(text.encode()), line.path) if line.path == LIST else line for line in manifest.lists
    )
    signature = (site / proof.SIGNATURE).read_text()
    write(site, replace(manifest, lists=lists).text(), key or SecretKey.draw())
    if key is None:
        (site / proof.SIGNATURE).write_text(signature)


def another(site: Path, key: SecretKey) -> None:
    """All of it signed anew by somebody else."""
    forge(site, key, lambda manifest: replace(manifest, key=key.public, serial=manifest.serial + 9))


def succeed(site: Path, key: SecretKey, signer: SecretKey) -> None:
    """Somebody names themselves the successor."""
    handover = hand_over(signer, key, number=1, channel="x", day="2026-11-26")
    said = replace(handover, old=PublicKey.parse(str(proof.parse((site / proof.MANIFEST).read_text()).key)))
    for path, content in said.files().items():
        (site / path).parent.mkdir(exist_ok=True)
        (site / path).write_bytes(content)
    another(site, key)


def folder(place: Path) -> None:
    place.unlink()
    place.mkdir()


def link(site: Path, path: str, to: str) -> None:
    (site / path).unlink()
    (site / path).symlink_to(to)


def lines(site: Path, path: str, change: Callable[[list[str]], list[str]]) -> None:
    (site / path).write_text("\n".join(change((site / path).read_text().splitlines())) + "\n")


THIEF = SecretKey.draw()
TAMPERED: dict[str, Callable[[Path, Two], object]] = {
    "a letter of a post is another": lambda site, two: flip(site, "post/0/7.html"),
    "a post is cut short": lambda site, two: cut(site, "post/0/7.html", 500),
    "a post is empty": lambda site, two: cut(site, "post/0/7.html", 0),
    "a post is longer": lambda site, two: (site / "post/0/7.html").open("a").write("<script>"),
    "a post is missing": lambda site, two: (site / "post/0/7.html").unlink(),
    "a post is a folder": lambda site, two: folder(site / "post/0/7.html"),
    "a post leads to another file": lambda site, two: link(site, "post/0/7.html", "/etc/hostname"),
    "a post never ends": lambda site, two: link(site, "post/0/7.html", "/dev/zero"),
    "two files have changed places": lambda site, two: swap(site, "index.html", "post/0/7.html"),
    "a post is as it was before": lambda site, two: shutil.copy(two.first / "index.html", site / "index.html"),
    "a signature of a post is another": lambda site, two: flip(site, "post/0/7.html.minisig"),
    "a list names a forged post": lambda site, two: lines(
        site, LIST, lambda found: [f"{'0' * 64}  {POST}", *found[1:]]
    ),
    "a list and the manifest name it": lambda site, two: relist(site, None, lambda text: f"{'0' * 64}{text[64:]}"),
    "a list is missing": lambda site, two: (site / LIST).unlink(),
    "a list is cut short": lambda site, two: cut(site, LIST, 100),
    "a list is as it was before": lambda site, two: shutil.copy(two.first / LIST, site / LIST),
    "the manifest is missing": lambda site, two: (site / proof.MANIFEST).unlink(),
    "the manifest is cut short": lambda site, two: cut(site, proof.MANIFEST, 400),
    "the manifest is another thing": lambda site, two: (site / proof.MANIFEST).write_bytes(b"\xff\xfe"),
    "the manifest says a later number": lambda site, two: lines(
        site, proof.MANIFEST, lambda found: [*found[:2], f"# serial: {NOON + 99}", *found[3:]]
    ),
    "the manifest has the signature of before": lambda site, two: shutil.copy(
        two.first / proof.SIGNATURE, site / proof.SIGNATURE
    ),
    "the signature is missing": lambda site, two: (site / proof.SIGNATURE).unlink(),
    "the signature is cut short": lambda site, two: cut(site, proof.SIGNATURE, 60),
    "the signature's comment is another": lambda site, two: lines(
        site, proof.SIGNATURE, lambda found: [*found[:2], "trusted comment: x", found[3]]
    ),
    "all is signed by somebody else": lambda site, two: another(site, THIEF),
    "somebody else takes the key's name": lambda site, two: another(site, SecretKey(two.key.name, THIEF.seed)),
    "somebody else signs in the key's name": lambda site, two: forge(site, THIEF, lambda manifest: manifest),
    "somebody else says they follow": lambda site, two: succeed(site, THIEF, THIEF),
    "somebody else says so with the key's name": lambda site, two: succeed(
        site, THIEF, SecretKey(two.key.name, THIEF.seed)
    ),
    "a list leaves the site": lambda site, two: relist(site, two.key, lambda text: f"{'0' * 64}  ../../x\n{text}"),
    "a list names the copy's own": lambda site, two: relist(site, two.key, lambda text: f"{'0' * 64}  .mirror\n{text}"),
    "a list names a file twice": lambda site, two: relist(site, two.key, lambda text: text + text),
    "a list names a file more": lambda site, two: relist(
        site, two.key, lambda text: f"{proof.digest((site / 'style.css').read_bytes())}  post/0/x\n{text}"
    ),
    "a list names one less": lambda site, two: relist(site, two.key, lambda text: text.partition("\n")[2]),
    "a list stands in the place of a post": lambda site, two: forge(
        site, two.key, lambda manifest: replace(manifest, lists=(*manifest.lists, proof.Line("0" * 64, POST)))
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_what_is_tampered_with_is_refused(two: Two, copy: Path, tmp_path: Path, how: str) -> None:
    site, before = tmp_path / "site", contents(copy)
    shutil.copytree(two.second, site)
    TAMPERED[how](site, two)
    with pytest.raises(Refused):
        verify(site, two.key.public)
    with Mirror(copy) as mirror, pytest.raises((Refused, SourceError)):
        mirror.update(Folder(site))
    assert contents(copy) == before
    with Mirror(tmp_path / "new", two.key.public) as mirror, pytest.raises((Refused, SourceError)):
        mirror.update(Folder(site))
    assert contents(tmp_path / "new") == {}
    with Mirror(copy) as mirror:
        mirror.update(Folder(two.second))
    assert contents(copy) == contents(two.second)


def test_there_are_twenty_ways() -> None:
    assert len(TAMPERED) >= 20


def test_what_does_not_belong_is_seen_and_not_copied(two: Two, copy: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(two.second, site)
    (site / "more.html").write_text("<script>")
    with pytest.raises(Refused, match=r"more\.html does not belong"):
        verify(site)
    (copy / "left.html").write_text("left")
    (copy / "folder").mkdir()
    with Mirror(copy) as mirror:
        assert mirror.update(Folder(site)).removed > 0
    assert contents(copy) == contents(two.second)
    assert not (copy / "folder").exists()


def test_two_states_of_one_number_cannot_both_be_believed(two: Two, copy: Path, tmp_path: Path) -> None:
    shutil.copytree(two.first, tmp_path / "site")
    forge(tmp_path / "site", two.key, lambda manifest: replace(manifest, made="another time"))
    with Mirror(copy) as mirror, pytest.raises(Refused, match="same number"):
        mirror.update(Folder(tmp_path / "site"))


@pytest.mark.parametrize("previous", [None, (NOON - 5, "0" * 64), (NOON, "0" * 64)])
def test_a_history_that_parted_is_told(two: Two, copy: Path, tmp_path: Path, previous: tuple[int, str] | None) -> None:
    shutil.copytree(two.second, tmp_path / "site")
    forge(tmp_path / "site", two.key, lambda manifest: replace(manifest, previous=previous))
    with Mirror(copy) as mirror:
        assert mirror.update(Folder(tmp_path / "site")).apart


class Cut(BaseException):
    """As if it was killed."""


class CutShort:
    """A source that is cut off after so many pieces."""

    def __init__(self, folder: Path, after: int) -> None:
        self.name = "cut"
        self.taken: list[str] = []
        self._folder = Folder(folder)
        self._after = after

    def pieces(self, path: str, most: int) -> Iterator[bytes]:
        for piece in self._folder.pieces(path, most):
            if len(self.taken) >= self._after:
                yield piece[:10]
                raise Cut
            self.taken.append(path)
            yield piece

    def close(self) -> None: ...


def test_cut_short_while_fetching_nothing_is_fetched_twice(two: Two, copy: Path) -> None:
    before, fetched = contents(copy), 0
    with Mirror(copy.with_name("whole")) as mirror:
        mirror.update(Folder(two.first))
        needed = mirror.update(Folder(two.second)).fetched
    for after in (0, 3, 5, 8, 13):
        with Mirror(copy) as mirror, pytest.raises(Cut):
            mirror.update(CutShort(two.second, after))
        assert contents(copy) == before
    source = CutShort(two.second, 10_000)
    with Mirror(copy) as mirror:
        fetched = mirror.update(source).fetched
    assert fetched < needed
    assert contents(copy) == contents(two.second)


def test_what_was_spoilt_on_its_way_is_not_read(two: Two, copy: Path) -> None:
    for line in proof.parse((two.second / proof.MANIFEST).read_text()).lists:
        spoilt = copy / ".incoming" / line.digest[:2] / line.digest
        spoilt.parent.mkdir(parents=True, exist_ok=True)
        spoilt.write_bytes(b"spoilt")
    with Mirror(copy) as mirror:
        mirror.update(Folder(two.second))
    assert contents(copy) == contents(two.second)


def test_cut_short_while_it_takes_its_place_it_ends_whole(
    two: Two, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear, calls = module.clear, 0

    def stop(place: Path, folder: Path) -> None:
        nonlocal calls
        calls += 1
        if calls % 4 == 0:
            raise Cut
        clear(place, folder)

    monkeypatch.setattr(module, "clear", stop)
    for _ in range(40):
        with contextlib.suppress(Cut), Mirror(copy) as mirror:
            mirror.update(Folder(two.second))
            break
        with pytest.raises(Refused):
            verify(copy)
        with Mirror(copy) as mirror, pytest.raises(Older):
            mirror.update(Folder(two.first))
    assert calls > 8
    assert contents(copy) == contents(two.second)
    assert verify(copy, two.key.public)


def test_a_site_that_changes_under_our_hands_is_begun_again(two: Two, copy: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(two.first, site)
    changed = proof.Line("0" * 64, LIST)
    forge(site, two.key, lambda manifest: replace(manifest, serial=NOON + 30, lists=(changed, *manifest.lists[:2])))

    class Changing(CutShort):
        def pieces(self, path: str, most: int) -> Iterator[bytes]:
            if path == LIST:
                shutil.copytree(two.second, site, dirs_exist_ok=True)
            return super().pieces(path, most)

    with Mirror(copy) as mirror:
        assert mirror.update(Changing(site, 10_000)).manifest.serial == NOON + 60


def test_a_key_and_an_address_are_followed(two: Two, copy: Path, tmp_path: Path) -> None:
    shutil.copytree(two.room, tmp_path / "room")
    shutil.copytree(two.second, tmp_path / "site")
    room = Newsroom(tmp_path / "room")
    for day in ("2026-11-26", "2026-11-27"):
        room.keys.hand_over("x", day)
    text = room.settings_file.read_text()
    room.settings_file.write_text(text.replace("https://news.example.org/", "https://moved.example/"))
    build(room, tmp_path / "site", now=NOON + 90)
    key = room.keys.load().public
    assert key != two.key.public
    page = (tmp_path / "site/proof/index.html").read_text()
    assert str(key) in page
    assert str(two.key.public) in page
    with Mirror(copy) as mirror:
        done = mirror.update(Folder(tmp_path / "site"))
        assert done.followed
        assert done.manifest.key == key
        assert done.manifest.address == "https://moved.example/"
        with pytest.raises(Refused):
            mirror.update(Folder(two.second))
    Mirror(copy, two.key.public).close()
    assert verify(copy, two.key.public) == verify(copy, key)
    with Mirror(tmp_path / "new", two.key.public) as mirror:
        mirror.update(Folder(copy))
    shutil.rmtree(tmp_path / "site/proof/keys")
    with Mirror(tmp_path / "last", two.key.public) as mirror, pytest.raises(Refused, match="another key"):
        mirror.update(Folder(tmp_path / "site"))


class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/index.html")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()


@contextlib.contextmanager
def served(folder: Path, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A web server on a folder."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_over_https(two: Two, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with served(two.second, context) as port, authority.cert_pem.tempfile() as trust:
        source = Web(f"https://localhost:{port}/", verify=trust)
        with Mirror(tmp_path / "copy", two.key.public) as mirror:
            mirror.update(source)
        assert contents(tmp_path / "copy") == contents(two.second)
        for path, kind in (("nothing", SourceMissing), ("moved", SourceError)):
            with pytest.raises(kind):
                list(source.pieces(path, 100))
        with pytest.raises(SourceError, match="larger"):
            list(source.pieces("index.html", 100))
        source.close()
        stranger = Web(f"https://localhost:{port}/")
        with pytest.raises(SourceError, match="certificate"):
            list(stranger.pieces("index.html", 100))
        stranger.close()
    gone = Web(f"http://127.0.0.1:{port}/")
    with pytest.raises(SourceError, match="ConnectionError"):
        list(gone.pieces("index.html", 100))
    gone.close()


class Socks(socketserver.StreamRequestHandler):
    """A proxy that knows one onion address (RFC 1928)."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, SocksServer)
        methods = self.rfile.read(2)[1]
        self.rfile.read(methods)
        self.wfile.write(b"\5\0")
        _, command, _, kind = self.rfile.read(4)
        assert (command, kind) == (1, 3)  # by its name: the proxy looks it up
        name = self.rfile.read(self.rfile.read(1)[0]).decode()
        self.rfile.read(2)
        server.asked.add(name)
        self.wfile.write(b"\5\0\0\1" + bytes(4) + struct.pack(">H", 0))
        with socket.create_connection(("127.0.0.1", server.goal)) as goal:
            back = threading.Thread(target=self.pump, args=(goal, self.connection))
            back.start()
            self.pump(self.connection, goal)
            back.join()

    @staticmethod
    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class SocksServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, goal: int) -> None:
        super().__init__(("127.0.0.1", 0), Socks)
        self.goal = goal
        self.asked: set[str] = set()


def test_by_an_onion_address(two: Two, tmp_path: Path) -> None:
    onion = base64.b32encode(bytes(35)).decode().lower() + ".onion"
    with pytest.raises(SourceError, match="needs --proxy"):
        Web(f"http://{onion}/")
    with served(two.second) as port, SocksServer(port) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,))
        thread.start()
        source = Web(f"http://{onion}/", proxy=f"socks5h://127.0.0.1:{proxy.server_address[1]}")
        with Mirror(tmp_path / "copy", two.key.public) as mirror:
            mirror.update(source)
        source.close()
        proxy.shutdown()
        thread.join()
    assert proxy.asked == {onion}
    assert contents(tmp_path / "copy") == contents(two.second)
