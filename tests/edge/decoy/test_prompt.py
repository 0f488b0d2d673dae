"""What is answered at once, the first time and from memory, and that it is what is true now."""

import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from angarium.edge.decoy import files
from angarium.edge.decoy.bare import bare
from angarium.edge.decoy.folder import Folder
from angarium.edge.decoy.moved import moved
from angarium.edge.decoy.prompt import Decoy, Prompt, prompt
from angarium.edge.decoy.request import Head
from angarium.edge.pages.exchange import Request
from angarium.reach.transport import Connection
from tests.edge.decoy.probes import FILES, probes

CHANGING = re.compile(rb"(Date: )[^\r]*|0{10,}[0-9]+")
"""The date, and the numbers of what comes in several parts."""


async def nobody(request: Request) -> bool:
    raise AssertionError


async def nowhere(connection: Connection, said: bytes) -> bytes | None:
    raise AssertionError


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files have been as they are for long: time cannot be set back for it."""
    monkeypatch.setattr(files, "FINE_SECONDS", -1.0)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def decoy(site: Path) -> Decoy:
    def strange(head: Head) -> bool:
        return not head.target.startswith("/secret")

    return Decoy(Folder(site, "site.example", lambda: "").answer, nobody, nowhere, 5, strange=strange)


def get(path: str, *lines: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: site.example", *lines, "", ""]).encode()


def heard(decoy: Decoy, said: bytes, *, plain: bool = False) -> bytes:
    found = prompt(decoy, said, plain=plain)
    assert found is not None
    return CHANGING.sub(rb"\1", found.octets)


def alike(found: Prompt | None) -> Prompt | None:
    return found and replace(found, octets=CHANGING.sub(rb"\1", found.octets), lasts=None)


@pytest.mark.parametrize("plain", [False, True])
def test_every_probe_hears_the_same_from_memory(decoy: Decoy, site: Path, plain: bool) -> None:
    answers: tuple[Any, ...] = (decoy.answer, bare, moved("site.example", lambda: ":8443"))
    remembered = 0
    for answer in answers:
        one = Decoy(answer, nobody, nowhere, 5, strange=decoy.strange)
        for said in probes():
            first = prompt(one, said, plain=plain)
            remembered += (one.recent_plain if plain else one.recent).find(said) is not None
            again = prompt(one, said, plain=plain)
            assert alike(again) == alike(first), said
    assert remembered > len(probes())


def test_what_has_changed_is_told_as_it_is(decoy: Decoy, site: Path) -> None:
    page = site / "short.html"
    assert heard(decoy, get("/short.html")).endswith(b"hi\n")
    page.write_bytes(b"ho\n")
    assert heard(decoy, get("/short.html")).endswith(b"ho\n")
    page.unlink()
    assert heard(decoy, get("/short.html")).startswith(b"HTTP/1.1 404 ")
    page.mkdir()
    assert heard(decoy, get("/short.html")).startswith(b"HTTP/1.1 301 ")
    page.rmdir()
    page.write_bytes(b"hey\n")
    assert heard(decoy, get("/short.html")).endswith(b"hey\n")


def test_a_folder_that_has_become_a_link_out_is_not_gone_into(decoy: Decoy, site: Path, tmp_path: Path) -> None:
    said = get("/dir/deep/file.svg")
    assert heard(decoy, said).endswith(b"<svg/>")
    (site / "dir" / "deep").rename(site / "elsewhere")
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (site / "elsewhere" / "file.svg").rename(outside / "file.svg")  # the very file
    os.symlink(outside, site / "dir" / "deep")
    assert heard(decoy, said).startswith(b"HTTP/1.1 404 ")


def test_what_changed_just_now_is_looked_at_each_time(
    decoy: Decoy, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FINE_SECONDS", 1000.0)
    said = get("/short.html")
    heard(decoy, said)
    assert decoy.recent.find(said) is None
    monkeypatch.setattr(files, "FINE_SECONDS", -1.0)
    heard(decoy, said)
    assert decoy.recent.find(said) is not None


def test_the_date_is_that_of_now(decoy: Decoy, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    for later in (0, 3600):
        monkeypatch.setattr(time, "time", lambda then=now + later: then)
        found = prompt(decoy, get("/short.html"), plain=False)
        assert found is not None
        assert time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime(now + later)).encode() in found.octets


def test_in_tls_and_in_clear_are_two_things(decoy: Decoy) -> None:
    assert heard(decoy, get("/short.html")).startswith(b"HTTP/1.1 200 ")
    assert b"The plain HTTP request was sent to HTTPS port" in heard(decoy, get("/short.html"), plain=True)
    assert heard(decoy, get("/short.html")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\na=b",
        b"GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n",
        get("/secret/page"),
    ],
)
def test_what_takes_a_session_is_left_to_one(decoy: Decoy, said: bytes) -> None:
    for _ in range(2):
        assert prompt(decoy, said, plain=False) is None


def test_what_comes_behind_is_given_back_and_not_remembered(decoy: Decoy) -> None:
    said = get("/short.html") + b"GET /a"
    found = prompt(decoy, said, plain=False)
    assert found is not None
    assert (found.keep, found.behind) == (True, b"GET /a")
    assert decoy.recent.find(said) is None


def test_one_who_does_not_stay_is_heard_out_where_he_has_said_more(decoy: Decoy) -> None:
    said = get("/short.html", "Connection: close")
    alone, more = prompt(decoy, said, plain=False), prompt(decoy, said + b"x", plain=False)
    assert alone is not None
    assert more is not None
    assert (alone.keep, alone.more, more.keep, more.more) == (False, False, False, True)
