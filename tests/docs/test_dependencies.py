"""What the code imports is declared, and what is declared has its reason in docs/dependencies.md."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAMES = {"argon2": "argon2-cffi", "dns": "dnspython", "PIL": "pillow"}


def declared(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=;\[ ]", requirement)[0].lower() for requirement in requirements}


def imported() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return {NAMES.get(name, name) for name in found - sys.stdlib_module_names - {"angarium"}}


def test_what_is_imported_is_declared_and_the_reverse() -> None:
    extras = PROJECT["optional-dependencies"]
    optional = declared(extras["speed"] + extras["channel"])
    assert imported() - optional == declared(PROJECT["dependencies"])


def test_every_dependency_has_its_reason() -> None:
    reasons = (ROOT / "docs" / "dependencies.md").read_text().lower()
    extras = [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
    for name in declared(PROJECT["dependencies"] + extras) - {"angarium"}:
        assert re.search(rf"[|, ]{re.escape(name)}[,| ]", reasons), f"{name} is not explained"
