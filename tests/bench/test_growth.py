"""Whether more makes a delivery dearer, measured in short: all is there and all comes; no figure is judged."""

import asyncio
import json
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench" / "growth.py"


async def test_both_are_filled_and_every_message_is_fetched_and_gone(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, BENCH, "--small", "20", "--large", "60", "--waiting", "2", "--rounds", "2"),
        *("--messages", "40", "--directory", str(tmp_path), "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    found = json.loads(out)
    assert process.returncode == 0
    assert found["small"] == {"accounts": 20, "messages": 40}
    assert found["large"] == {"accounts": 60, "messages": 120}
    assert found["ms_small"][1] > 0
    assert found["ms_large"][1] > 0
    assert len(found["more"]) == 3
