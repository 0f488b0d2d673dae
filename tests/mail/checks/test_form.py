"""What cannot be read without doubt is no message."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.mail.checks.form import read
from angarium.wire.message import Malformed

MAILS = Path(__file__).parents[2] / "mails"
BAD = sorted((MAILS / "malformed").glob("*.eml"))
GOOD = sorted((MAILS / "encrypted").glob("*.eml")) + sorted((MAILS / "clear").glob("*.eml"))


def stem(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", BAD, ids=stem)
def test_malformed_mails(path: Path) -> None:
    with pytest.raises(Malformed):
        read(path.read_bytes())


def test_all_others_can_be_read() -> None:
    assert len(GOOD) > 50
    for path in GOOD:
        assert read(path.read_bytes()).first(b"from") == b"<alice1234@relay.example>"


@given(st.binary(max_size=60))
def test_only_malformed_escapes(noise: bytes) -> None:
    try:
        read(noise)
    except Malformed:
        return
    assert b"\0" not in noise
