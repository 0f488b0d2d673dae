"""The ten minutes: a command of the guide that fails is told. That they work is in tests/e2e/test_newsroom.py."""

from pathlib import Path

import pytest

from bench.newsroom import ENGLISH, PERSIAN, Failed, Typist, commands


def test_the_first_day_is_cut_out_of_the_guide_and_installed_only_where_that_is_asked(tmp_path: Path) -> None:
    editor = Typist(tmp_path / "one", {})
    assert [command.split()[2] for command in editor.first_day if "angarium" in command][:3] == [
        *("init", "invite", "import"),
    ]
    assert not any("pip" in command for command in editor.first_day)
    assert Typist(tmp_path / "two", {}, install=True).first_day + editor.later == commands(ENGLISH)
    assert len(commands(PERSIAN)) == len(commands(ENGLISH))


async def test_what_is_typed_is_what_a_shell_makes_of_it(tmp_path: Path) -> None:
    typist = Typist(tmp_path / "home", {"guide's": "house's"})
    (typist.home / "activate").write_text("word='in force'\n")
    assert await typist.type('echo ~/here "the guide\'s"') == f"{typist.home}/here the house's\n"
    await typist.type(". ~/activate")
    assert await typist.type('echo "$word"') == "in force\n"


async def test_what_fails_is_told(tmp_path: Path) -> None:
    typist = Typist(tmp_path / "home", {})
    with pytest.raises(Failed, match="channel invite: status 2"):
        await typist.type("angarium channel invite")
    with pytest.raises(Failed, match="it ended"):
        async with typist.running("echo no", "is up"):
            pass
    went = tmp_path / "home" / "went"
    await typist.cut_off(f"sh -c 'touch {went}; exec sleep 1000'", went.exists)
