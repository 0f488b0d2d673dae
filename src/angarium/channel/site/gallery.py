"""What is attached to posts, made fit to be shown: pictures in sizes for slow links, other files under a harmless name.

A picture is never copied. It is read, turned as its camera held it, and written anew in a few sizes: what else was in
its file (place, camera, thumbnail, whatever was hidden behind it) is not in them. One that says it is larger than could
be read in the memory there is, or is none, is left out and said to be. Other files are copied as they are, with what
their makers wrote into them, under the ending of a type that no browser runs.
"""

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from angarium.channel.media import Media
from angarium.channel.post import Medium, MediumKind
from angarium.channel.site.ledger import Ledger

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

__all__ = ["Gallery", "PicturesMissing", "Shown", "Version"]

WIDTHS = (320, 640, 1280)
FALLBACK_WIDTH = 640
"""Of the JPEG for what reads no WebP."""
WEBP_QUALITY, JPEG_QUALITY = 68, 72
MOST_PIXELS = 64_000_000
"""Of one picture: 192 MB of memory while it is read, unless it is a JPEG, which is read smaller."""
MOST_MOVING_PIXELS = 200_000_000
"""Of all frames of a moving picture that is to move here."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
RECIPE = b"1"
"""Changes when pictures are made differently."""

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


class Gallery:
    """Makes what is attached, once, and keeps it while a post names it."""

    def __init__(self, media: Media, ledger: Ledger) -> None:
        self._media = media
        self._ledger = ledger

    def show(self, medium: Medium) -> Shown:
        """Something attached, with its files in the site. Raises PicturesMissing."""
        picture = medium.type.startswith("image/") or medium.kind in (MediumKind.PHOTO, MediumKind.STICKER)
        role = "picture" if picture and not medium.type.startswith(("video/", "application/")) else medium.kind.value
        name = f"media {role} {medium.type} {medium.digest}"
        kept = self._ledger.note(name)
        if kept:
            shown = msgspec.msgpack.decode(kept, type=Shown)
            if all([self._ledger.keeps(path, RECIPE) for path in shown.paths()]):  # noqa: C419 (each must be kept)
                return shown
        shown = self._make(medium, role)
        self._ledger.put_note(name, msgspec.msgpack.encode(shown))
        return shown

    def _make(self, medium: Medium, role: str) -> Shown:
        source = self._media.path(medium.digest)
        if medium.digest not in self._media:
            return Shown("missing")
        stem = f"media/{medium.digest[:2]}/{medium.digest[:32]}"
        if role == "picture":
            return self._picture(source, stem)
        path = f"{stem}.{ENDINGS.get(medium.type, 'bin')}"
        self._ledger.put_file(path, source, RECIPE)
        kind = medium.type.partition("/")[0]
        kind = kind if kind in {"video", "audio"} and not path.endswith(".bin") else "file"
        if medium.kind is MediumKind.FILE:
            kind = "file"
        return Shown(kind, path, medium.width, medium.height, size=source.stat().st_size)

    def _picture(self, source: Path, stem: str) -> Shown:
        try:
            from PIL import Image
        except ImportError:
            raise PicturesMissing("pictures need a library: pip install 'angarium[channel]'") from None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(source, formats=FORMATS) as image:
                    moving = self._moving(image, stem)
                with Image.open(source, formats=FORMATS) as image:
                    image.draft("RGB", (WIDTHS[-1], WIDTHS[-1]))
                    if image.width * image.height > MOST_PIXELS:
                        return Shown("missing")
                    return self._sizes(upright(image), stem, moving)
        except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError):
            return Shown("missing")

    def _sizes(self, image: "Picture", stem: str, moving: str) -> Shown:
        versions, fallback = [], Version("", 0, 0)
        last = min(image.width, WIDTHS[-1])
        for width in [*(each for each in WIDTHS if each < last), last]:
            height = max(1, round(image.height * width / image.width))
            smaller = image.resize((width, height), reducing_gap=2.0) if width != image.width else image
            versions.append(Version(f"{stem}-{width}.webp", width, height))
            self._ledger.put(versions[-1].path, written(smaller, "WEBP", quality=WEBP_QUALITY, method=4), RECIPE)
            if width <= FALLBACK_WIDTH:
                fallback = Version(f"{stem}-{width}.jpg", width, height)
                jpeg = written(flat(smaller), "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
        self._ledger.put(fallback.path, jpeg, RECIPE)
        return Shown("picture", fallback.path, fallback.width, fallback.height, tuple(versions), moving)

    def _moving(self, image: "Picture", stem: str) -> str:
        frames = getattr(image, "n_frames", 1)
        if frames < 2 or image.format not in {"GIF", "WEBP"}:
            return ""
        if frames * image.width * image.height > MOST_MOVING_PIXELS:
            return ""
        path = f"{stem}-moving.webp"
        self._ledger.put(path, written(image, "WEBP", save_all=True, quality=50, method=2, exif=b"", xmp=b""), RECIPE)
        return path


def upright(image: "Picture") -> "Picture":
    """A picture as it was seen, in the colours of screens, without anything its file said about it."""
    from PIL import Image, ImageCms, ImageOps

    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    through = "transparency" in image.info or image.mode in {"RGBA", "LA", "PA"}
    image = image.convert("RGBA" if through else "RGB")
    if profile:
        try:
            ours = ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ours) or image
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # its colours are a little off
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


def written(image: "Picture", kind: str, **how: Any) -> bytes:
    """A picture's file."""
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()
