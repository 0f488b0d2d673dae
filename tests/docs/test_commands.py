"""Every command in the documents is one that exists, with options that exist.

What the commands do is tested elsewhere; here it is made sure that nobody is told to type what is not there.
"""

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from angarium.apps import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:angarium|make) [^`…]+)`")


def commands() -> list[tuple[str, str]]:
    found = []
    for document in DOCUMENTS:
        text = document.read_text()
        lines = [line for block in FENCE.findall(text) for line in block.splitlines()]
        lines += INLINE.findall(text)
        found += [(document.name, line.split("#")[0].strip()) for line in lines if line.split("#")[0].strip()]
    return sorted(set(found))


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize(("document", "command"), commands())
def test_a_command_in_a_document_can_be_typed(document: str, command: str) -> None:
    words = shlex.split(command)
    if words[0] in {"uvx", "pipx"}:
        words = words[1 + words[1:].index("angarium") :]
    program = Path(words[1] if words[0] == "." else words[0]).name
    if program == "make":
        assert words[1] in targets()
    elif program == "angarium":
        arguments = [word for word in words[1:] if word != "DIR" or "--data" in words]
        app.parse_args(arguments, exit_on_error=False, print_error=False)
    elif program.startswith("python"):
        assert importlib.util.find_spec(words[2]) if words[1] == "-m" else (ROOT / words[1]).exists()
    elif program == "pip":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert re.findall(r"\[(\w+)\]", words[-1])[0] in extras
    elif document == "newsroom.md" and program in {"cp", "activate"}:
        pass  # typed in tests/e2e/test_newsroom.py, and in bench/newsroom.py
    else:
        pytest.fail(f"{document}: nobody checks {program}")


def test_the_documents_have_commands() -> None:
    assert {document for document, _ in commands()} >= {"README.md", "keeper.md"}
