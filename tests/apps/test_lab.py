"""The command as a keeper types it: what it refuses, what it prints, what its exit status says."""

import json
from pathlib import Path

import pytest

from tests.apps.command import angarium


@pytest.fixture
def known(tmp_path: Path) -> Path:
    path = tmp_path / "known.json"
    path.write_text(json.dumps(["someone-42@relay.example", {"kind": "password", "value": "tr0ub4dor&3/x"}]))
    return path


async def test_any_directory_may_be_searched(tmp_path: Path, known: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "log").write_text("nobody to see here")
    status, said, _ = await angarium("lab", "seizure", "--dir", str(taken), "--known", str(known), "--json")
    assert (status, json.loads(said)["found"]) == (0, 0)
    (taken / "log").write_text("mail for someone-42@relay.example")
    status, said, _ = await angarium("lab", "seizure", "--dir", str(taken), "--known", str(known), "--json")
    assert (status, json.loads(said)["kinds"], json.loads(said)["files"]) == (1, {"identifier": 1}, {"log": 1})
    status, said, _ = await angarium("lab", "seizure", "--dir", str(taken), "--known", str(known))
    assert status == 1
    assert "someone-42" not in said


async def test_a_small_control_run_shows_that_the_examiner_finds_what_is_there() -> None:
    status, said, _ = await angarium(
        *("lab", "seizure", "--control", "--accounts", "8", "--mails", "40", "--seed", "2", "--json")
    )
    told = json.loads(said)
    (only,) = told["rounds"]
    assert only["readable_found"] == only["readable"] > 0
    assert status == (0 if told["ok"] else 1)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--dir", "/"), "--dir and --known go together"),
        (("--accounts", "2"), "at least 1 round"),
        (("--dir", "/not-there", "--known", "/not-there"), "is no directory"),
        (("--dir", "/usr/bin", "--known", "/not-there"), "cannot be used"),
    ],
)
async def test_what_cannot_be_measured_is_refused(words: tuple[str, ...], text: str) -> None:
    status, said, complained = await angarium("lab", "seizure", *words)
    assert (status, said) == (2, "")
    assert text in complained
