"""Manifests and lists."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.channel import proof
from angarium.channel.minisign import SecretKey
from angarium.channel.proof import BadManifest, Line, Manifest

KEY = SecretKey(bytes(8), bytes(32))
MANIFEST = Manifest(
    channel="The news",
    serial=1_790_000_000,
    made="2026-09-21T14:13:20+00:00",
    key=KEY.public,
    previous=(1_789_000_000, "ab" * 32),
    address="https://news.example.org/",
    mirrors=("https://copy.example/news/", "http://abc.onion/"),
    largest=12,
    files=3,
    lists=(Line("cd" * 32, "proof/lists/_.sums"), Line("ef" * 32, "proof/lists/post_0.sums")),
)


def test_what_is_written_is_read() -> None:
    assert proof.parse(MANIFEST.text()) == MANIFEST
    bare = replace(MANIFEST, previous=None, address="", mirrors=(), lists=(), channel="a\n# serial: 5")
    assert proof.parse(bare.text()) == replace(bare, channel="a # serial: 5")
    text = MANIFEST.text().encode()
    assert proof.checked(text, KEY.sign(text, "x").encode()) == MANIFEST


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("site 1", "site 2"),
        ("# serial: 1790000000", "# serial: -5"),
        ("# serial: 1790000000", "# serial: 1\n# serial: 2"),
        ("# files: 3\n", ""),
        ("# key: RW", "# key: RX"),
        ("# previous: 1789000000", "# previous: x"),
        ("https://news.example.org/", "javascript:alert(1)"),
        ("http://abc.onion/", "http://clear.example/"),
        ("proof/lists/_.sums", "index.html"),
        ("proof/lists/_.sums", "proof/lists/../../x"),
        ("proof/lists/_.sums", "proof/lists/post_0.sums"),
        ("cd" * 32, "CD" * 32),
        ("# files: 3", "# files: 3\n\n"),
        ("# mirror: http://abc.onion/", "# mirror: http://abc.onion/\n" * 101),
    ],
)
def test_what_is_none_is_refused(old: str, new: str) -> None:
    assert old in MANIFEST.text()
    with pytest.raises(BadManifest):
        proof.parse(MANIFEST.text().replace(old, new))


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "../x", "a/../b", "a/./b", ".mirror", "a/.b", "a//b", "a/", "A", "a b", "a\\b", "a.", "ä", ""),
        "a/" * 7 + "b",
    ],
)
def test_paths_that_are_none_of_a_sites(path: str) -> None:
    with pytest.raises(BadManifest):
        list(proof.entries(f"{'0' * 64}  {path}"))


@given(st.text())
def test_any_text_is_refused_as_documented(text: str) -> None:
    for content in (text, f"# Angarium site 1\n{text}", MANIFEST.text()[:200] + text):
        with pytest.raises(BadManifest):
            proof.checked(content.encode("utf-8", "replace"), text.encode("utf-8", "replace"))


def test_lists() -> None:
    lines = [Line("0" * 64, "a/b.html"), Line("1" * 64, "a/c.html")]
    assert list(proof.entries(proof.listed(lines).decode())) == lines
    assert proof.list_name("post/0") == "proof/lists/post_0.sums"
    assert proof.list_name("") == "proof/lists/_.sums"
