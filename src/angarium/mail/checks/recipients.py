"""How many recipients a message may have, and what an address must look like.

Whether the recipient exists, has room or lives here is no matter at RCPT: one refusal there fails the whole message in
the app, for every member of a group. Such recipients are accepted and bounced (`mail.delivery`).
"""

from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.wire.address import Address, AddressError

__all__ = ["number", "syntax"]


def syntax(address: str) -> Verdict:
    """Judge one address of RCPT TO, without its angle brackets."""
    try:
        Address.parse(address)
    except AddressError as fault:
        return Verdict.reject(501, "5.1.3", "this is no address", str(fault))
    return ACCEPTED


def number(count: int, limit: int) -> Verdict:
    """Judge how many recipients one transaction names.

    Too many are refused for good (552, not the 452 of RFC 5321, 4.5.3.1.10): the app retries the whole list as it is.
    """
    if count == 0:
        return Verdict.reject(554, "5.5.1", "there are no recipients")
    if count > limit:
        return Verdict.reject(552, "5.5.3", f"there are more than {limit} recipients")
    return ACCEPTED
