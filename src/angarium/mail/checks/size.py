"""How large a message may be."""

from angarium.mail.verdict import ACCEPTED, Verdict

__all__ = ["size"]


def size(octets: int, limit: int) -> Verdict:
    """Judge a message of so many octets, as sent (RFC 1870, 6.1)."""
    if octets <= limit:
        return ACCEPTED
    return Verdict.reject(552, "5.3.4", f"the message is larger than {limit} bytes")
