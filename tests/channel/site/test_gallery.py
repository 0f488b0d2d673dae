"""What is attached, made fit to be shown."""

import errno
import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from angarium.channel.media import Media
from angarium.channel.post import Medium, MediumKind
from angarium.channel.site import gallery as module
from angarium.channel.site.gallery import Gallery, Shown, make, named
from angarium.channel.site.ledger import Ledger
from tests.channel.sample import jpeg


class Room:
    def __init__(self, folder: Path) -> None:
        self.media = Media(folder / "media")
        self.site = folder / "site"
        self.ledger = Ledger(folder / "site.db", self.site)
        self.gallery = Gallery(self.media, self.ledger)

    def show(self, content: bytes, kind: MediumKind = MediumKind.PHOTO, mime: str = "image/jpeg") -> Shown:
        digest, size = self.media.keep([content], most=10**8)
        return self.again(Medium(digest, kind, mime, size))

    def again(self, medium: Medium) -> Shown:
        for making in self.gallery.wanted([medium]):
            self.gallery.made(making, *make(making, self.ledger.staging))
        self.ledger.place()
        return self.gallery.shown([medium]).get(named(medium), Shown("missing"))

    def picture(self, path: str) -> Image.Image:
        return Image.open(self.site / path)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def test_a_picture_in_sizes_upright_and_without_its_place(room: Room) -> None:
    original = jpeg(1600, 1000, place=True)
    assert b"Exif" in original
    shown = room.show(original)
    assert [(each.width, each.height) for each in shown.versions] == [(320, 512), (640, 1024), (1000, 1600)]
    assert (shown.kind, shown.width, shown.height) == ("picture", 640, 1024)
    for path in shown.paths():
        content = (room.site / path).read_bytes()
        with room.picture(path) as image:
            assert not image.getexif()
            assert not {"exif", "icc_profile", "xmp", "comment"} & set(image.info)
        assert b"Exif" not in content
        assert b"camera" not in content
    assert sum((room.site / each.path).stat().st_size for each in shown.versions[:1]) < 30_000


def test_a_small_picture_is_not_made_larger(room: Room) -> None:
    shown = room.show(jpeg(100, 80))
    assert [(each.width, each.height) for each in shown.versions] == [(100, 80)]


def test_what_is_seen_through_stays_so(room: Room) -> None:
    shown = room.show(saved(Image.new("RGBA", (50, 50), (255, 0, 0, 0)), "PNG"), mime="image/png")
    with room.picture(shown.versions[0].path) as image:
        assert image.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]
    with room.picture(shown.path) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


def test_a_moving_picture_stands_until_it_is_asked_for(room: Room) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green")]
    gif = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], comment=b"by whom")
    shown = room.show(gif, MediumKind.ANIMATION, "image/gif")
    with room.picture(shown.moving) as image:
        assert image.n_frames == 2  # type: ignore[attr-defined]
    with room.picture(shown.versions[0].path) as image:
        assert image.n_frames == 1  # type: ignore[attr-defined]
    assert b"by whom" not in (room.site / shown.moving).read_bytes()


@pytest.mark.parametrize("content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", jpeg(50, 50)[:300], b"GIF89a"])
def test_what_is_no_picture_is_not_copied(room: Room, content: bytes) -> None:
    assert room.show(content).kind == "missing"
    assert room.show(content, mime="image/svg+xml").kind == "missing"
    assert not room.site.exists() or not [*room.site.rglob("*.*")]


def test_a_picture_larger_than_memory_is_not_read(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = saved(Image.new("L", (20_000, 20_000)), "PNG")
    assert len(bomb) < 500_000
    assert room.show(bomb, mime="image/png").kind == "missing"
    monkeypatch.setattr(module, "MOST_PIXELS", 100)
    assert room.show(saved(Image.new("L", (20, 20)), "PNG"), mime="image/png").kind == "missing"


@pytest.mark.parametrize(
    ("mime", "ending", "kind"),
    [
        ("text/html", ".bin", "file"),
        ("image/svg", ".jpg", "picture"),
        ("application/xhtml+xml", ".bin", "file"),
        ("../../x", ".bin", "file"),
        ("video/mp4", ".mp4", "video"),
        ("video/evil", ".bin", "file"),
        ("audio/ogg", ".ogg", "audio"),
        ("application/pdf", ".pdf", "file"),
    ],
)
def test_a_file_has_an_ending_that_runs_nothing(room: Room, mime: str, ending: str, kind: str) -> None:
    content = jpeg(20, 20) if ending == ".jpg" else b"<script>alert(1)</script>"
    shown = room.show(content, MediumKind.VIDEO, mime)
    assert shown.path.endswith(ending)
    assert shown.kind == kind
    assert (room.site / shown.path).is_file()


def test_it_is_made_once_and_again_if_it_was_lost(room: Room) -> None:
    shown = room.show(jpeg(400, 300))
    written = room.ledger.written
    assert room.show(jpeg(400, 300)) == shown
    assert room.ledger.written == written
    (room.site / shown.path).unlink()
    assert room.show(jpeg(400, 300)) == shown
    assert (room.site / shown.path).is_file()
    assert room.again(Medium("0" * 64, MediumKind.PHOTO, "image/jpeg", 5)).kind == "missing"


def test_what_comes_later_is_shown_then(room: Room) -> None:
    late = Medium(hashlib.sha256(content := jpeg(40, 30)).hexdigest(), MediumKind.PHOTO, "image/jpeg", len(content))
    assert room.again(late).kind == "missing"
    room.media.keep([content], most=10**6)
    assert room.again(late).kind == "picture"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_turned_upright(room: Room, orientation: int) -> None:
    image = Image.new("RGB", (1600, 800), "white")
    image.paste("red", (0, 0, 800, 400))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif)
    shown = room.show(file.getvalue(), mime="image/png")
    with Image.open(io.BytesIO(file.getvalue())) as original, room.picture(shown.versions[-1].path) as made:
        expected = ImageOps.exif_transpose(original).resize(made.size)
        for place in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
            spot = (int(made.width * place[0]), int(made.height * place[1]))
            seen, wanted = made.convert("RGB").getpixel(spot), expected.getpixel(spot)
            assert isinstance(seen, tuple)
            assert isinstance(wanted, tuple)
            assert all(abs(one - other) < 20 for one, other in zip(seen, wanted, strict=True)), place


def test_a_full_disk_is_no_missing_picture(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(room.ledger.staging, "lay", full)
    with pytest.raises(OSError, match="no room"):
        room.show(jpeg(40, 30))
