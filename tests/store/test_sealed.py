"""The real seal: what it opens, for whom, and what the bytes it leaves on the disk tell."""

import gc
import math
import os
import weakref
from itertools import pairwise
from typing import cast
from unittest.mock import Mock

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from angarium.store import sealed as sealed_module
from angarium.store.argon import argon2id
from angarium.store.record import Record
from angarium.store.seal import MARK, Anew, Clear, Kept, Key
from angarium.store.sealed import CHAIN, CLASSES, Sealed

ROOT = bytes(range(32))
SEAL = Sealed(ROOT, memory=8)
OTHER_ROOT = Sealed(bytes(32), memory=8)
LOCK, ALICE = SEAL.lock("alice's password")
CLOSED, _ = SEAL.lock("bob's password")
RECORD = Record(2800, 0, bytes(32)).pack()


def changed(sealed: bytes, at: int) -> bytes:
    at %= len(sealed)
    return sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]


def opened(seal: Sealed, lock: bytes, password: str) -> Key:
    key = seal.unlock(lock, password)
    assert key is not None
    assert not isinstance(key, Anew)
    return key


def bob() -> Key:
    return opened(SEAL, CLOSED, "bob's password")


def sealed_to_bob(record: bytes = RECORD) -> bytes:
    """Sealed while bob is away."""
    return Sealed(ROOT, memory=8).seal(CLOSED, record)


# Passwords


def test_only_the_password_opens_a_lock() -> None:
    assert SEAL.unlock(LOCK, "alice's password") is not None
    for wrong in ("", "alice's passworD", "bob's password"):
        assert SEAL.unlock(LOCK, wrong) is None


def test_another_root_key_opens_nothing_even_with_the_password() -> None:
    with pytest.raises(ValueError, match="another key"):
        OTHER_ROOT.unlock(LOCK, "alice's password")
    with pytest.raises(ValueError, match="another key"):
        OTHER_ROOT.seal(LOCK, RECORD)


def test_the_root_key_alone_opens_no_password() -> None:
    """Every byte of the lock that the password must fit is refused when changed; none of them can be left out."""
    for at in range(len(LOCK) - MARK):
        lock = changed(LOCK, at)
        try:
            assert SEAL.unlock(lock, "alice's password") is None
        except ValueError:
            assert at == 0 or at >= 1 + 16 + 48
    for length in (0, 1, len(LOCK) - 1):
        with pytest.raises(ValueError, match="not a lock"):
            SEAL.unlock(LOCK[:length], "alice's password")


def test_one_password_makes_two_locks_that_share_no_part() -> None:
    first, second = SEAL.lock("same")[0], SEAL.lock("same")[0]
    assert len(first) == len(second)
    assert not {first[at : at + 4] for at in range(1, len(first) - 3)} & {
        second[at : at + 4] for at in range(1, len(second) - 3)
    }


def test_a_lock_written_in_clear_is_refused() -> None:
    lock, _ = Clear(ROOT).lock("alice's password")
    with pytest.raises(ValueError, match="not a lock"):
        SEAL.unlock(lock, "alice's password")


def test_argon2_takes_what_it_was_told_to() -> None:
    """With other memory the same password does not fit: the cost is really in the key."""
    assert Sealed(ROOT, memory=16).unlock(LOCK, "alice's password") is None


def test_a_root_key_is_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealed(bytes(31))


def test_names_are_keyed_and_kept_apart() -> None:
    assert SEAL.name("account", "alice") == Sealed(ROOT).name("account", "alice")
    others = {
        SEAL.name("account", "alice"),
        SEAL.name("tombstone", "alice"),
        SEAL.name("account", "bob"),
        OTHER_ROOT.name("account", "alice"),
        Clear(ROOT).name("account", "alice"),
    }
    assert len(others) == 5
    assert {len(name) for name in others} == {16}


# The duress password


@pytest.fixture(params=[Clear(ROOT), SEAL], ids=["clear", "sealed"])
def either(request: pytest.FixtureRequest) -> Clear | Sealed:
    return cast("Clear | Sealed", request.param)


def test_a_duress_password_opens_a_new_lock_and_the_old_one_stays_closed_to_it(either: Clear | Sealed) -> None:
    plain, key = either.lock("password")
    lock = either.with_duress(plain, "give me that")
    for right in (either.unlock(lock, "password"), either.unlock(plain, "password")):
        assert right is not None
        assert not isinstance(right, Anew)
        assert right.fits(lock)
    assert either.unlock(plain, "give me that") is None
    assert either.unlock(lock, "give me thaT") is None
    anew = either.unlock(lock, "give me that")
    assert isinstance(anew, Anew)
    assert anew.key.fits(anew.lock)
    assert not key.fits(anew.lock)
    assert not anew.key.fits(lock)
    assert either.unlock(anew.lock, "password") is None
    again = either.unlock(anew.lock, "give me that")
    assert again is not None
    assert not isinstance(again, Anew)


def test_a_duress_password_is_replaced_and_taken_away(either: Clear | Sealed) -> None:
    lock = either.with_duress(either.with_duress(either.lock("password")[0], "first one"), "second one")
    assert either.unlock(lock, "first one") is None
    assert isinstance(either.unlock(lock, "second one"), Anew)
    assert either.unlock(either.with_duress(lock, None), "second one") is None


def test_nobody_sees_whether_a_lock_has_a_duress_password(either: Clear | Sealed) -> None:
    """Only the mark differs, which is noise in every lock: equally long, never the same twice, half ones."""
    without = [either.lock("password")[0] for _ in range(40)]
    with_one = [either.with_duress(lock, "give me that") for lock in without]
    anew = [found.lock for lock in with_one if isinstance(found := either.unlock(lock, "give me that"), Anew)]
    taken_away = [either.with_duress(lock, None) for lock in with_one]
    assert len({len(lock) for lock in without + with_one + anew + taken_away}) == 1
    assert [lock[:-MARK] for lock in with_one] == [lock[:-MARK] for lock in without]
    for locks in (without, with_one, anew, taken_away):
        marks = [lock[-MARK:] for lock in locks]
        assert len(set(marks)) == 40
        ones = sum(int.from_bytes(mark).bit_count() for mark in marks)
        assert abs(ones - 40 * MARK * 4) < 6 * math.sqrt(40 * MARK * 2)


def test_both_passwords_are_tried_for_the_price_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = SEAL.with_duress(SEAL.lock("password")[0], "give me that")
    stretched: list[bytes] = []

    def counted(secret: bytes, salt: bytes, *, memory: int) -> bytes:
        stretched.append(argon2id(secret, salt, memory=memory))
        return stretched[-1]

    monkeypatch.setattr(sealed_module, "argon2id", counted)
    for password in ("password", "give me that", "a wrong one"):
        stretched.clear()
        SEAL.unlock(lock, password)
        assert len(stretched) == 1


def test_what_is_kept_of_a_duress_password_depends_on_the_root_key() -> None:
    """Whoever has the disk without the root key cannot try passwords against the mark."""
    lock = SEAL.with_duress(LOCK, "give me that")
    stretched = OTHER_ROOT._stretched("give me that", lock[1:17])
    assert sealed_module._mark(stretched) != lock[-MARK:]
    assert sealed_module._mark(SEAL._stretched("give me that", lock[1:17])) == lock[-MARK:]


# Records


@given(record=st.binary(max_size=2000), away=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_record_comes_back_to_its_owner_only(record: bytes, away: bool) -> None:
    sealed = sealed_to_bob(record) if away else SEAL.seal(LOCK, record)
    right, wrong = (bob(), ALICE) if away else (ALICE, bob())
    assert right.open(sealed) == right.open(sealed) == record
    with pytest.raises(ValueError, match="another key"):
        wrong.open(sealed)
    assert SEAL.peek(sealed) is None


def test_records_are_equally_long_whatever_they_say() -> None:
    records = [b"", b"INBOX", RECORD, Record(2**40, 2**63 - 1, os.urandom(32)).pack()]
    lengths = {len(SEAL.seal(LOCK, record)) for record in records} | {len(sealed_to_bob(record)) for record in records}
    assert lengths == {114}


@pytest.mark.parametrize("away", [True, False])
def test_a_changed_or_cut_record_does_not_open(away: bool) -> None:
    sealed = sealed_to_bob() if away else SEAL.seal(LOCK, RECORD)
    key = bob() if away else ALICE
    for at in range(len(sealed)):
        with pytest.raises(ValueError):  # noqa: PT011
            key.open(changed(sealed, at))
    for length in (0, 1, 33, 34, 48, len(sealed) - 1):
        with pytest.raises(ValueError):  # noqa: PT011
            key.open(sealed[:length])
    with pytest.raises(ValueError):  # noqa: PT011
        key.open(sealed + b"\0")


def test_recipients_of_one_record_share_no_four_bytes() -> None:
    locks = [SEAL.lock(f"password {at}")[0] for at in range(12)]
    away = Sealed(ROOT, memory=8)
    seen: set[bytes] = set()
    for sealed in [away.seal(lock, RECORD) for lock in locks] + [SEAL.seal(LOCK, RECORD) for _ in range(12)]:
        parts = {sealed[at : at + 4] for at in range(len(sealed) - 3)}
        assert not parts & seen
        seen |= parts


def test_the_ephemeral_key_looks_random() -> None:
    """The highest bit of an X25519 key is never set: masked, it is set half the time."""
    for records in ([sealed_to_bob() for _ in range(150)], [SEAL.seal(LOCK, RECORD) for _ in range(150)]):
        high = sum(sealed[31] >> 7 for sealed in records)
        assert 35 < high < 115  # ten million to one


def test_a_chain_of_records_costs_one_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    between = Mock(wraps=sealed_module._between)
    monkeypatch.setattr(sealed_module, "_between", between)
    seal = Sealed(ROOT, memory=8)
    lock, key = seal.lock("password")
    records = [b"%d" % at for at in range(CHAIN)]
    sealed = [seal.seal(lock, record) for record in records]
    between.assert_called_once()
    assert [key.open(record) for record in sealed] == records
    assert between.call_count == 2
    key.open(seal.seal(lock, b"of the next chain"))
    assert between.call_count == 4


def test_records_open_in_any_order_and_in_any_session() -> None:
    seal = Sealed(ROOT, memory=8)
    lock, _ = seal.lock("password")
    records = [b"%d" % at for at in range(3 * CHAIN)]
    sealed = [seal.seal(lock, record) for record in records]
    for order in (range(len(records)), reversed(range(len(records))), range(0, len(records), 7)):
        key = opened(Sealed(ROOT, memory=8), lock, "password")
        assert all(key.open(sealed[at]) == records[at] for at in order)


def test_what_seals_cannot_open_what_it_sealed() -> None:
    """Whoever reads the relay's memory finds the next link only."""
    seal = Sealed(ROOT, memory=8)
    lock, key = seal.lock("password")
    public, _ = seal._public(lock)
    sealed = [seal.seal(lock, RECORD) for _ in range(10)]
    link = seal._chains[public]._link
    keys = []
    for _ in range(CHAIN):
        forged, link = sealed_module._forged(link)
        keys.append(AESGCM(forged))
    for record in sealed:
        head, rest = seal.unmasked(record)
        for cipher in keys:
            with pytest.raises(InvalidTag):
                cipher.decrypt(bytes(12), rest, head + public)
        assert key.open(record) == RECORD


def test_chains_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_module, "_LOCKS", 3)
    seal = Sealed(ROOT, memory=8)
    made = [seal.lock("password") for _ in range(6)]
    sealed = [seal.seal(lock, RECORD) for lock, _ in made * 2]
    assert len(seal._chains) == 3
    assert [key.open(record) for (_, key), record in zip(made * 2, sealed, strict=True)] == [RECORD] * 12


@given(sealed=st.binary(max_size=300))
def test_noise_does_not_open(sealed: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        ALICE.open(sealed)


def test_records_sealed_with_and_without_a_session_open_in_a_later_one() -> None:
    seal = Sealed(ROOT, memory=8)
    lock, first = seal.lock("password")
    while_open = seal.seal(lock, RECORD)
    del first
    gc.collect()
    while_away = seal.seal(lock, RECORD)
    again = opened(Sealed(ROOT, memory=8), lock, "password")
    assert again.open(while_open) == again.open(while_away) == RECORD


def test_the_key_goes_with_the_last_session() -> None:
    seal = Sealed(ROOT, memory=8)
    lock, key = seal.lock("password")
    other = seal.unlock(lock, "password")
    assert other is key
    watched = weakref.ref(key)
    del key, other
    gc.collect()
    assert watched() is None
    assert not seal._open


def test_opened_records_are_remembered_in_bounds() -> None:
    key = bob()
    for _ in range(600):
        key.open(SEAL.seal(CLOSED, RECORD))
    assert len(key._records) <= 256  # type: ignore[attr-defined]


def test_a_key_fits_its_own_locks_only() -> None:
    key = opened(SEAL, LOCK, "alice's password")
    with_duress = SEAL.with_duress(LOCK, "under duress")
    for _ in range(2):
        assert key.fits(LOCK)
        assert key.fits(with_duress)
        assert not key.fits(CLOSED)
    with pytest.raises(ValueError, match="not a lock"):
        key.fits(LOCK[:-1])


def test_a_key_between_sessions_needs_what_it_was_wrapped_under() -> None:
    under = os.urandom(32)
    sealed = sealed_to_bob()
    kept: Kept = bob().kept(under)
    gc.collect()
    with pytest.raises(ValueError, match="another key"):
        kept.key(os.urandom(32))
    assert not any(isinstance(held, bytes) and len(held) == 32 for held in gc.get_referents(kept))
    assert kept.key(under).open(sealed) == RECORD


# Bodies


@given(body=st.binary(max_size=5000))
@settings(max_examples=60, deadline=None)
def test_a_body_comes_back(body: bytes) -> None:
    key, wrapped = SEAL.wrap(body)
    assert SEAL.unwrap(key, wrapped) == body
    assert len(wrapped) == SEAL.size_class(len(body))
    with pytest.raises(ValueError, match="another key"):
        SEAL.unwrap(SEAL.wrap(body)[0], wrapped)


@pytest.mark.parametrize("size", [0, 4044, 4045, 65_772, 65_773, 5_000_000])
def test_bodies_at_the_edges_of_their_classes(size: int) -> None:
    key, wrapped = SEAL.wrap(bytes(size))
    assert SEAL.unwrap(key, wrapped) == bytes(size)
    assert len(wrapped) == SEAL.size_class(size)


def test_a_changed_or_cut_body_does_not_open() -> None:
    key, wrapped = SEAL.wrap(b"hello")
    for at in range(0, len(wrapped), 61):
        with pytest.raises(ValueError, match="another key"):
            SEAL.unwrap(key, changed(wrapped, at))
    for length in (0, 15, 16, len(wrapped) - 1):
        with pytest.raises(ValueError, match="another key"):
            SEAL.unwrap(key, wrapped[:length])
    with pytest.raises(ValueError):  # noqa: PT011
        SEAL.unwrap(b"", wrapped)


def test_one_body_wrapped_twice_shares_nothing() -> None:
    first, second = SEAL.wrap(bytes(3000)), SEAL.wrap(bytes(3000))
    assert first[0] != second[0]
    assert not {first[1][at : at + 8] for at in range(4000)} & {second[1][at : at + 8] for at in range(4000)}


@given(size=st.integers(0, 2**40))
def test_size_classes_are_few_and_hold_what_they_say(size: int) -> None:
    given_class = SEAL.size_class(size)
    assert given_class >= size + 20
    assert SEAL.size_class(given_class - 20) == given_class
    if size > CLASSES[-1]:
        assert given_class <= 1.12 * (size + 20)


def test_a_text_is_one_class_and_files_have_few() -> None:
    assert {SEAL.size_class(size) for size in range(0, 4000, 7)} == {CLASSES[0]}
    assert len({SEAL.size_class(size) for size in range(0, 65_536, 11)}) == 3
    assert len({SEAL.size_class(size) for size in range(65_536, 31_457_280, 1009)}) < 300
    assert all(low < high for low, high in pairwise(CLASSES))


def test_a_stand_in_looks_like_a_text() -> None:
    first, second = cast("bytes", SEAL.stand_in()), cast("bytes", SEAL.stand_in())
    assert len(first) == len(second) == len(SEAL.wrap(b"a text")[1])
    assert first != second


# What the relay hides for itself


@given(record=st.binary(max_size=3000))
@settings(max_examples=40)
def test_what_is_hidden_is_revealed_under_the_same_root_only(record: bytes) -> None:
    hidden = SEAL.hide(record)
    assert SEAL.reveal(hidden) == record
    assert hidden != SEAL.hide(record)
    assert math.log2(len(hidden) - 28).is_integer()
    with pytest.raises(ValueError, match="another key"):
        OTHER_ROOT.reveal(hidden)
    for at in (0, 12, -1):
        with pytest.raises(ValueError, match="another key"):
            SEAL.reveal(changed(hidden, at))
    for length in (0, 27, len(hidden) - 1):
        with pytest.raises(ValueError, match=r"another key|not hidden"):
            SEAL.reveal(hidden[:length])


def test_counters_begin_anywhere() -> None:
    starts = {Sealed(ROOT).start() for _ in range(50)}
    assert len(starts) > 45
    assert min(starts) >= 1
    assert max(starts) <= 1 << 24
    assert Sealed(ROOT, spread=1).start() == 1
