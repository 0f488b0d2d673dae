"""Pictures stripped: every pixel as it was (Pillow is the judge), and nothing said of place, time or camera."""

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from angarium.channel.stripping import BadPicture, Picture, strip
from tests.channel.exports.make import GIF, JPEG, WEBP, located, png

SECRETS = (b"SecretCam", b"35.6892", b"GPS", b"Jane")


def pixels(octets: bytes) -> list[bytes]:
    image = Image.open(io.BytesIO(octets))
    found = []
    for frame in range(getattr(image, "n_frames", 1)):
        image.seek(frame)
        found.append(ImageOps.exif_transpose(image).convert("RGBA").tobytes())
    return found


def made(format_: str, **more: object) -> bytes:
    image = Image.effect_noise((40, 30), 80).convert("RGB")
    exif = Image.Exif()
    exif[0x010F] = "SecretCam"
    exif[0x0112] = 8
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    image.save(out, format_, exif=exif, **more)
    return out.getvalue()


@pytest.mark.parametrize(
    ("octets", "type_"),
    [
        (located(JPEG), "image/jpeg"),
        (made("JPEG"), "image/jpeg"),
        (made("JPEG", progressive=True, comment=b"35.6892"), "image/jpeg"),
        (made("JPEG", restart_marker_blocks=2), "image/jpeg"),
        (png(20, 10, 3, b"by Jane Doe, 35.6892"), "image/png"),
        (made("WEBP", xmp=b"<x>35.6892</x>"), "image/webp"),
        (made("WEBP", lossless=True), "image/webp"),
    ],
)
def test_pixels_stay_and_secrets_go(octets: bytes, type_: str) -> None:
    picture = strip(octets, type_)
    assert any(secret in octets for secret in SECRETS)
    assert not any(secret in picture.octets for secret in SECRETS)
    if type_ != "image/webp":  # a browser turns a JPEG only
        assert pixels(picture.octets) == pixels(octets)
        assert ImageOps.exif_transpose(Image.open(io.BytesIO(octets))).size == picture[1:]
    assert strip(picture.octets, type_) == picture


def test_a_turned_jpeg_stays_turned_and_says_nothing_else() -> None:
    picture = strip(located(JPEG), "image/jpeg")
    exif = Image.open(io.BytesIO(picture.octets)).getexif()
    assert dict(exif) == {0x0112: 6}
    assert (picture.width, picture.height) == (16, 24)


def test_an_animation_keeps_its_frames_and_its_loop() -> None:
    frames = [Image.new("P", (8, 8), shade) for shade in (1, 2, 3)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], loop=0, comment=b"by Jane Doe")
    picture = strip(out.getvalue(), "image/gif")
    assert b"Jane" not in picture.octets
    assert pixels(picture.octets) == pixels(out.getvalue())
    assert Image.open(io.BytesIO(picture.octets)).info["loop"] == 0


def test_an_animated_webp_keeps_its_frames() -> None:
    frames = [Image.effect_noise((16, 16), 80).convert("RGB") for _ in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], xmp=b"by Jane Doe")
    picture = strip(out.getvalue(), "image/webp")
    assert b"Jane" not in picture.octets
    assert pixels(picture.octets) == pixels(out.getvalue())


def test_what_shows_too_much_is_refused() -> None:
    header = struct.pack(">4sIIBBBBB", b"IHDR", 60_000, 60_000, 8, 0, 0, 0, 0)
    trap = png(8, 8, 1)[:12] + header + struct.pack(">I", zlib.crc32(header)) + png(8, 8, 1)[33:]
    with pytest.raises(BadPicture, match="60000"):
        strip(trap, "image/png")


SAMPLES = [(located(JPEG), "image/jpeg"), (png(9, 9, 9, b"x"), "image/png"), (GIF, "image/gif"), (WEBP, "image/webp")]


@pytest.mark.parametrize(("octets", "type_"), SAMPLES)
def test_what_is_cut_short_is_refused(octets: bytes, type_: str) -> None:
    whole = strip(octets, type_)
    for end in range(len(octets)):
        try:
            cut = strip(octets[:end], type_)
        except BadPicture:
            continue
        assert cut == whole, "only what follows the end of the picture was cut"


@given(st.sampled_from(SAMPLES), st.data())
def test_what_is_damaged_is_refused_or_a_picture(sample: tuple[bytes, str], data: st.DataObject) -> None:
    octets, type_ = bytearray(sample[0]), sample[1]
    octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadPicture):
        assert isinstance(strip(bytes(octets), type_), Picture)
