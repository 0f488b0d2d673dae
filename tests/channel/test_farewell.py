"""The announcement: whole in each language, its picture read by a phone's reader."""

import io

import pytest
import zxingcpp
from PIL import Image

from angarium.channel.farewell import LANGUAGES, PIXELS, Farewell, picture, text
from angarium.channel.settings import LANGUAGES as SITE_LANGUAGES

INVITATION = "https://i.delta.chat/#ABCDEF0123456789ABCDEF0123456789ABCDEF01&a=x%40relay.example&n=News&i=abc&s=def"
WHOLE = Farewell(
    title="Morning Post",
    invitation=INVITATION,
    address="https://news.example/",
    mirrors=("https://a.example/", "http://b.onion/"),
    key="RWQf6LRC",
)


def test_there_is_one_in_each_language_of_the_site() -> None:
    assert set(LANGUAGES) == set(SITE_LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_where_and_how_to_check(language: str) -> None:
    said = text(WHOLE, language, "farewell.txt")
    for part in (INVITATION, "https://news.example/", "https://a.example/", "http://b.onion/", "Morning Post"):
        assert f"{part}" in said
    assert "minisign -Vm farewell.txt -P RWQf6LRC" in said
    assert "farewell.txt.minisig" in said
    assert "{" not in said
    links = [each for each in said.splitlines() if each.startswith(("http", "RW"))]
    assert links == [INVITATION, "https://news.example/", "https://a.example/", "http://b.onion/", "RWQf6LRC"]


def test_it_leaves_out_what_there_is_not() -> None:
    said = text(Farewell(title="A", address="https://news.example/", key="RW"), "en", "f.txt")
    assert "Delta Chat" not in said
    assert "Copies" not in said
    with pytest.raises(ValueError, match="nowhere"):
        Farewell(title="A", key="RW")


@pytest.mark.parametrize(
    ("where", "target"),
    [(WHOLE, INVITATION), (Farewell(title="A", address="https://x.example/", key="RW"), "https://x.example/")],
)
def test_the_picture_is_read(where: Farewell, target: str) -> None:
    image = Image.open(io.BytesIO(picture(where)))
    assert image.width == image.height >= PIXELS
    assert [each.text for each in zxingcpp.read_barcodes(image.convert("L"))] == [target]
