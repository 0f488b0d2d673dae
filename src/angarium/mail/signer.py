"""The relay's signatures on what leaves it (RFC 6376), with each of its keys; other relays refuse what has none."""

import asyncio
from collections.abc import Sequence

from angarium.mail.checks.signed import LARGE, signs
from angarium.wire.address import Address, AddressError
from angarium.wire.dkim.sign import PrivateKey, sign
from angarium.wire.message import Entity, Malformed, parse
from angarium.wire.originator import from_address

__all__ = ["Signer"]


class Signer:
    """Signs. `keys`: selector and private key of each, those that everybody understands first."""

    def __init__(self, keys: Sequence[tuple[str, PrivateKey]]) -> None:
        self._keys = tuple(keys)

    async def sign(self, message: bytes) -> bytes:
        """The message with signatures of the domain of its From field in front, which must be one of this relay's.

        Nothing is added where no key can be published: an IP address, or a name that begins with an underscore.

        Raises:
            Malformed: the message cannot be read, or says of nobody that it is from them.
        """
        entity = parse(message)
        domain = _domain(entity)
        if not self._keys or not signs(domain) or "." not in domain:
            return message
        if len(message) > LARGE:
            return await asyncio.to_thread(self._signed, entity, domain)
        return self._signed(entity, domain)

    def _signed(self, entity: Entity, domain: str) -> bytes:
        return sign(entity, domain, self._keys) + entity.raw


def _domain(entity: Entity) -> str:
    """The domain of the From field as DNS spells it. Raises Malformed."""
    try:
        domain = Address.parse(from_address(entity)).domain
        return domain if domain.isascii() else domain.encode("idna").decode()
    except (AddressError, UnicodeError) as fault:
        raise Malformed("the From field has no address") from fault
