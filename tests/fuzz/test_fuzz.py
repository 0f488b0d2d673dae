"""The kept corpus passes every target, and a short look around finds nothing new. `fuzz.py` says how to look longer."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMES = sorted(path.name for path in (HERE / "corpus").iterdir())


@pytest.fixture(scope="module")
def targets() -> dict[str, Callable[[], Callable[[bytes], None]]]:
    spec = importlib.util.spec_from_file_location("targets", HERE / "targets.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, Callable[[], Callable[[bytes], None]]] = module.TARGETS
    return found


def test_every_target_has_a_corpus(targets: dict[str, object]) -> None:
    assert sorted(targets) == NAMES
    for name in NAMES:
        assert any((HERE / "corpus" / name).iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_corpus(name: str, targets: dict[str, Callable[[], Callable[[bytes], None]]]) -> None:
    run = targets[name]()
    for path in sorted((HERE / "corpus" / name).iterdir()):
        try:
            run(path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{name}/{path.name}") from error


@pytest.mark.parametrize("name", NAMES)
def test_a_short_look(name: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris is not to be had for this Python")
    found = tmp_path / "found"
    found.mkdir()
    done = subprocess.run(
        [
            *(sys.executable, str(HERE / "fuzz.py"), name, str(found), str(HERE / "corpus" / name)),
            *("-runs=500", "-max_total_time=1", "-seed=1", "-max_len=2048", f"-artifact_prefix={tmp_path}/"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    crashes = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert done.returncode == 0, f"{crashes}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert "DONE" in done.stderr
