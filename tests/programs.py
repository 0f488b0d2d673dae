"""Programs that do what a test tells them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MakeProgram = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path) -> MakeProgram:
    """Makes a program of the given name and Python code, run with this Python."""

    def make(name: str, code: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!{sys.executable}\n{code}")
        path.chmod(0o755)
        return path

    return make
