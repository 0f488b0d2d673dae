"""Damaged and hostile exports: refused with the line where they break, and nothing half-done."""

import json
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from angarium.channel.intake.refusal import Refused
from angarium.channel.intake.source import ALLOWANCE
from tests.channel.exports.make import HERE, exported, group
from tests.channel.intake.conftest import Room

Chat = Callable[..., Path]


def refused(room: Room, path: Path, match: str = "") -> None:
    before, files = room.posts(), room.files()
    with pytest.raises(Refused, match=match or None):
        room.take(path)
    assert room.posts() == before
    assert room.files() == files


def test_an_export_that_is_cut_short_is_refused_wherever(room: Room, sample: Path) -> None:
    octets = (sample / "result.json").read_bytes()
    rounds = random.Random(7)
    for end in [*(rounds.randrange(len(octets.rstrip())) for _ in range(40)), len(octets.rstrip()) - 1]:
        (sample / "result.json").write_bytes(octets[:end])
        refused(room, sample, r"line \d+, column \d+")


def test_the_line_is_the_one_that_breaks(room: Room, sample: Path) -> None:
    lines = (sample / "result.json").read_text("utf-8").split("\n")
    at = next(number for number, line in enumerate(lines) if '"Corrected"' in line and "text" in line)
    lines[at] = lines[at].replace('"Corrected"', 'Corrected"')
    (sample / "result.json").write_text("\n".join(lines), "utf-8")
    refused(room, sample, rf"result.json, line {at + 1}, column")


def test_damage_at_any_octet_is_refused_or_taken_as_it_says(room: Room, tmp_path: Path) -> None:
    """The standard library is the judge: what it takes for no JSON is refused, and what is taken is what it reads."""
    octets, rounds = exported(group()).encode(), random.Random(11)
    (tmp_path / "x").mkdir()
    taken = 0
    for _ in range(300):
        damaged = bytearray(octets)
        at = rounds.randrange(len(octets))
        if rounds.random() < 0.5:
            damaged[at] = rounds.randrange(256)
        else:
            del damaged[at : at + rounds.randrange(1, 40)]
        (tmp_path / "x" / "result.json").write_bytes(damaged)
        before = room.posts()
        try:
            room.take(tmp_path / "x")
        except Refused:
            assert room.posts() == before
            continue
        taken += 1
        json.loads(damaged)
    assert 10 < taken < 290


def test_damage_at_any_octet_of_html_is_refused_or_taken(room: Room, sample: Path) -> None:
    octets, rounds = (sample / "messages.html").read_bytes(), random.Random(13)
    for name in ("messages2.html", "messages3.html"):
        (sample / name).unlink()
    for _ in range(100):
        end = rounds.randrange(len(octets.rstrip()))
        (sample / "messages.html").write_bytes(octets[:end])
        refused(room, sample / "messages.html", r"messages.html, line \d+, column \d+|no export")
    for _ in range(100):
        damaged = bytearray(octets)
        damaged[rounds.randrange(len(octets))] = rounds.randrange(256)
        (sample / "messages.html").write_bytes(damaged)
        before = room.posts()
        try:
            room.take(sample / "messages.html", agreed=True)
        except Refused:
            assert room.posts() == before


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "/etc/passwd",
        "photos/../../secret",
        "..\\secret",
        "C:/secret",
        "photos//x",
        "./x",
        "a\0b",
        "photos/..",
    ],
)
def test_paths_that_leave_the_export(room: Room, chat: Chat, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("x")
    refused(room, chat({"text": "first"}, {"file": path, "text": "x"}), "line .* outside itself")
    refused(room, chat({"photo": path}), "outside itself")


def test_links_and_what_is_no_file(room: Room, chat: Chat, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    path = chat({"file": "link"})
    (path / "link").symlink_to(tmp_path / "secret")
    refused(room, path, "symbolic link")
    (path / "link").unlink()
    os.mkfifo(path / "link")
    refused(room, path, "no plain file")
    (path / "link").unlink()
    (path / "link").mkdir()
    refused(room, path, "no plain file")
    path = chat({"file": "folder/secret"})
    (path / "folder").symlink_to(tmp_path)
    refused(room, path, "symbolic link")


def test_what_was_kept_already_is_removed_again(room: Room, sample: Path) -> None:
    text = (sample / "result.json").read_text("utf-8")
    (sample / "result.json").write_text(text[: text.index('"id": 40')], "utf-8")
    refused(room, sample)
    assert room.files() == set()


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"id": "abc"}, "no message"),
        ({"id": 1.5}, "no message"),
        ({"id": 1 << 60}, "no message"),
        ({"id": None}, "no message"),
        ({"id": 1}, "was there before"),
        ({"date_unixtime": "4102444800"}, "2100-01-01.*clock"),
        ({"date_unixtime": "-1"}, "before 1970"),
        ({"date_unixtime": str(1 << 52)}, "yet to come"),
        ({"date_unixtime": None}, "no date"),
        ({"date_unixtime": None, "date": "yesterday"}, "is no date"),
        ({"type": "other"}, "no kind of message"),
        ({"text": 5}, "no message"),
        ({"text": [[["x"]]]}, "no message"),
        ({"poll": "x"}, "no message"),
    ],
)
def test_messages_that_cannot_be(room: Room, chat: Chat, message: dict[str, object], why: str) -> None:
    refused(room, chat({"text": "first"}, {"text": "x"} | message), rf"line \d+, column \d+: .*{why}")


def test_what_is_too_deep_or_too_long(room: Room, chat: Chat) -> None:
    path = chat({"text": "MARK"}) / "result.json"
    text = path.read_text()
    path.write_text(text.replace('"MARK"', "[" * 5000 + "]" * 5000))
    refused(room, path, "within each other")
    path.write_text(text.replace('"MARK"', '"' + "x" * (9 << 20) + '"'))
    refused(room, path, "a piece of more than")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"messages": []}', '{"name": "x", "type": "y", "id": "z", "messages": []}']
)
def test_what_is_no_export(room: Room, tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_text(text)
    refused(room, tmp_path, "line 1, column")


def test_a_folder_without_an_export(room: Room, tmp_path: Path) -> None:
    refused(room, tmp_path, "neither result.json nor messages.html")
    refused(room, tmp_path / "nowhere", "there is no")


def test_a_large_file_stays_behind(room: Room, sample: Path) -> None:
    assert room.take(sample, most=300).left.large > 3
    assert all((room.media.path(digest)).stat().st_size <= 450 for digest in room.files())


def zipped(folder: Path, into: Path, inner: str = "Export/") -> Path:
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as file:
        for path in folder.rglob("*"):
            if path.is_file():
                file.write(path, inner + str(path.relative_to(folder)))
    return into


def test_a_zip_is_the_same_as_its_folder(room: Room, tmp_path: Path) -> None:
    path = zipped(HERE / "telegram", tmp_path / "export.zip")
    assert room.take(path).new == 33
    assert room.take(HERE / "telegram").same == 33


def test_a_damaged_zip(room: Room, tmp_path: Path) -> None:
    path = zipped(HERE / "telegram", tmp_path / "export.zip")
    octets = bytearray(path.read_bytes())
    at = octets.index(b"result.json") + 200
    octets[at : at + 50] = bytes(50)
    path.write_bytes(octets)
    refused(room, path, "cannot be unpacked|line")


def test_a_zip_that_unfolds_to_too_much(room: Room, chat: Chat, tmp_path: Path) -> None:
    path = chat({"file": "bomb"}, {"text": "x"})
    with (path / "bomb").open("wb") as file:
        file.truncate(ALLOWANCE * 2)
    refused(room, zipped(path, tmp_path / "bomb.zip", ""), "trap")
