"""What is attached to posts, made fit to be shown: pictures in sizes for slow links, other files under a harmless name.

A picture is never copied. It is read, turned as its camera held it, and written anew in a few sizes: what else was in
its file (place, camera, thumbnail, whatever was hidden behind it) is not in them. One that says it is larger than could
be read in the memory there is, or is none, is left out and said to be. Other files are copied as they are, with what
their makers wrote into them, under the ending of a type that no browser runs.

Each is made once (`make`, in any process) and noted in the ledger; pages are given what was noted.
"""

import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from angarium.channel.media import Media
from angarium.channel.post import Medium, MediumKind
from angarium.channel.site.ledger import Ledger, mark
from angarium.channel.site.staging import Laid, Staging

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

__all__ = ["Gallery", "Making", "PicturesMissing", "Shown", "Version", "make", "named"]

WIDTHS = (320, 640, 1280)
FALLBACK_WIDTH = 640
"""Of the JPEG for what reads no WebP."""
WEBP_QUALITY, JPEG_QUALITY = 68, 72
WEBP_METHOD = 2
"""How much time is taken for a smaller file, from 0 to 6."""
MOST_PIXELS = 40_000_000
"""Of one picture, for which the process then has 206 MB of memory; of a JPEG, as it is read, which is smaller."""
MOST_CONVERTED = MOST_PIXELS // 2
"""Of one that is read twice over: with transparency, or with colours of its own."""
MOST_MOVING_PIXELS = 200_000_000
"""Of all frames of a moving picture that is to move here."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
RECIPE = b"2"
"""Changes when pictures are made differently."""
ORIENTATION = 0x0112
SIDEWAYS = (5, 6, 7, 8)
"""Orientations by which what is wide was high."""
TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""How a picture is turned that was taken so (EXIF)."""

ENDINGS = {
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/x-wav": "wav",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/webm": "weba",
    "video/ogg": "ogv",
    "audio/opus": "opus",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "text/plain": "txt",
    "application/epub+zip": "epub",
}
"""Endings by which servers tell browsers a type that runs nothing. All else ends in `bin`."""


class PicturesMissing(Exception):
    """Pictures cannot be made, since the library for them is not installed; the text says how to get it."""


class Version(msgspec.Struct, frozen=True):
    """A picture in one size, in pixels."""

    path: str
    width: int
    height: int


class Shown(msgspec.Struct, frozen=True):
    """Something attached, as pages show it."""

    kind: str
    """`picture`, `video`, `audio`, `file` or `missing`."""
    path: str = ""
    """The file itself; of a picture, what reads no WebP is given."""
    width: int = 0
    height: int = 0
    versions: tuple[Version, ...] = ()
    """A picture's sizes as WebP, the smallest first."""
    moving: str = ""
    """The picture in motion, if it has any."""
    size: int = 0

    def paths(self) -> list[str]:
        """All files that this needs."""
        return [path for path in (self.path, self.moving, *(each.path for each in self.versions)) if path]


def role(medium: Medium) -> str:
    """What it is shown as."""
    picture = medium.type.startswith("image/") or medium.kind in (MediumKind.PHOTO, MediumKind.STICKER)
    return "picture" if picture and not medium.type.startswith(("video/", "application/")) else medium.kind.value


def named(medium: Medium) -> str:
    """By what it is known: the same for all that is shown in the same way."""
    return f"media {role(medium)} {medium.type} {medium.digest}"


class Making(NamedTuple):
    """Something attached that is to be made."""

    medium: Medium
    source: Path | None
    """None: it is not there."""


class Gallery:
    """What is attached, and what was made of it, which is kept while a post names it."""

    def __init__(self, media: Media, ledger: Ledger) -> None:
        self._media = media
        self._ledger = ledger

    def wanted(self, media: Iterable[Medium]) -> Iterator[Making]:
        """What of this is to be made, each once; the rest is kept."""
        seen: set[bytes] = set()
        for medium in media:
            name = named(medium)
            if (short := mark(name)) in seen:
                continue
            seen.add(short)
            kept = self._ledger.note(name)
            paths = msgspec.msgpack.decode(kept, type=Shown).paths() if kept else []
            if not kept or not all([self._ledger.keeps(path, RECIPE) for path in paths]):  # noqa: C419 (each is kept)
                yield Making(medium, self._media.path(medium.digest) if medium.digest in self._media else None)

    def made(self, making: Making, shown: Shown, laid: Sequence[Laid]) -> None:
        """Something was made."""
        self._ledger.record(laid, RECIPE)
        if making.source is not None:  # it may come
            self._ledger.put_note(named(making.medium), msgspec.msgpack.encode(shown))

    def shown(self, media: Iterable[Medium]) -> dict[str, Shown]:
        """How these are shown, by their names."""
        found = {}
        for name in map(named, media):
            if kept := self._ledger.note(name):
                found[name] = msgspec.msgpack.decode(kept, type=Shown)
        return found


def make(making: Making, staging: Staging) -> tuple[Shown, list[Laid]]:
    """Lay the files of something attached. Raises PicturesMissing, OSError."""
    medium, source = making
    if source is None:
        return Shown("missing"), []
    stem = f"media/{medium.digest[:2]}/{medium.digest[:32]}"
    if role(medium) == "picture":
        return Drawing(stem, staging).of(source)
    path = f"{stem}.{ENDINGS.get(medium.type, 'bin')}"
    laid = staging.lay_file(path, source)
    kind = medium.type.partition("/")[0]
    kind = kind if kind in {"video", "audio"} and not path.endswith(".bin") else "file"
    if medium.kind is MediumKind.FILE:
        kind = "file"
    return Shown(kind, path, medium.width, medium.height, size=laid.size), [laid]


class Drawing:
    """A picture, drawn anew in its sizes."""

    def __init__(self, stem: str, staging: Staging) -> None:
        self._stem = stem
        self._staging = staging
        self._laid: list[Laid] = []

    def of(self, source: Path) -> tuple[Shown, list[Laid]]:
        """What is shown of it, and its files. Raises PicturesMissing."""
        try:
            from PIL import Image
        except ImportError:
            raise PicturesMissing("pictures need a library: pip install 'angarium[channel]'") from None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(source, formats=FORMATS) as image:
                    moving = self._moving(image)
                with Image.open(source, formats=FORMATS) as image:
                    image.draft("RGB", (WIDTHS[-1], WIDTHS[-1]))
                    plain = image.mode in {"RGB", "L"} and "transparency" not in image.info
                    if image.width * image.height > (MOST_PIXELS if plain else MOST_CONVERTED):
                        return Shown("missing"), []
                    return self._sizes(upright(image), moving), self._laid
        except (ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk, not the picture
            return Shown("missing"), []

    def _sizes(self, image: "Picture", moving: str) -> Shown:
        versions, fallback = [], Version("", 0, 0)
        last = min(image.width, WIDTHS[-1])
        for width in [*(each for each in WIDTHS if each < last), last]:
            height = max(1, round(image.height * width / image.width))
            smaller = image.resize((width, height), reducing_gap=2.0) if width != image.width else image
            versions.append(Version(f"{self._stem}-{width}.webp", width, height))
            self._lay(versions[-1].path, smaller, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD)
            if width <= FALLBACK_WIDTH:
                fallback = Version(f"{self._stem}-{width}.jpg", width, height)
                jpeg = flat(smaller)
        self._lay(fallback.path, jpeg, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
        return Shown("picture", fallback.path, fallback.width, fallback.height, tuple(versions), moving)

    def _moving(self, image: "Picture") -> str:
        frames = getattr(image, "n_frames", 1)
        if frames < 2 or image.format not in {"GIF", "WEBP"}:
            return ""
        if frames * image.width * image.height > MOST_MOVING_PIXELS:
            return ""
        path = f"{self._stem}-moving.webp"
        self._lay(path, image, "WEBP", save_all=True, quality=50, method=2, exif=b"", xmp=b"")
        return path

    def _lay(self, path: str, image: "Picture", kind: str, **how: Any) -> None:
        file = io.BytesIO()
        image.save(file, kind, **how)
        self._laid.append(self._staging.lay(path, file.getvalue()))


def upright(image: "Picture") -> "Picture":
    """A picture as it was seen, in the colours of screens, without anything its file said about it.

    It is made as small as it is needed before anything else is done: each further step copies it.
    """
    from PIL import Image, ImageCms

    image.load()
    profile, orientation = image.info.get("icc_profile"), image.getexif().get(ORIENTATION, 1)
    keyed = "transparency" in image.info
    kind = "RGBA" if keyed or image.mode in {"RGBA", "LA", "PA"} else "RGB"
    if keyed or image.mode not in {"RGB", "RGBA", "L"}:
        image = image.convert(kind)
    width = image.height if orientation in SIDEWAYS else image.width
    if width > WIDTHS[-1]:
        part = WIDTHS[-1] / width
        image = image.resize((max(1, round(image.width * part)), max(1, round(image.height * part))), reducing_gap=2.0)
    image = image.convert(kind)
    if profile:
        try:
            ours = ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ours) or image
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # its colours are a little off
    if orientation in TURNS:
        image = image.transpose(Image.Transpose[TURNS[orientation]])
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    return bare


def flat(image: "Picture") -> "Picture":
    """Without transparency, on white."""
    if image.mode != "RGBA":
        return image
    from PIL import Image

    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground
