"""The rooms rule: a room imports only itself and rooms later in the list; `wire` touches nothing outside itself.

The list is the law; that it is in alphabetical order is how people remember it, so `ls src/angarium` is the diagram.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOMS = ("apps", "channel", "courier", "edge", "lab", "mail", "reach", "store", "wire")
SOURCE = Path(__file__).parents[2] / "src" / "angarium"
FILES = sorted(SOURCE.rglob("*.py"))

# What would give `wire/` a clock, a socket, a disk, chance or a thread.
IMPURE = {
    *("asyncio", "ftplib", "glob", "http", "multiprocessing", "os", "pathlib", "queue", "random", "sched", "secrets"),
    *("select", "selectors", "shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess"),
    *("sys", "tempfile", "threading", "time", "urllib", "uuid"),
}
IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__"})


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module imported anywhere in a file, also under TYPE_CHECKING and inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only: they show the room"
            if node.module == "angarium":
                yield from (f"angarium.{alias.name}" for alias in node.names)
            elif node.module:
                yield node.module


def test_the_rooms_are_the_list() -> None:
    there = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert there <= set(ROOMS)
    assert list(ROOMS) == sorted(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_room_imports_only_later_rooms(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0]
    if room not in ROOMS:
        return  # the package's own __init__ and __main__
    for module in imports(ast.parse(path.read_text())):
        parts = module.split(".")
        if parts[0] == "angarium" and len(parts) > 1 and parts[1] in ROOMS:
            assert ROOMS.index(parts[1]) >= ROOMS.index(room), f"{name(path)} imports {module}: upwards"


@pytest.mark.parametrize("path", [path for path in FILES if "wire" in path.relative_to(SOURCE).parts], ids=name)
def test_wire_is_pure(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for module in imports(tree):
        assert module.split(".")[0] not in IMPURE, f"{name(path)} imports {module}"
        assert module != "datetime.now"
    for node in ast.walk(tree):
        assert not isinstance(node, (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)), (
            f"{name(path)}:{node.lineno} awaits"
        )
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in IMPURE_CALLS, f"{name(path)}:{node.lineno} calls {called}"
            assert not called.endswith((".now", ".today", ".utcnow")), f"{name(path)}:{node.lineno} reads a clock"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_opens_with_its_intent(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text()))
    assert doc, f"{name(path)} does not say what it is"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_file_is_named_after_nothing(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
