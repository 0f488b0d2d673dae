"""The model of a power cut: what was flushed stays, what was not may go, sector by sector."""

import random

from angarium.lab.power import SECTOR, Disk, events

ROOT = "/data"
PID = "12   "


def hexed(data: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in data)


def file(number: int, path: str) -> str:
    return f"{number}<{hexed(path.encode())}>"


def opened(path: str, number: int = 5, flags: str = "O_RDWR|O_CREAT") -> str:
    return f'{PID}openat({file(0, "/")}, "{hexed(path.encode())}", {flags}, 0600) = {file(number, path)}'


def wrote(path: str, data: bytes, offset: int) -> str:
    return f'{PID}pwrite64({file(5, path)}, "{hexed(data)}", {len(data)}, {offset}) = {len(data)}'


def flushed(path: str) -> str:
    return f"{PID}fsync({file(5, path)}) = 0"


def after(lines: list[str], seed: int) -> dict[str, bytes]:
    disk = Disk(ROOT)
    for event in events(lines):
        disk.take(event)
    return disk.after_a_cut(random.Random(seed))


def outcomes(lines: list[str], path: str = "/data/a") -> set[bytes | None]:
    return {after(lines, seed).get(path) for seed in range(200)}


def test_what_was_flushed_is_there() -> None:
    lines = [opened("/data/a"), wrote("/data/a", b"hello", 0), flushed("/data/a"), flushed("/data")]
    assert outcomes(lines) == {b"hello"}


def test_a_name_may_be_lost_until_its_directory_is_flushed() -> None:
    lines = [opened("/data/a"), wrote("/data/a", b"hello", 0), flushed("/data/a")]
    assert outcomes(lines) == {b"hello", None}


def test_what_was_not_flushed_may_be_there_or_not() -> None:
    lines = [opened("/data/a"), wrote("/data/a", b"old", 0), flushed("/data/a"), flushed("/data")]
    assert outcomes([*lines, wrote("/data/a", b"new", 0)]) == {b"old", b"new"}


def test_sectors_come_in_any_order() -> None:
    old, new = bytes(2 * SECTOR), b"x" * 2 * SECTOR
    lines = [opened("/data/a"), wrote("/data/a", old, 0), flushed("/data/a"), flushed("/data")]
    assert outcomes([*lines, wrote("/data/a", new, 0)]) == {
        old,
        new,
        old[:SECTOR] + new[SECTOR:],
        new[:SECTOR] + old[SECTOR:],
    }


def test_a_flush_covers_what_was_written_before_it_began() -> None:
    lines = [
        *(opened("/data/a"), flushed("/data"), wrote("/data/a", b"first", 0)),
        f"{PID}fsync({file(5, '/data/a')} <unfinished ...>",
        wrote("/data/a", b"other", 0).replace("12", "13", 1),
        f"{PID}<... fsync resumed>) = 0",
    ]
    assert outcomes(lines) == {b"first", b"other"}


def test_a_flush_that_failed_covers_nothing() -> None:
    lines = [opened("/data/a"), flushed("/data"), wrote("/data/a", b"hello", 0)]
    failed = flushed("/data/a").replace("= 0", "= -1 EIO (Input/output error)")
    assert b"" in outcomes([*lines, failed])


def test_sizes_may_last_or_not() -> None:
    lines = [opened("/data/a"), wrote("/data/a", b"hello", 0), flushed("/data/a"), flushed("/data")]
    assert outcomes([*lines, f"{PID}ftruncate({file(5, '/data/a')}, 2) = 0"]) == {b"hello", b"he"}


def test_a_file_that_takes_the_place_of_another() -> None:
    lines = [opened("/data/a"), wrote("/data/a", b"old", 0), flushed("/data/a"), flushed("/data")]
    lines += [opened("/data/b"), wrote("/data/b", b"new", 0), flushed("/data/b")]
    lines += [f'{PID}rename("{hexed(b"/data/b")}", "{hexed(b"/data/a")}") = 0']
    assert outcomes(lines) == {b"old", b"new"}
    assert outcomes([*lines, flushed("/data")]) == {b"new"}
    assert outcomes([*lines, flushed("/data")], "/data/b") == {None}


def test_a_directory_takes_what_is_in_it_with_it() -> None:
    made = f'{PID}mkdir("{hexed(b"/data/tls")}", 0700) = 0'
    lines = [made, opened("/data/tls/a"), wrote("/data/tls/a", b"hello", 0)]
    lines += [flushed("/data/tls/a"), flushed("/data/tls")]
    assert outcomes(lines, "/data/tls/a") == {b"hello", None}
    assert outcomes([*lines, flushed("/data")], "/data/tls/a") == {b"hello"}


def test_writes_without_an_offset_follow_each_other() -> None:
    write = [f'{PID}write({file(5, "/data/a")}, "{hexed(data)}", 2) = 2' for data in (b"he", b"y!")]
    assert outcomes([opened("/data/a"), *write, flushed("/data/a"), flushed("/data")]) == {b"hey!"}


def test_other_directories_are_none_of_its_business() -> None:
    assert after([opened("/elsewhere/a"), wrote("/elsewhere/a", b"x", 0), flushed("/elsewhere/a")], 0) == {}
