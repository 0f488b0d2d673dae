"""The newsroom's guide says the same in both languages. What it says is typed in tests/e2e/test_newsroom.py."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_persian_guide_has_the_commands_of_the_english_one() -> None:
    english, persian = (ROOT / "docs" / "newsroom.md").read_text().split("## راهنمای تحریریه")
    typed = [{line for block in FENCE.findall(text) for line in block.splitlines()} for text in (english, persian)]
    assert len(typed[1]) > 3
    assert {command.replace("کاروان", "The Caravan") for command in typed[1]} <= typed[0]
