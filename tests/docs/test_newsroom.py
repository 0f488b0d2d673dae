"""The newsroom's guide says the same in both languages, and what it shows of files and errors is so.

What it has people type runs in tests/e2e/test_newsroom.py, its web server in tests/channel/test_form_browser.py.
"""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from angarium.apps import app
from bench.newsroom import ENGLISH, PERSIAN, commands

ROOT = Path(__file__).parents[2]
BLOCK = r"^```{}\n(.*?)^```$"


def blocks(kind: str, text: str) -> list[str]:
    return re.findall(BLOCK.format(kind), text, re.MULTILINE | re.DOTALL)


def test_the_persian_guide_has_the_commands_and_files_of_the_english_one() -> None:
    in_english = PERSIAN.replace("کاروان", "The Caravan").replace("--language fa", "--language en")
    assert commands(in_english) == commands(ENGLISH)
    for kind in ("ini", "nginx"):
        assert blocks(kind, PERSIAN) == blocks(kind, ENGLISH) != []
    assert PERSIAN.count("\n### ") == ENGLISH.count("\n## ")
    rows = [[line.count("|") for line in guide.splitlines() if line.startswith("|")] for guide in (ENGLISH, PERSIAN)]
    assert rows[0] == rows[1], "the tables are as long"


@pytest.mark.parametrize("passphrase", [False, True])
def test_the_service_is_one(tmp_path: Path, passphrase: bool) -> None:
    unit, instead = blocks("ini", ENGLISH)
    if passphrase:
        unit = re.sub(r"^ExecStart=.*\n", instead, unit, flags=re.MULTILINE)
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(unit)
    program, *words = shlex.split(parsed["Service"]["ExecStart"])
    assert program.endswith("/bin/angarium")
    app.parse_args(words, exit_on_error=False, print_error=False)
    if not (verify := shutil.which("systemd-analyze")):
        pytest.skip("needs systemd-analyze")
    (tmp_path / "channel.service").write_text(unit.replace(program, "/bin/true").replace("=newsroom", "=root"))
    done = subprocess.run([verify, "verify", tmp_path / "channel.service"], capture_output=True, text=True, check=False)
    assert "channel.service" not in done.stderr


@pytest.mark.parametrize("guide", [ENGLISH, PERSIAN])
def test_errors_are_quoted_as_they_are_said(guide: str) -> None:
    source = "".join(path.read_text() for path in (ROOT / "src" / "angarium").rglob("*.py"))
    quoted = re.findall(r"^\| `([^`]+)` \|", guide, re.MULTILINE)
    told = [each for each in quoted if re.match(r"[a-z…]", each) and each.split()[0] != "angarium"]
    assert len(told) > 5
    for error in told:
        for piece in error.split("…"):
            assert piece in source, error
