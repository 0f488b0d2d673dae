"""Whether a dead relay slows a live one, measured in short: everything gets through; the figures are not judged."""

import asyncio
import json
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench" / "backlog.py"


async def test_everything_gets_through_and_the_backlog_stays(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, BENCH, "--live", "40", "--dead", "100", "--turns", "2"),
        *("--directory", str(tmp_path), "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    found = json.loads(out)
    assert (found["live"], found["dead"], found["turns"]) == (40, 100, 2)
    assert found["without_per_second"] > 0
    assert found["with_per_second"] > 0
    assert len(found["slower_each_turn"]) == 2
    assert process.returncode == (found["slower"] > 0.1)
