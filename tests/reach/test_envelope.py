"""Sealed by one relay to another: opened by that one alone, and forged by nobody."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from angarium.reach.envelope import Envelope
from angarium.wire.parcel import HEAD, Contents, ParcelError

CONTENTS = Contents("alice@far.example", ("bob@near.example",), b"From: <alice@far.example>\r\n\r\nhello\r\n")


@pytest.fixture
def far() -> Envelope:
    return Envelope(X25519PrivateKey.generate())


@pytest.fixture
def near() -> Envelope:
    return Envelope(X25519PrivateKey.generate())


def test_the_receiver_learns_who_sealed_it_and_what_is_inside(far: Envelope, near: Envelope) -> None:
    assert near.open(far.seal(near.public, CONTENTS)) == (far.public, CONTENTS)


def test_who_holds_it_sees_nothing_in_clear_and_nothing_twice(far: Envelope, near: Envelope) -> None:
    one, two = far.seal(near.public, CONTENTS), far.seal(near.public, CONTENTS)
    assert len(one) == len(two) == 3_840
    for clear in (far.public, near.public, b"alice", b"near.example", b"hello", bytes(16)):
        assert clear not in one
    assert not {one[at : at + 4] for at in range(1, len(one) - 3)} & {two[at : at + 4] for at in range(1, len(two) - 3)}


def test_nobody_else_opens_it(far: Envelope, near: Envelope) -> None:
    sealed = far.seal(near.public, CONTENTS)
    for other in (far, Envelope(X25519PrivateKey.generate())):
        with pytest.raises(ParcelError, match="another relay, or changed"):
            other.open(sealed)


def test_changed_anywhere_it_is_refused(far: Envelope, near: Envelope) -> None:
    sealed = far.seal(near.public, CONTENTS)
    for at in (*range(HEAD + 40), *range(HEAD + 40, len(sealed), 97), len(sealed) - 1):
        with pytest.raises(ParcelError):
            near.open(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
    for end in range(0, len(sealed), 131):
        with pytest.raises(ParcelError):
            near.open(sealed[:end])


def test_who_knows_only_public_halves_cannot_seal_in_anothers_name(far: Envelope, near: Envelope) -> None:
    mallory = Envelope(X25519PrivateKey.generate())
    forged = mallory.seal(near.public, CONTENTS)
    assert near.open(forged)[0] == mallory.public
    mallory.public = far.public  # they claim to be the other, with their own private half
    with pytest.raises(ParcelError, match="another relay, or changed"):
        near.open(mallory.seal(near.public, CONTENTS))


def test_the_head_of_one_and_the_contents_of_another(far: Envelope, near: Envelope) -> None:
    one, two = far.seal(near.public, CONTENTS), far.seal(near.public, CONTENTS)
    with pytest.raises(ParcelError):
        near.open(one[:HEAD] + two[HEAD:])
    with pytest.raises(ParcelError):
        near.open(one[:33] + two[33:HEAD] + one[HEAD:])


def test_a_key_that_is_none(far: Envelope, near: Envelope) -> None:
    with pytest.raises(ParcelError, match="a key that is none"):
        far.seal(bytes(32), CONTENTS)
    sealed = far.seal(near.public, CONTENTS)
    with pytest.raises(ParcelError, match="a key that is none"):
        near.open(sealed[:1] + bytes(32) + sealed[33:])


def test_who_has_the_receivers_key_opens_and_forges(far: Envelope) -> None:
    """No key changes: what was recorded before the theft is open too."""
    private = X25519PrivateKey.generate()
    recorded = far.seal(Envelope(private).public, CONTENTS)
    thief = Envelope(X25519PrivateKey.from_private_bytes(private.private_bytes_raw()))
    assert thief.open(recorded) == (far.public, CONTENTS)
