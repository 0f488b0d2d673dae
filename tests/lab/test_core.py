"""The JSON-RPC client, against a program that answers as the core does, and as it should not."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from angarium.lab import core as module
from angarium.lab.core import CoreEnded, CoreError, CoreMissing, Event, binary, core

FakeCore = Callable[[str], Path]

ECHO = """\
if method == "echo":
    answer(number, result=params)
"""


async def test_a_core_describes_itself(fake_core: FakeCore, tmp_path: Path) -> None:
    async with core(fake_core(ECHO), tmp_path / "home") as running:
        assert running.version == "9.9.9"
        assert running.methods == {"echo", "get_next_event"}


async def test_a_call_returns_its_own_answer_whatever_the_order(fake_core: FakeCore, tmp_path: Path) -> None:
    late_first = """\
if method == "echo":
    held = globals().setdefault("held", [])
    held.append((number, params))
    if len(held) == 3:
        for number, params in reversed(held):
            answer(number, result=params)
"""
    async with core(fake_core(late_first), tmp_path / "home") as running:
        answers = await asyncio.gather(*(running.call("echo", number, "ü\n") for number in range(3)))
    assert answers == [[0, "ü\n"], [1, "ü\n"], [2, "ü\n"]]


async def test_an_error_is_raised_with_the_words_of_the_core(fake_core: FakeCore, tmp_path: Path) -> None:
    refuse = 'if method == "echo":\n    answer(number, error={"code": -1, "message": "cannot log in"})'
    async with core(fake_core(refuse), tmp_path / "home") as running:
        with pytest.raises(CoreError, match=r"^cannot log in$"):
            await running.call("echo")


async def test_the_home_is_told_to_the_core(fake_core: FakeCore, tmp_path: Path) -> None:
    tell = 'if method == "echo":\n    answer(number, result=os.environ["DC_ACCOUNTS_PATH"])'
    async with core(fake_core(tell), tmp_path / "home") as running:
        assert await running.call("echo") == str(tmp_path / "home")


async def test_events_reach_their_profile_in_order(fake_core: FakeCore, tmp_path: Path) -> None:
    count = """\
if method == "get_next_event":
    turn = globals()["turn"] = globals().get("turn", 0) + 1
    if turn <= 6:
        answer(number, result={"contextId": 1 + turn % 2, "event": {"kind": "Tick", "turn": turn}})
elif method == "echo":
    answer(number, result=None)
"""
    seen: list[Event | None] = []
    async with core(fake_core(count), tmp_path / "home") as running:
        enough = asyncio.Event()

        def look(event: Event | None) -> None:
            seen.append(event)
            if len(seen) == 3:
                enough.set()

        with running.listening(1, look):
            await enough.wait()
        assert [event and event.fields["turn"] for event in seen] == [2, 4, 6]
    assert len(seen) == 3, "who no longer listens is told nothing"


@pytest.mark.parametrize("end", ["sys.exit(3)", 'print("what is this", flush=True)'], ids=["dies", "talks nonsense"])
async def test_whoever_waits_is_told_when_the_core_is_gone(fake_core: FakeCore, tmp_path: Path, end: str) -> None:
    told: list[Event | None] = []
    async with core(fake_core(f'if method == "echo":\n    {end}'), tmp_path / "home") as running:
        with running.listening(1, told.append):
            with pytest.raises(CoreEnded):
                await running.call("echo")
            with pytest.raises(CoreEnded):
                await running.call("echo")
    assert told == [None]


async def test_a_cancelled_call_does_not_disturb_the_next(fake_core: FakeCore, tmp_path: Path) -> None:
    hold = """\
if method == "echo" and params == ["held"]:
    held = number
elif method == "echo":
    answer(held, result="late")
    answer(number, result="now")
"""
    async with core(fake_core(hold), tmp_path / "home") as running:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(running.call("echo", "held"), 0.01)
        assert await running.call("echo", "next") == "now"


async def test_a_core_that_will_not_end_is_ended(
    fake_core: FakeCore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FAREWELL", 0.05)
    stubborn = 'import signal\nif method == "echo":\n    answer(number, result=1)\n    signal.pause()'
    async with core(fake_core(stubborn), tmp_path / "home") as running:
        await running.call("echo")
        process = running._process
    assert process.returncode == -9


async def test_a_program_that_is_no_core_is_refused(program: Callable[[str, str], Path], tmp_path: Path) -> None:
    other = program("other", "import sys\nsys.exit('unknown option')")
    with pytest.raises(CoreMissing, match="does not run on this machine: unknown option"):
        async with core(other, tmp_path / "home"):
            pass


async def test_a_program_for_another_machine_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"\x7fELF of some other machine")
    foreign.chmod(0o755)
    with pytest.raises(CoreMissing, match="does not run on this machine"):
        async with core(foreign, tmp_path / "home"):
            pass


def test_the_program_that_was_given_is_taken(program: Callable[[str, str], Path]) -> None:
    given = program("given", "")
    assert binary(given) == given


@pytest.mark.parametrize("mode", [None, 0o644], ids=["missing", "not executable"])
def test_what_was_given_must_be_a_program(tmp_path: Path, mode: int | None) -> None:
    path = tmp_path / "program"
    if mode is not None:
        path.touch(mode)
    with pytest.raises(CoreMissing, match="is not a program"):
        binary(path)


def test_the_program_of_the_package_is_found_before_the_one_on_the_path(
    program: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = program("deltachat-rpc-server", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    assert binary() == on_path
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    inside = package / "deltachat-rpc-server"
    inside.touch()
    spec = type("Spec", (), {"origin": str(package / "__init__.py")})()
    monkeypatch.setattr(module, "find_spec", lambda _: spec)
    assert binary() == inside


def test_without_a_core_it_is_said_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CoreMissing, match=r"pip install 'angarium\[check\]'"):
        binary()


async def test_the_real_core_answers(tmp_path: Path) -> None:
    async with core(binary(), tmp_path / "home") as running:
        number = await running.call("add_account")
        assert await running.call("is_configured", number) is False
        assert {"get_next_event", "secure_join", "add_transport_from_qr"} <= running.methods
        with pytest.raises(CoreError):
            await running.call("add_transport_from_qr", number, "nonsense")
