"""Base64 that leaves no room between the lines."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire import base64_lines
from angarium.wire.base64_lines import NotBase64, decode_lines


def decode(text: bytes) -> bytes:
    return bytes(decode_lines(text, 0, len(text)))


@pytest.mark.parametrize("text", [b"", b"\r\n", b"aGVsbG8=", b"aGVs\r\nbG8=\r\n", b"aG\nVs\r\n\r\nbG8=", b"aGVsbA=="])
def test_lines_of_any_length(text: bytes) -> None:
    assert decode(text) == base64.b64decode(text)


BAD = [
    b"aGVsbG8",
    b"aGVs=",
    b"aGVs====",
    b"aGVs==",
    b"=",
    b"====",
    b"aGVsbA==aGVs",
    b"aGVsbA==\r\naGVsbA==",
    b"aGVs bG8=",
    b"aGVs\tbG8=",
    b"aGVs-bG8",
    b"aGVs\0bG8=",
    b"aGVsbG=8",
    "aGVsпривет".encode(),
]


@pytest.mark.parametrize("piece", [4, 8, 1 << 20])
@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_refused(text: bytes, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base64_lines, "PIECE", piece)
    with pytest.raises(NotBase64):
        decode(text)


def test_only_what_is_asked_for_is_read() -> None:
    assert decode_lines(b"!aGVs!", 1, 5) == b"hel"


@given(st.binary(max_size=200), st.integers(1, 40), st.integers(1, 64))
def test_pieces_make_no_difference(data: bytes, width: int, piece: int) -> None:
    text = base64.b64encode(data)
    lines = b"\r\n".join(text[at : at + width] for at in range(0, len(text), width))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base64_lines, "PIECE", piece)
        assert decode(lines) == data
        assert decode(lines + b"\r\n" * 40) == data


@given(st.text(alphabet="aB+/= \n", max_size=24), st.integers(1, 8))
def test_small_pieces_judge_as_large_ones_do(text: str, piece: int) -> None:
    def judged() -> bytes | None:
        try:
            return decode(text.encode())
        except NotBase64:
            return None

    whole = judged()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base64_lines, "PIECE", piece)
        assert judged() == whole
