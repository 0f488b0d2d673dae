"""The bounces that the relay's own people get, signed like all that it writes; what they say is `bounce`'s.

One that cannot be signed, since the relay's name cannot be written in DNS, is worth more than none.
"""

from collections.abc import Awaitable, Callable, Sequence

from angarium.mail.bounce import Failure, bounce
from angarium.store.interfaces import Letter
from angarium.wire.address import Address
from angarium.wire.message import Malformed, parse

__all__ = ["Notices", "Sign"]

Sign = Callable[[bytes], Awaitable[bytes]]
"""The relay's signature on a message (`Signer.sign`); raises Malformed."""


class Notices:
    """Writes them.

    Args:
        domain: the relay's own name.
        today: days since 1970-01-01 (UTC).
        sign: see there; None: nothing is signed.
    """

    def __init__(self, domain: Callable[[], str], today: Callable[[], int], sign: Sign | None = None) -> None:
        self._domain = domain
        self._today = today
        self._sign = sign

    async def letter(self, original: bytes, failures: Sequence[Failure], sender: str) -> Letter:
        """What tells `sender`, an address of this relay, for whom a message failed; there is at least one."""
        notice = bounce(parse(original), failures, sender=sender, domain=self._domain(), day=self._today())
        return Letter(await self._signed(notice), (Address.parse(sender).name,))

    async def _signed(self, notice: bytes) -> bytes:
        if self._sign is None:
            return notice
        try:
            return await self._sign(notice)
        except Malformed:
            return notice
