"""A core that is none: a program that speaks the core's JSON-RPC and does what a test tells it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

OPENING = """\
#!{python}
import json, os, sys

if "--version" in sys.argv:
    print("9.9.9")
    sys.exit()
if "--openrpc" in sys.argv:
    print(json.dumps({{"methods": [{{"name": "echo"}}, {{"name": "get_next_event"}}]}}))
    sys.exit()


def answer(number, **fields):
    print(json.dumps({{"jsonrpc": "2.0", "id": number, **fields}}), flush=True)


"""


@pytest.fixture
def fake_core(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a core out of what it does with each request: Python code that sees `number`, `method` and `params`."""

    def make(reaction: str) -> Path:
        path = tmp_path / "fake-core"
        body = "\n".join(f"    {line}" for line in reaction.splitlines())
        loop = "for line in sys.stdin:\n    request = json.loads(line)\n"
        loop += '    number, method, params = (request[key] for key in ("id", "method", "params"))\n'
        path.write_text(OPENING.format(python=sys.executable) + loop + body + "\n")
        path.chmod(0o755)
        return path

    return make
