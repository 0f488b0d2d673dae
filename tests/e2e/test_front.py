"""The real core reaches a relay through fronts after the direct way was shut, without anybody doing anything.

What happens stands in `bench/shut.py`. Where packets are swallowed the system gives a connection up here after three
seconds; on a phone the app does so after a minute, which `python -m bench.shut swallowed` waits for.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from angarium.lab.censor.enclosure import missing

ROOT = Path(__file__).parents[2]
LACKING = missing()

pytestmark = [
    pytest.mark.skipif(LACKING is not None, reason=f"this machine lacks {LACKING}"),
    pytest.mark.timeout(150),
]


async def shut(how: str, texts: int) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.shut", how, "--texts", str(texts), "--asked", "1", "--json"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    figures: dict[str, Any] = json.loads(out)
    assert process.returncode == 0, figures
    return figures


async def test_the_published_address_is_shut_and_a_hundred_texts_arrive() -> None:
    figures = await shut("refused", 100)
    assert (figures["texts"], figures["arrived"], figures["twice"]) == (100, 100, 0)
    assert figures["told"] == "north", "which group told of its front"


async def test_where_packets_to_it_are_swallowed_texts_arrive_later() -> None:
    figures = await shut("swallowed", 20)
    assert (figures["texts"], figures["arrived"], figures["twice"]) == (20, 20, 0)
