"""QR codes that say what the link says, and colours that can be read."""

import base64
import hashlib
import io
import re

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from angarium.edge.pages.draw import CONTENT_SECURITY_POLICY, STYLE, qr


def decode(picture: str) -> str:
    kind, _, data = picture.partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        (found,) = zxingcpp.read_barcodes(image.convert("L"))
    return found.text


@given(st.text(st.sampled_from("abcxyz0189@.:?&=%_-/"), min_size=1, max_size=300).map("dclogin:".__add__))
def test_a_code_is_read_as_its_link(link: str) -> None:
    assert decode(qr(link)) == link


def test_the_longest_link_there_is_still_fits_a_page() -> None:
    link = "dclogin:" + "a" * 64 + "@" + "b" * 253 + "?p=" + "c" * 150 + "&ih=" + "d" * 253 + "&sh=" + "e" * 253
    assert decode(qr(link)) == link
    assert len(qr(link)) < 16_384


def test_only_our_own_style_is_allowed() -> None:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'")
    assert not re.search(r"url\(|@import|@font-face|expression", STYLE)


def palettes() -> dict[str, dict[str, str]]:
    """The colours of the style by name, in daylight, at night and on paper."""
    light, dark, paper = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", block))
        for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    )
    return {"light": light, "dark": light | dark, "print": light | paper}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    channels = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", palettes())
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "ground"),
        ("ink", "card"),
        ("soft", "ground"),
        ("soft", "card"),
        ("accent", "ground"),
        ("accent", "card"),
        ("on-accent", "accent"),
        ("on-danger", "danger"),
        ("on-mark", "mark"),
    ],
)
def test_text_has_the_contrast_of_wcag_aa(scheme: str, ink: str, ground: str) -> None:
    colours = palettes()[scheme]
    darker, lighter = sorted((luminance(colours[ink]), luminance(colours[ground])))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
