"""The seal that seals: what of the relay's words can be read on the disk, and by whom.

No other file but `permutation` does cryptography.

Four kinds of key, each in reach of fewer:

* The *root key* is on the disk, or behind the keeper's passphrase. Every purpose has a subkey of its own (HKDF-SHA256,
  RFC 5869): names are keyed hashes, what the relay itself must read is hidden (AES-256-GCM, random nonce), and where a
  row lies is permuted (eight rounds of Feistel over AES-256, which is more than Luby and Rackoff ask for, 1988).
* An *account's* X25519 pair (RFC 7748). The private half lies in the account's lock, wrapped under argon2id (RFC 9106)
  of the password peppered with a root subkey; that its tag fits is the only check of a password there is. The public
  half lies beside it, hidden, so the database without the root key cannot even be added to. Behind it stands the mark
  of a duress password, an HMAC under what argon2id makes of that one with the same salt, or 16 random bytes: one
  stretching asks for both. As the two passwords differ, what is kept never comes from one stretched value used twice,
  but where an account begins anew: the mark is then overwritten by the lock that this value wraps.
* A *record's* key: an ephemeral X25519 key against the account's public half, through HKDF-SHA256 bound to both, gives
  the beginning of a chain of at most `CHAIN` records of that account. Each link gives a record's AES-256-GCM key and
  the next link, and is forgotten at once: who holds no password cannot open what was sealed, the relay that sealed it
  included. (A curve costs more than all the rest of a delivery; so it is done once in a chain.)
* A *body's* key: random, used once, kept in the record and nowhere else. Destroying a record destroys its body.

What says which chain and which link is masked under a root subkey and the record's own ciphertext, so that on the disk
no two records show that they are of one chain, nor anything that is not random.

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
import threading
import weakref
from collections import OrderedDict
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from angarium.store.argon import argon2id
from angarium.store.permutation import Permutation
from angarium.store.seal import MARK, Anew, Kept, Key

__all__ = ["CHAIN", "CLASSES", "Sealed"]

ROOT_BYTES = 32
CLASSES = (4_064, 16_256, 65_792)
"""Wrapped lengths of bodies that lie beside their record; two of the first fill a page of the database."""
CHAIN = 64
"""Records sealed to one account with one ephemeral key."""

_FORM = b"\x01"
"""First byte of a lock: this file's first format."""
_SALT = 16
_TAG = 16
_NONCE = 12
_ZERO = bytes(1)
_ONCE = bytes(_NONCE)
"""The nonce under a key that encrypts once."""
_POINT = 32
_HIDDEN_POINT = _NONCE + _POINT + _TAG
_HEAD = _POINT + 2
_WRAPPED = slice(len(_FORM) + _SALT, len(_FORM) + _SALT + _POINT + _TAG)
_LOCK = _WRAPPED.stop + _HIDDEN_POINT + MARK
_RECORD = 64
_LONGER = 256
_LENGTH = 4
_REMEMBERED = 256
"""Records a key keeps open for its session: an app asks four times for each before it deletes it."""
_LOCKS = 8_192
"""Public halves, and chains, kept at hand."""
_FOLLOWED = 8
"""Chains whose last link a key remembers."""


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
        places = Permutation(_derived(root, b"places"))
        self.scatter = places.scatter
        self.gather = places.gather
        self._open: weakref.WeakValueDictionary[bytes, _AccountKey] = weakref.WeakValueDictionary()
        self._chains: OrderedDict[bytes, _Chain] = OrderedDict()
        self._turn = threading.Lock()
        self._public = lru_cache(_LOCKS)(self._public_half)

    def name(self, kind: str, value: str) -> bytes:
        """See `Seal.name`. Kinds are at most 16 ASCII characters and keep equal values apart."""
        return hashlib.blake2b(value.encode(), key=self._names, person=kind.encode(), digest_size=16).digest()

    def lock(self, password: str) -> tuple[bytes, Key]:
        """See `Seal.lock`."""
        salt = os.urandom(_SALT)
        return self._made(self._stretched(password, salt), salt)

    def unlock(self, lock: bytes, password: str) -> Key | Anew | None:
        """See `Seal.unlock`. Raises ValueError where the lock is no lock of this root key."""
        public, _ = self._public(lock)
        salt = lock[len(_FORM) : _WRAPPED.start]
        stretched = self._stretched(password, salt)
        if hmac.compare_digest(_mark(stretched), lock[-MARK:]):
            return Anew(*self._made(stretched, salt))
        try:
            private = AESGCM(stretched).decrypt(_ONCE, lock[_WRAPPED], _FORM + lock[_WRAPPED.stop : -MARK])
        except InvalidTag:
            return None
        return self._key(X25519PrivateKey.from_private_bytes(private), public)

    def with_duress(self, lock: bytes, password: str | None) -> bytes:
        """See `Seal.with_duress`."""
        salt = lock[len(_FORM) : _WRAPPED.start]
        return lock[:-MARK] + (os.urandom(MARK) if password is None else _mark(self._stretched(password, salt)))

    def public_half(self, lock: bytes) -> bytes:
        """Of the account whose lock this is. Raises ValueError where it is no lock of this root key."""
        return self._public(lock)[0]

    def seal(self, lock: bytes, record: bytes) -> bytes:
        """See `Seal.seal`."""
        public, point = self._public(lock)
        with self._turn:
            head, key = self._chain(public, point).forge()
        sealed = AESGCM(key).encrypt(_ONCE, _padded(record), head + public)
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

    def hide(self, record: bytes, *, bound: bytes = b"", least: int = _LONGER) -> bytes:
        """See `Seal.hide`. Its length is a power of two and a constant: a hidden list does not tell how long it is."""
        plain = len(record).to_bytes(_LENGTH) + record
        length = least if len(plain) <= least else 1 << (len(plain) - 1).bit_length()
        nonce = os.urandom(_NONCE)
        return nonce + self._hidden.encrypt(nonce, plain.ljust(length, _ZERO), bound)

    def reveal(self, hidden: bytes, *, bound: bytes = b"") -> bytes:
        """See `Seal.reveal`."""
        if len(hidden) < _NONCE + _TAG:
            raise ValueError("not hidden")
        return _prefixed(_decrypted(self._hidden, hidden[:_NONCE], hidden[_NONCE:], bound), _LENGTH)

    def unmasked(self, sealed: bytes) -> tuple[bytes, bytes]:
        """The head and the ciphertext of a sealed record. Raises ValueError where it is too short for one."""
        if len(sealed) < _HEAD + _RECORD + _TAG:
            raise ValueError("not a sealed record")
        head, rest = sealed[:_HEAD], sealed[_HEAD:]
        return self._masked(head, rest), rest

    def revive(self, private: bytes) -> Key:
        """The key of an account whose private half was kept wrapped in memory."""
        half = X25519PrivateKey.from_private_bytes(private)
        return self._key(half, half.public_key().public_bytes_raw())

    def _made(self, stretched: bytes, salt: bytes) -> tuple[bytes, Key]:
        """A lock around a new pair, and its key."""
        private = X25519PrivateKey.generate()
        public = private.public_key().public_bytes_raw()
        nonce = os.urandom(_NONCE)
        hidden = nonce + self._points.encrypt(nonce, public, _FORM)
        wrapped = AESGCM(stretched).encrypt(_ONCE, private.private_bytes_raw(), _FORM + hidden)
        return _FORM + salt + wrapped + hidden + os.urandom(MARK), self._key(private, public)

    def _key(self, private: X25519PrivateKey, public: bytes) -> "_AccountKey":
        """One key for all sessions of an account."""
        key = self._open.get(public)
        if key is None:
            key = self._open[public] = _AccountKey(self, private, public)
        return key

    def _chain(self, public: bytes, point: X25519PublicKey) -> "_Chain":
        """The chain to go on with."""
        chain = self._chains.get(public)
        if chain is None or chain.used == CHAIN:
            chain = self._chains[public] = _Chain(public, point)
            if len(self._chains) > _LOCKS:
                self._chains.popitem(last=False)
        self._chains.move_to_end(public)
        return chain

    def _public_half(self, lock: bytes) -> tuple[bytes, X25519PublicKey]:
        if len(lock) != _LOCK or lock[:1] != _FORM:
            raise ValueError("not a lock of this form")
        hidden = lock[_WRAPPED.stop : -MARK]
        public = _decrypted(self._points, hidden[:_NONCE], hidden[_NONCE:], _FORM)
        return public, X25519PublicKey.from_public_bytes(public)

    def _stretched(self, password: str, salt: bytes) -> bytes:
        peppered = hmac.digest(self._pepper, password.encode(), "sha256")
        return argon2id(peppered, salt, memory=self._memory)

    def _masked(self, head: bytes, sealed: bytes) -> bytes:
        mask = hashlib.blake2b(sealed, key=self._mask, digest_size=_HEAD).digest()
        return (int.from_bytes(head) ^ int.from_bytes(mask)).to_bytes(_HEAD)


class _Chain:
    """What seals to one account: it can go on, and cannot go back."""

    __slots__ = ("_link", "_point", "used")

    def __init__(self, public: bytes, point: X25519PublicKey) -> None:
        ephemeral = X25519PrivateKey.generate()
        self._point = ephemeral.public_key().public_bytes_raw()
        self._link = _between(ephemeral, point, self._point, public)
        self.used = 0

    def forge(self) -> tuple[bytes, bytes]:
        """The head and the key of the next record."""
        head = self._point + self.used.to_bytes(2)
        key, self._link = _forged(self._link)
        self.used += 1
        return head, key


class _AccountKey:
    """The private half of an account, and what follows from it. Lives as long as a session holds it."""

    __slots__ = ("__weakref__", "_chains", "_fitted", "_private", "_public", "_records", "_seal")

    def __init__(self, seal: Sealed, private: X25519PrivateKey, public: bytes) -> None:
        self._seal = seal
        self._private = private
        self._public = public
        self._fitted: bytes | None = None
        """The lock it opened last, so that it need not be looked into again."""
        self._chains: dict[bytes, tuple[int, bytes]] = {}
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

    def fits(self, lock: bytes) -> bool:
        """See `Key.fits`."""
        if lock == self._fitted:
            return True
        fits = self._seal.public_half(lock) == self._public
        if fits:
            self._fitted = lock
        return fits

    def kept(self, under: bytes) -> Kept:
        """See `Key.kept`."""
        return _Kept(self._seal, AESGCM(under).encrypt(_ONCE, self._private.private_bytes_raw(), None))

    def _opened(self, head: bytes, sealed: bytes) -> bytes:
        point, wanted = head[:_POINT], int.from_bytes(head[_POINT:])
        if wanted >= CHAIN:
            raise ValueError("not a record of this account")
        at, link = self._chains.get(point, (CHAIN, b""))
        if at > wanted:
            at, link = 0, _between(self._private, X25519PublicKey.from_public_bytes(point), point, self._public)
        for _ in range(at, wanted + 1):
            key, link = _forged(link)
        record = _decrypted(AESGCM(key), _ONCE, sealed, head + self._public)
        if len(self._chains) >= _FOLLOWED:
            self._chains.clear()
        self._chains[point] = wanted + 1, link
        return record


class _Kept:
    """A private half between two sessions, wrapped."""

    __slots__ = ("_seal", "_wrapped")

    def __init__(self, seal: Sealed, wrapped: bytes) -> None:
        self._seal = seal
        self._wrapped = wrapped

    def key(self, under: bytes) -> Key:
        """See `Kept.key`."""
        return self._seal.revive(_decrypted(AESGCM(under), _ONCE, self._wrapped, None))


def _mark(stretched: bytes) -> bytes:
    """What a lock ends in, if this is what its salt makes of the duress password."""
    return hmac.digest(stretched, b"angarium duress\x01", "sha256")[:MARK]


def _between(mine: X25519PrivateKey, theirs: X25519PublicKey, ephemeral: bytes, public: bytes) -> bytes:
    """The first link between an ephemeral key and an account's.

    Raises:
        ValueError: the other half is of small order.
    """
    secret = hmac.digest(ephemeral + public, mine.exchange(theirs), "sha256")
    return hmac.digest(secret, b"angarium chain\x01", "sha256")


def _forged(link: bytes) -> tuple[bytes, bytes]:
    """A record's key, and the next link."""
    both = hashlib.blake2b(key=link, person=b"link").digest()
    return both[:32], both[32:]


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
