"""The benchmarks run: a short one each, for their figures' names and not for their figures."""

import asyncio
import json
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"


async def test_latency() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, BENCH / "latency.py", "--texts", "20", "--rate", "40", "--runs", "1", "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    (run,) = json.loads(out)["runs"]
    assert (run["texts"], run["lost"], run["twice"]) == (20, 0, 0)
    assert 0 < run["answered_p50_ms"] < run["fetched_p50_ms"] <= run["fetched_p99_ms"]
    assert run["cpu_of_relay_ms"] > 0
