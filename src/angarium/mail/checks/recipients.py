"""How many recipients a message may have, and what an address must look like.

Whether the recipient exists, has room or lives here is no matter at RCPT: one refusal there fails the whole message in
the app, for every member of a group. Such recipients are accepted and bounced (`mail.delivery`).
"""

import re

from angarium.mail.verdict import ACCEPTED, Verdict

__all__ = ["number", "syntax"]

# No control characters: addresses are written into bounces. No length of 320 (RFC 5321, 4.5.3.1: 64 + 1 + 255).
_ADDRESS = re.compile(r"[^\x00-\x1f\x7f]+@[^\x00-\x20\x7f@]+")
_LONGEST = 320


def syntax(address: str) -> Verdict:
    """Judge one address of RCPT TO, without its angle brackets."""
    if len(address) <= _LONGEST and _ADDRESS.fullmatch(address):
        return ACCEPTED
    return Verdict.reject(501, "5.1.3", "this is no address")


def number(count: int, limit: int) -> Verdict:
    """Judge how many recipients one transaction names.

    Too many are refused for good (552, not the 452 of RFC 5321, 4.5.3.1.10): the app retries the whole list as it is.
    """
    if count == 0:
        return Verdict.reject(554, "5.5.1", "there are no recipients")
    if count > limit:
        return Verdict.reject(552, "5.5.3", f"there are more than {limit} recipients")
    return ACCEPTED
