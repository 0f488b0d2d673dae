"""Logins of today, remembered in memory and bounded: a hash of name and password under a key of this process.

No account is open here. What opens one is kept wrapped under a second hash of the same, which is written nowhere: it
takes the password again. An account's key lives with its sessions only.

An account that is deleted while a login for it is under way must not come back from here: whoever remembers says so
before it looks into the store, and `forget` reaches those too.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from angarium.store.interfaces import AccountId, Owner
from angarium.store.seal import Kept

__all__ = ["KEPT", "Recent"]

KEPT = 20_000


class _Login(NamedTuple):
    proof: bytes
    day: int
    account: AccountId
    kept: Kept


class Recent:
    """See the file's head."""

    def __init__(self, kept: int = KEPT) -> None:
        """At most `kept` names are remembered; the one that was not seen for longest goes first."""
        self._kept = kept
        self._key = secrets.token_bytes(32)
        self._logins: OrderedDict[str, _Login] = OrderedDict()
        self._forgotten = 0

    def __len__(self) -> int:
        return len(self._logins)

    def find(self, name: str, password: str, day: int) -> Owner | None:
        """The owner, if exactly this login succeeded on this day. On another day the store must hear of it."""
        login = self._logins.get(name)
        proof, under = self._proof(name, password)
        if login is None or login.day != day or not hmac.compare_digest(login.proof, proof):
            return None
        self._logins.move_to_end(name)
        return Owner(login.account, name, login.kept.key(under))

    def remembering(self, name: str, password: str, day: int) -> Callable[[Owner], None]:
        """Say before a login that it is to be remembered; call what is returned once it has succeeded."""
        before = self._forgotten

        def remember(owner: Owner) -> None:
            if self._forgotten != before:
                return
            proof, under = self._proof(name, password)
            self._logins[name] = _Login(proof, day, owner.account, owner.key.kept(under))
            self._logins.move_to_end(name)
            if len(self._logins) > self._kept:
                self._logins.popitem(last=False)

        return remember

    def forget(self, name: str) -> None:
        """Forget a name, and what is about to be remembered."""
        self._forgotten += 1
        self._logins.pop(name, None)

    def _proof(self, name: str, password: str) -> tuple[bytes, bytes]:
        """What is kept to know a login again, and what is not kept and unwraps its key."""
        digest = hashlib.blake2b(f"{name}@{password}".encode(), key=self._key).digest()
        return digest[:32], digest[32:]
