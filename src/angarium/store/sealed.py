"""The seal that seals: what of the relay's words can be read on the disk, and by whom. No other file does cryptography.

Four kinds of key, each in reach of fewer:

* The *root key* is on the disk, or behind the keeper's passphrase. Every purpose has a subkey of its own (HKDF-SHA256,
  RFC 5869): names are keyed hashes, what the relay itself must read is hidden (AES-256-GCM, random nonce).
* An *account's* X25519 pair (RFC 7748). The private half lies in the account's lock, wrapped under argon2id (RFC 9106)
  of the password peppered with a root subkey; that its tag fits is the only check of a password there is. The public
  half lies beside it, hidden, so the database without the root key cannot even be added to.
* A *record's* key: an ephemeral X25519 key against the account's public half, through HKDF-SHA256 bound to both, then
  AES-256-GCM. Who holds no password cannot open what was sealed so, the relay included.
* A *body's* key: random, used once, kept in the record and nowhere else. Destroying a record destroys its body.

While an account is open in some session, records for it may be sealed under a symmetric key that only the private half
gives (Curve25519 costs more than all the rest of a delivery). On disk both forms are equally long and look random: the
ephemeral key, or the random bytes in its place, is masked under a root subkey and the record's own ciphertext.

Invariants:
* Nothing that leaves here is the same twice, except keyed names; two accounts share no byte of one message.
* A sealed record's length tells nothing of the record (64 bytes hold every record of a message). A wrapped body's is a
  size class; above the last of `CLASSES` a body lies apart, and a stand-in that looks like a text lies in its place.
* Bytes that were changed, cut, or sealed to somebody else raise ValueError, and only that.

What this does not protect is in docs/decisions/seal.md: above all, a relay that runs sees passwords as they come in.
Python cannot wipe every copy of a key; what is long-lived is held by OpenSSL's objects, which wipe themselves when they
are freed, and every `bytes` of a key made here dies with the call that made it.
"""

import hashlib
import hmac
import os
import secrets
import weakref
from functools import lru_cache

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from angarium.store.seal import Kept, Key

__all__ = ["CLASSES", "Sealed"]

ROOT_BYTES = 32
CLASSES = (4_064, 16_256, 65_792)
"""Wrapped lengths of bodies that lie beside their record; two of the first fill a page of the database."""

_FORM = b"\x01"
"""First byte of a lock: this file's first format."""
_SALT = 16
_TAG = 16
_NONCE = 12
_ONCE = bytes(_NONCE)
"""The nonce under a key that encrypts once."""
_POINT = 32
_HIDDEN_POINT = _NONCE + _POINT + _TAG
_LOCK = len(_FORM) + _SALT + _POINT + _TAG + _HIDDEN_POINT
_RECORD = 64
_LONGER = 256
_LENGTH = 4
_REMEMBERED = 256
"""Records a key keeps open for its session: an app asks four times for each before it deletes it."""
_LOCKS = 8_192
"""Public halves kept at hand."""


class Sealed:
    """See `store.seal.Seal`, where every method is described. Any thread may call any method."""

    form = "sealed"

    def __init__(self, root: bytes, *, memory: int = 7 * 1024, spread: int = 1 << 24) -> None:
        """
        Args:
            root: the 32 bytes of `root.key`.
            memory: what argon2id takes for one password, in KiB. 7 MiB and one pass cost about 6 ms: enough for
                passwords that an app draws at random (22 characters), little enough for a small machine that many
                phones come back to at once.
            spread: counters of mailboxes begin anywhere below; 1 where a test wants to count from 1.
        """
        if len(root) != ROOT_BYTES:
            raise ValueError("a root key is 32 bytes")
        self._memory = memory
        self._spread = spread
        self._names = _derived(root, b"names")
        self._pepper = _derived(root, b"passwords")
        self._mask = _derived(root, b"mask")
        self._points = AESGCM(_derived(root, b"public halves"))
        self._hidden = AESGCM(_derived(root, b"hidden"))
        self._open: weakref.WeakValueDictionary[bytes, _AccountKey] = weakref.WeakValueDictionary()
        self._public = lru_cache(_LOCKS)(self._public_half)

    def name(self, kind: str, value: str) -> bytes:
        """See `Seal.name`. Kinds are at most 16 ASCII characters and keep equal values apart."""
        return hashlib.blake2b(value.encode(), key=self._names, person=kind.encode(), digest_size=16).digest()

    def lock(self, password: str) -> tuple[bytes, Key]:
        """See `Seal.lock`."""
        private = X25519PrivateKey.generate()
        public = private.public_key().public_bytes_raw()
        nonce, salt = os.urandom(_NONCE), os.urandom(_SALT)
        hidden = nonce + self._points.encrypt(nonce, public, _FORM)
        wrapped = AESGCM(self._stretched(password, salt)).encrypt(_ONCE, private.private_bytes_raw(), _FORM + hidden)
        return _FORM + salt + wrapped + hidden, self._key(private, public)

    def unlock(self, lock: bytes, password: str) -> Key | None:
        """See `Seal.unlock`. Raises ValueError where the lock is no lock of this root key."""
        public, _ = self._public(lock)
        salt, wrapped, hidden = lock[1 : 1 + _SALT], lock[1 + _SALT : -_HIDDEN_POINT], lock[-_HIDDEN_POINT:]
        try:
            private = AESGCM(self._stretched(password, salt)).decrypt(_ONCE, wrapped, _FORM + hidden)
        except InvalidTag:
            return None
        return self._key(X25519PrivateKey.from_private_bytes(private), public)

    def seal(self, lock: bytes, record: bytes) -> bytes:
        """See `Seal.seal`."""
        public, point = self._public(lock)
        padded = _padded(record)
        if (key := self._open.get(public)) is not None:
            head, sealed = key.seal(padded)
        else:
            ephemeral = X25519PrivateKey.generate()
            head = ephemeral.public_key().public_bytes_raw()
            sealed = _between(ephemeral, point, head, public).encrypt(_ONCE, padded, public)
        return self._masked(head, sealed) + sealed

    def peek(self, sealed: bytes) -> bytes | None:
        """See `Seal.peek`: nothing."""
        return None

    def wrap(self, body: bytes) -> tuple[bytes, bytes]:
        """See `Seal.wrap`."""
        key = os.urandom(32)
        fill = self.size_class(len(body)) - len(body) - _LENGTH - _TAG
        return key, AESGCM(key).encrypt(_ONCE, b"".join((len(body).to_bytes(_LENGTH), body, bytes(fill))), None)

    def unwrap(self, key: bytes, wrapped: bytes) -> bytes:
        """See `Seal.unwrap`."""
        plain = _decrypted(AESGCM(key), _ONCE, wrapped, None)
        return _prefixed(plain, _LENGTH)

    def size_class(self, size: int) -> int:
        """See `Seal.size_class`. Above `CLASSES`, Padmé (PURBs, PETS 2019): at most 12 % more, few classes."""
        whole = size + _LENGTH + _TAG
        for length in CLASSES:
            if whole <= length:
                return length
        bits = whole.bit_length() - 1
        step = 1 << (bits - bits.bit_length())
        return -(-whole // step) * step

    def stand_in(self) -> bytes | None:
        """See `Seal.stand_in`: as long as a text."""
        return os.urandom(CLASSES[0])

    def start(self) -> int:
        """See `Seal.start`."""
        return 1 + secrets.randbelow(self._spread)

    def hide(self, record: bytes) -> bytes:
        """See `Seal.hide`. Its length is a power of two and a constant: a hidden list does not tell how long it is."""
        plain = len(record).to_bytes(_LENGTH) + record
        nonce = os.urandom(_NONCE)
        fill = max(_LONGER, 1 << (len(plain) - 1).bit_length()) - len(plain)
        return nonce + self._hidden.encrypt(nonce, plain + bytes(fill), None)

    def reveal(self, hidden: bytes) -> bytes:
        """See `Seal.reveal`."""
        if len(hidden) < _NONCE + _TAG:
            raise ValueError("not hidden")
        return _prefixed(_decrypted(self._hidden, hidden[:_NONCE], hidden[_NONCE:], None), _LENGTH)

    def unmasked(self, sealed: bytes) -> tuple[bytes, bytes]:
        """The head and the ciphertext of a sealed record. Raises ValueError where it is too short for one."""
        if len(sealed) < _POINT + _RECORD + _TAG:
            raise ValueError("not a sealed record")
        head, rest = sealed[:_POINT], sealed[_POINT:]
        return self._masked(head, rest), rest

    def revive(self, private: bytes) -> Key:
        """The key of an account whose private half was kept wrapped in memory."""
        half = X25519PrivateKey.from_private_bytes(private)
        return self._key(half, half.public_key().public_bytes_raw())

    def _key(self, private: X25519PrivateKey, public: bytes) -> "_AccountKey":
        """One key for all sessions of an account."""
        key = self._open.get(public)
        if key is None:
            key = self._open[public] = _AccountKey(self, private, public)
        return key

    def _public_half(self, lock: bytes) -> tuple[bytes, X25519PublicKey]:
        if len(lock) != _LOCK or lock[:1] != _FORM:
            raise ValueError("not a lock of this form")
        hidden = lock[-_HIDDEN_POINT:]
        public = _decrypted(self._points, hidden[:_NONCE], hidden[_NONCE:], _FORM)
        return public, X25519PublicKey.from_public_bytes(public)

    def _stretched(self, password: str, salt: bytes) -> bytes:
        peppered = hmac.digest(self._pepper, password.encode(), "sha256")
        return hash_secret_raw(peppered, salt, 1, self._memory, 1, 32, Type.ID)

    def _masked(self, head: bytes, sealed: bytes) -> bytes:
        mask = hashlib.blake2b(sealed, key=self._mask, digest_size=_POINT).digest()
        return (int.from_bytes(head) ^ int.from_bytes(mask)).to_bytes(_POINT)


class _AccountKey:
    """The private half of an account, and what follows from it. Lives as long as a session holds it."""

    __slots__ = ("__weakref__", "_connected", "_private", "_public", "_records", "_seal")

    def __init__(self, seal: Sealed, private: X25519PrivateKey, public: bytes) -> None:
        self._seal = seal
        self._private = private
        self._public = public
        self._connected = AESGCM(_derived(private.private_bytes_raw(), b"connected"))
        self._records: dict[bytes, bytes] = {}

    def open(self, sealed: bytes) -> bytes:
        """See `Key.open`."""
        record = self._records.get(sealed)
        if record is None:
            head, rest = self._seal.unmasked(sealed)
            record = _prefixed(self._opened(head, rest), 2)
            if len(self._records) >= _REMEMBERED:
                self._records.clear()
            self._records[sealed] = record
        return record

    def seal(self, padded: bytes) -> tuple[bytes, bytes]:
        """Seal to this account while it is open: random bytes in the ephemeral key's place, and the ciphertext."""
        head = bytearray(os.urandom(_POINT))
        head[-1] &= 0x7F  # as in every X25519 key
        return bytes(head), self._connected.encrypt(bytes(head[:_NONCE]), padded, head + self._public)

    def kept(self, under: bytes) -> Kept:
        """See `Key.kept`."""
        return _Kept(self._seal, AESGCM(under).encrypt(_ONCE, self._private.private_bytes_raw(), None))

    def _opened(self, head: bytes, sealed: bytes) -> bytes:
        try:
            return self._connected.decrypt(head[:_NONCE], sealed, head + self._public)
        except InvalidTag:
            ephemeral = X25519PublicKey.from_public_bytes(head)
            key = _between(self._private, ephemeral, head, self._public)
            return _decrypted(key, _ONCE, sealed, self._public)


class _Kept:
    """A private half between two sessions, wrapped."""

    __slots__ = ("_seal", "_wrapped")

    def __init__(self, seal: Sealed, wrapped: bytes) -> None:
        self._seal = seal
        self._wrapped = wrapped

    def key(self, under: bytes) -> Key:
        """See `Kept.key`."""
        return self._seal.revive(_decrypted(AESGCM(under), _ONCE, self._wrapped, None))


def _between(mine: X25519PrivateKey, theirs: X25519PublicKey, ephemeral: bytes, public: bytes) -> AESGCM:
    """The cipher between an ephemeral key and an account's, made for these two and used once.

    Raises:
        ValueError: the other half is of small order.
    """
    secret = hmac.digest(ephemeral + public, mine.exchange(theirs), "sha256")
    return AESGCM(hmac.digest(secret, b"angarium record\x01", "sha256"))


def _derived(secret: bytes, purpose: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869), one block, without salt."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, b"angarium " + purpose + b"\x01", "sha256")


def _decrypted(cipher: AESGCM, nonce: bytes, sealed: bytes, bound: bytes | None) -> bytes:
    try:
        return cipher.decrypt(nonce, sealed, bound)
    except InvalidTag as error:
        raise ValueError("sealed under another key, or changed") from error


def _padded(record: bytes) -> bytes:
    length = len(record) + 2
    fill = _RECORD - length if length <= _RECORD else -length % _LONGER
    return len(record).to_bytes(2) + record + bytes(fill)


def _prefixed(plain: bytes, width: int) -> bytes:
    """What follows a length of so many bytes."""
    return plain[width : width + int.from_bytes(plain[:width])]
