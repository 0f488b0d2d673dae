"""Copies of what is signed or served by somebody who means harm: no more than may be, and not forever."""

import contextlib
import errno
import os
import shutil
import socketserver
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from angarium.channel import proof
from angarium.channel.minisign import SecretKey
from angarium.channel.mirror import Mirror, NoRoom
from angarium.channel.roll import Limits
from angarium.channel.site.build import build
from angarium.channel.site.staging import INCOMING
from angarium.channel.source import Folder, SourceError, SourceTooLarge, Web
from angarium.channel.verification import Refused, verify
from tests.channel.sample import NOON, sample
from tests.channel.serving import serving
from tests.channel.test_mirror import LIST, POST, contents, forge


class Site(NamedTuple):
    """A site and who signs it."""

    folder: Path
    key: SecretKey


@pytest.fixture
def site(tmp_path: Path) -> Site:
    room = sample(tmp_path / "room")
    build(room, tmp_path / "site", now=NOON)
    return Site(tmp_path / "site", room.keys.load())


@pytest.fixture
def copy(site: Site, tmp_path: Path) -> Path:
    with Mirror(tmp_path / "copy", site.key.public) as mirror:
        mirror.update(Folder(site.folder))
    return tmp_path / "copy"


def later(site: Site, change: Callable[[proof.Manifest], proof.Manifest] = lambda manifest: manifest) -> None:
    """The channel signs a state that comes after."""
    forge(site.folder, site.key, lambda manifest: change(replace(manifest, serial=manifest.serial + 1)))


def more(site: Site, *paths: str, octets: bytes = b"more", said: int | None = None) -> None:
    """The channel signs that there are these files too, as many as it `said` or all of them."""
    for path in paths:
        with contextlib.suppress(OSError):
            (site.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (site.folder / path).write_bytes(octets)
        name(site, path, proof.digest(octets))
    count = len(paths) if said is None else said
    later(
        site,
        lambda manifest: replace(manifest, files=manifest.files + count, largest=max(manifest.largest, len(octets))),
    )


def name(site: Site, path: str, digest: str) -> None:
    """The channel signs a list of the file's folder that names it too."""
    entry = site.folder / proof.list_name(path.rpartition("/")[0])
    text = entry.read_text() if entry.exists() else ""
    entry.write_text(f"{text}{digest}  {path}\n")
    place = str(entry.relative_to(site.folder))

    def change(manifest: proof.Manifest) -> proof.Manifest:
        others = (line for line in manifest.lists if line.path != place)
        return replace(manifest, lists=(*others, proof.Line(proof.digest(entry.read_bytes()), place)))

    forge(site.folder, site.key, change)


HOSTILE: dict[str, tuple[Callable[[Site], object], Limits, str]] = {
    "more files than are taken": (lambda site: more(site, "more"), Limits(files=20), "--files"),
    "a million files announced": (
        lambda site: later(site, lambda manifest: replace(manifest, files=10**12 - 1)),
        Limits(),
        "--files",
    ),
    "more files than announced": (
        lambda site: more(site, *(f"more/{at}" for at in range(9)), said=2),
        Limits(),
        "more files than the manifest says",
    ),
    "more octets than are taken": (
        lambda site: more(site, "more", octets=bytes(2 << 20)),
        Limits(octets=1 << 20),
        "--total",
    ),
    "a file that is too large": (
        lambda site: more(site, "more", octets=bytes(2 << 20)),
        Limits(largest=1 << 20),
        "larger",
    ),
    "a file and a folder of one name": (lambda site: more(site, f"{POST}/more"), Limits(), "as a folder"),
    "a file where the proof lies": (lambda site: more(site, "proof"), Limits(), "as a folder"),
    "a name without end": (lambda site: more(site, "m" * 201), Limits(), "names no file"),
    "a name longer than disks hold": (lambda site: more(site, "m" * 300), Limits(), "names no file"),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_channel_that_means_harm_is_refused_and_the_copy_stays(site: Site, copy: Path, how: str) -> None:
    act, limits, why = HOSTILE[how]
    before = contents(copy)
    act(site)
    with Mirror(copy, limits=limits) as mirror, pytest.raises(Refused, match=why):
        mirror.update(Folder(site.folder))
    assert contents(copy) == before
    verify(copy, site.key.public)


def test_what_is_already_there_counts_too(site: Site, copy: Path) -> None:
    octets = sum(len(each) for name, each in contents(copy).items() if not name.startswith(proof.MANIFEST))
    more(site, "more", octets=bytes(1000))
    with Mirror(copy, limits=Limits(octets=octets + 500)) as mirror, pytest.raises(Refused, match="--total"):
        mirror.update(Folder(site.folder))
    with Mirror(copy, limits=Limits(octets=octets + 20_000)) as mirror:
        mirror.update(Folder(site.folder))
    assert contents(copy) == contents(site.folder)


def test_states_that_are_refused_one_after_the_other_fill_no_disk(site: Site, copy: Path) -> None:
    octets = sum(len(each) for each in contents(copy).values())
    most, piled = octets + 300_000, 0
    for at in range(12):
        more(site, f"more/{at}", octets=bytes([at]) * 100_000)
        name(site, f"more/x{at}", "0" * 64)
        later(site, lambda manifest: replace(manifest, files=manifest.files + 1))
        with Mirror(copy, limits=Limits(octets=most)) as mirror, pytest.raises(Refused):
            mirror.update(Folder(site.folder))
        piled = max(piled, sum(file.stat().st_size for file in (copy / INCOMING).rglob("*")))
    assert 100_000 <= piled <= 2 * most
    verify(copy, site.key.public)


def test_a_disk_that_is_full_is_told_and_the_copy_stays(
    site: Site, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(copy)
    more(site, "more", octets=bytes(100_000))
    usage = shutil.disk_usage(copy)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1 << 20))
        with Mirror(copy) as mirror, pytest.raises(NoRoom, match="1 MiB left"):
            mirror.update(Folder(site.folder))
    assert contents(copy) == before

    class Full(Folder):
        def pieces(self, path: str, most: int) -> Iterator[bytes]:
            if path == "more":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().pieces(path, most)

    with Mirror(copy) as mirror, pytest.raises(NoRoom, match="full"):
        mirror.update(Full(site.folder))
    assert contents(copy) == before
    with Mirror(copy) as mirror:
        mirror.update(Folder(site.folder))
    assert contents(copy) == contents(site.folder)


def test_files_of_one_content_are_there_wherever_they_are_named(site: Site, copy: Path) -> None:
    more(site, "more/1", "more/2", "more/3")
    with Mirror(copy) as mirror:
        assert mirror.update(Folder(site.folder)).fetched >= 1
    assert contents(copy) == contents(site.folder)
    verify(copy)


def test_what_is_not_wanted_goes_first_and_files_are_moved_rather_than_copied(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "new" / INCOMING / "00" / ("0" * 64)
    left.parent.mkdir(parents=True)
    left.write_bytes(bytes(1000))
    copied: list[Path] = []
    real = shutil.copyfile

    def counted(source: Path, target: Path) -> Path:
        copied.append(target)
        return real(source, target)

    monkeypatch.setattr(shutil, "copyfile", counted)

    class Watched(Folder):
        def pieces(self, path: str, most: int) -> Iterator[bytes]:
            assert path.startswith("proof/") or not left.exists()
            return super().pieces(path, most)

    with Mirror(tmp_path / "new") as mirror:
        fetched = mirror.update(Watched(site.folder)).fetched
    files = contents(tmp_path / "new")
    assert files == contents(site.folder)
    assert fetched > 20
    assert len(copied) <= 2 * (len(files) - len(set(files.values()))) + fetched // 8


def test_what_never_answers_is_no_file(site: Site, copy: Path) -> None:
    (site.folder / LIST).unlink()
    os.mkfifo(site.folder / LIST)
    later(site)
    with Mirror(copy.with_name("new")) as mirror, pytest.raises(SourceError, match="no plain file"):
        mirror.update(Folder(site.folder))
    with pytest.raises(Refused):
        verify(site.folder)


class Harm(socketserver.StreamRequestHandler):
    """A web server that means harm, in the way its path says."""

    def handle(self) -> None:
        path = self.rfile.readline().split()[1].decode().strip("/")
        while self.rfile.readline().strip():
            pass
        with contextlib.suppress(OSError):
            getattr(self, path)()

    def endless(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            self.wfile.write(b"10000\r\n" + bytes(65536) + b"\r\n")

    def announced(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        self.drip(b"x")

    def packed(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\0")

    def body(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        self.drip(b"x")

    def header(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        self.drip(b"x")

    def status(self) -> None:
        self.drip(b"H")

    def patience(self) -> None:
        self.drip(b"HTTP/1.1 100 Continue\r\n\r\n")

    def silence(self) -> None:
        self.rfile.read()

    def drip(self, octets: bytes) -> None:
        while True:
            self.wfile.write(octets)
            time.sleep(0.02)


@pytest.fixture(scope="module")
def harm() -> Iterator[str]:
    with serving(Harm) as address:
        yield address


@pytest.mark.parametrize("path", ["body", "header", "status", "patience", "silence"])
def test_a_server_that_holds_us_up_is_left_in_time(harm: str, path: str) -> None:
    source, began = Web(harm, seconds=0.5), time.monotonic()
    with pytest.raises(SourceError, match="--within"):
        list(source.pieces(path, 1000))
    assert time.monotonic() - began < 10
    with pytest.raises(SourceError, match="--within"):
        list(source.pieces(path, 1000))
    source.close()


@pytest.mark.parametrize("path", ["endless", "announced"])
def test_a_file_without_end_is_cut_off(harm: str, path: str) -> None:
    source = Web(harm)
    with pytest.raises(SourceTooLarge):
        deque(source.pieces(path, 1 << 20), maxlen=0)
    source.close()


def test_what_is_packed_is_not_unpacked(harm: str) -> None:
    source = Web(harm)
    with pytest.raises(SourceError, match="packed"):
        list(source.pieces("packed", 1000))
    source.close()
