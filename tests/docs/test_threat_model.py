"""Every line of docs/threat-model.md that says what an adversary can or cannot do names what shows it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "threat-model.md").read_text()
CLAIM = re.compile(r"^\* (.+(?:\n  .+)*)", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
COMMAND = re.compile(r"`angarium lab \w+`")


def title(claim: str) -> str:
    return claim[:50]


@pytest.mark.parametrize("claim", CLAIM.findall(TEXT), ids=title)
def test_a_claim_names_what_shows_it(claim: str) -> None:
    assert TEST.search(claim) or COMMAND.search(claim)


@pytest.mark.parametrize(("file", "name"), sorted(set(TEST.findall(TEXT))))
def test_what_shows_it_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in functions


def test_there_are_claims_both_ways() -> None:
    assert TEXT.count("\nCannot:\n") >= 2
    assert TEXT.count("\nCan:\n") >= 3
    assert len(CLAIM.findall(TEXT)) > 12
