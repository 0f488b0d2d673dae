"""With which relays this one exchanges mail: the keeper's lists, for both directions.

A line of a list is a domain, an IP address, or `*.domain` for every name below that domain. Who is denied is denied;
where anybody is allowed by name, nobody else is.
"""

from collections.abc import Iterable

from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.names import canonical

__all__ = ["NOT_TO_THEM", "Peers", "pattern"]

_NOT_FROM_YOU = Verdict.reject(550, "5.7.1", "this relay takes no mail from yours")
NOT_TO_THEM = Verdict.reject(550, "5.7.1", "this relay sends no mail to that one")


def pattern(text: str) -> str | None:
    """The one spelling of a line of a list; None: it is none."""
    below, star, domain = text.partition("*.")
    if star and not below:
        known = canonical(domain)
        return None if known is None else f"*.{known}"
    return canonical(text)


class Peers:
    """The lists of one relay."""

    def __init__(self, allow: Iterable[str], deny: Iterable[str]) -> None:
        """Lines that are none are passed over: the configuration has refused them."""
        self._allowed = frozenset(filter(None, map(pattern, allow)))
        self._denied = frozenset(filter(None, map(pattern, deny)))

    def incoming(self, domain: str) -> Verdict:
        """Judge mail from a relay."""
        return ACCEPTED if self._wanted(domain) else _NOT_FROM_YOU

    def outgoing(self, domain: str) -> Verdict:
        """Judge mail to a relay."""
        return ACCEPTED if self._wanted(domain) else NOT_TO_THEM

    def _wanted(self, domain: str) -> bool:
        spellings = set(_spellings(canonical(domain) or domain))
        return not spellings & self._denied and (not self._allowed or bool(spellings & self._allowed))


def _spellings(domain: str) -> Iterable[str]:
    """How a list may name a domain: itself, and `*.` with each domain above it."""
    yield domain
    while "." in domain and ":" not in domain:
        domain = domain.partition(".")[2]
        yield f"*.{domain}"
