"""The hunter finds every form it promises, wherever it lies, and nothing in noise."""

import base64
import gzip
import random
import zlib
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from angarium.lab.seizure.encodings import SHORTEST, Known
from angarium.lab.seizure.hunter import WINDOW, Hunter

ADDRESS = Known("address", "Some.One-42@relay.example")
HUNTER = Hunter([ADDRESS, Known("password", "tr0ub4dor&3/x"), Known("name", "Ярослава Ć.")])
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "reversed": lambda value: value[::-1],
    "hex": lambda value: value.hex().encode(),
    "hex in capitals": lambda value: value.hex().upper().encode(),
    "utf-16-le": lambda value: value.decode().encode("utf-16-le"),
    "utf-16-be": lambda value: value.decode().encode("utf-16-be"),
    "base64": base64.b64encode,
    "base64 after one byte": lambda value: base64.b64encode(b"\xff" + value + b"\xff"),
    "base64 after two bytes": lambda value: base64.b64encode(b"\xff\xff" + value + b"\xff\xff"),
    "base64url": base64.urlsafe_b64encode,
    "base64 in lines": lambda value: b"\r\n".join(base64.encodebytes(bytes(50) + value).split()),
    "gzip": lambda value: gzip.compress(b"to " + value + b" and others"),
    "zlib": lambda value: zlib.compress(b"to " + value + b" and others", 9),
    "zlib, small window": lambda value: _deflated(value, 9),
    "bare deflate": lambda value: _deflated(value, -15),
    "base64, compressed": lambda value: gzip.compress(base64.b64encode(b"x" + value)),
}


def _deflated(value: bytes, window: int) -> bytes:
    stream = zlib.compressobj(wbits=window)
    return stream.compress(b"to " + value + b" and others") + stream.flush()


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("known", HUNTER.known, ids=lambda known: known.kind)
@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_found_at_every_place(known: Known, form: str) -> None:
    encoded = FORMS[form](known.value.encode())
    for place in range(9):
        found = HUNTER.hunt(noise(place) + encoded + noise(50))
        assert {find.known for find in found} == {known}, f"at {place}"


def test_the_form_is_named() -> None:
    (find,) = HUNTER.hunt(b"<some.one-42@RELAY.example>")
    assert find == (ADDRESS, "raw")
    (find,) = HUNTER.hunt(gzip.compress(b"the password is tr0ub4dor&3/x"))
    assert (find.known.kind, find.encoding) == ("password", "raw, compressed")


def test_case_is_folded_in_addresses_also_where_base64_keeps_it() -> None:
    for spelling in (ADDRESS.value, ADDRESS.value.lower()):
        assert {find.encoding for find in HUNTER.hunt(base64.b64encode(spelling.encode()))} >= {"base64"}


def test_a_find_across_windows() -> None:
    for before in (WINDOW - 3, WINDOW, WINDOW - len(ADDRESS.value)):
        assert HUNTER.hunt(bytes(before) + ADDRESS.value.encode())


def test_a_stream_that_was_cut_or_damaged_counts_as_far_as_it_can_be_read() -> None:
    words = random.Random(5).choices([f"{number:x}" for number in range(9999)], k=4000)
    whole = zlib.compress(" ".join([*words[:500], ADDRESS.value, *words[500:]]).encode())
    half = len(whole) // 2
    assert HUNTER.hunt(noise(7) + whole[:half])
    assert HUNTER.hunt(whole[:half] + b"\xff" * 50 + whole[half + 50 :])


def test_bare_deflate_in_large_data_is_found_where_values_begin() -> None:
    data = noise(1 << 20)
    at = 500_000
    planted = data[:at] + bytes(12) + _deflated(ADDRESS.value.encode(), -15) + data[at:]
    assert not HUNTER.hunt(planted)
    assert HUNTER.hunt(planted, starts=[at])


def test_nothing_is_found_in_noise() -> None:
    crowd = Hunter([Known("name", f"person-{number:06}") for number in range(2000)])
    assert crowd.hunt(noise(2 << 20)) == set()
    assert crowd.hunt(base64.b64encode(noise(1 << 20))) == set()


def test_what_is_shorter_than_the_shortest_form_is_not_looked_for() -> None:
    assert Hunter([Known("name", "x" * (SHORTEST - 1))]).hunt(b"x" * 100) == set()
    assert Hunter([Known("name", "x" * SHORTEST)]).hunt(b"x" * 100)


@given(
    values=st.lists(
        st.text(st.characters(codec="utf-8"), min_size=12, max_size=40), min_size=1, max_size=5, unique=True
    ),
    before=st.binary(max_size=20),
    after=st.binary(max_size=20),
    form=st.sampled_from(["raw", "utf-16-le", "base64 after one byte", "hex", "reversed"]),
)
@example(values=["\r\n" * 10], before=b"", after=b"", form="raw")
def test_any_text_is_found_among_others(values: list[str], before: bytes, after: bytes, form: str) -> None:
    hunter = Hunter([Known("text", value) for value in values])
    found = hunter.hunt(before + FORMS[form](values[0].encode()) + after)
    assert Known("text", values[0]) in {find.known for find in found}
