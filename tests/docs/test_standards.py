"""Every RFC that the code cites stands in docs/standards.md with its status."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CITED = re.compile(r"\bRFC ?(\d{3,5})\b")
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| (done|part|read) \|", re.MULTILINE)


def test_every_cited_standard_is_listed_with_its_status() -> None:
    listed = {number for number, _ in ROW.findall((ROOT / "docs" / "standards.md").read_text())}
    cited = {
        number: path.relative_to(ROOT)
        for path in sorted((ROOT / "src").rglob("*.py"))
        for number in CITED.findall(path.read_text())
    }
    assert len(cited) > 20
    assert {number: path for number, path in cited.items() if number not in listed} == {}


def test_the_table_is_in_order_and_without_doubles() -> None:
    rows = [int(number) for number, _ in ROW.findall((ROOT / "docs" / "standards.md").read_text())]
    assert rows == sorted(set(rows))
