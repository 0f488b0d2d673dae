"""The firewall lines of the keeper's guide are such as nftables takes."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "keeper.md"


def test_nft_takes_them(tmp_path: Path) -> None:
    nft = shutil.which("nft", path=f"{os.environ['PATH']}:/usr/sbin")
    if nft is None or subprocess.run([nft, "list", "tables"], capture_output=True, check=False).returncode:
        pytest.skip("needs root and Debian's nftables")
    (lines,) = re.findall(r"^```\n(table inet .*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    file = tmp_path / "lines.nft"
    file.write_text(lines)
    assert subprocess.run([nft, "-c", "-f", file], capture_output=True, check=False, text=True).stderr == ""
    file.write_text(lines.replace("redirect to", "redirect"))
    assert subprocess.run([nft, "-c", "-f", file], capture_output=True, check=False).returncode
