"""Who may send as whom: people as themselves, and nobody else.

The envelope's sender equals the login; the first address in the From field equals the envelope's sender. So nobody can
write in another's name, and a recipient elsewhere may rely on it.
"""

from collections.abc import Callable

from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.store.interfaces import Owner
from angarium.wire.address import Address, AddressError
from angarium.wire.message import Entity, Malformed
from angarium.wire.originator import from_address

__all__ = ["envelope", "header"]

_NOT_YOU = Verdict.reject(553, "5.7.1", "the sender must be the address you logged in with")
_NOT_THE_SAME = Verdict.reject(554, "5.6.0", "the From field must hold the address you send from")


def envelope(owner: Owner, address: str, local: Callable[[str], bool]) -> Verdict:
    """Judge the address of MAIL FROM: the owner's name, at any name of this relay. The empty one is nobody's."""
    try:
        claimed = Address.parse(address)
    except AddressError:
        return _NOT_YOU
    return ACCEPTED if claimed.name == owner.name and local(claimed.domain) else _NOT_YOU


def header(message: Entity, sender: str) -> Verdict:
    """Judge the From field against the envelope's sender, without regard to case or to the spelling of a literal."""
    try:
        address = from_address(message)
        if address == sender or Address.parse(address).canonical == Address.parse(sender).canonical:
            return ACCEPTED
    except (Malformed, AddressError) as fault:
        return Verdict.reject(554, "5.6.0", "the From field is missing or malformed", str(fault))
    return _NOT_THE_SAME
