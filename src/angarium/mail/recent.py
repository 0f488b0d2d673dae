"""Logins of today, remembered in memory and bounded: a hash of name and password under a key of this process.

An account that is deleted while a login for it is under way must not come back from here: whoever remembers says so
before it looks into the store, and `forget` reaches those too.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable

from angarium.store.interfaces import Owner

__all__ = ["KEPT", "Recent"]

KEPT = 20_000


class Recent:
    """See the file's head."""

    def __init__(self, kept: int = KEPT) -> None:
        """At most `kept` names are remembered; the one that was not seen for longest goes first."""
        self._kept = kept
        self._key = secrets.token_bytes(32)
        self._logins: OrderedDict[str, tuple[bytes, int, Owner]] = OrderedDict()
        self._forgotten = 0

    def __len__(self) -> int:
        return len(self._logins)

    def find(self, name: str, password: str, day: int) -> Owner | None:
        """The owner, if exactly this login succeeded on this day. On another day the store must hear of it."""
        digest, remembered_day, owner = self._logins.get(name, (b"", day, None))
        if remembered_day != day or not hmac.compare_digest(digest, self._digest(name, password)):
            return None
        self._logins.move_to_end(name)
        return owner

    def remembering(self, name: str, password: str, day: int) -> Callable[[Owner], None]:
        """Say before a login that it is to be remembered; call what is returned once it has succeeded."""
        before = self._forgotten

        def remember(owner: Owner) -> None:
            if self._forgotten != before:
                return
            self._logins[name] = (self._digest(name, password), day, owner)
            self._logins.move_to_end(name)
            if len(self._logins) > self._kept:
                self._logins.popitem(last=False)

        return remember

    def forget(self, name: str) -> None:
        """Forget a name, and what is about to be remembered."""
        self._forgotten += 1
        self._logins.pop(name, None)

    def _digest(self, name: str, password: str) -> bytes:
        return hashlib.blake2b(f"{name}@{password}".encode(), key=self._key, digest_size=32).digest()
