"""Whether what stands behind the @ of somebody elsewhere can be a relay at all.

Refuses to ask anybody: what DNS knows of it is found out on the way.
"""

import ipaddress

from angarium.mail.verdict import ACCEPTED, Verdict

__all__ = ["IMPOSSIBLE", "possible"]

IMPOSSIBLE = Verdict.reject(550, "5.1.2", "there can be no such relay")


def possible(domain: str) -> Verdict:
    """Judge a domain as `Address.domain` has it. Special names that no DNS is to be asked for (RFC 6761, 6.4; RFC 7686)
    and addresses of no single host are none."""
    try:
        ip = ipaddress.ip_address(domain)
    except ValueError:
        return ACCEPTED if _writable(domain) and domain.rpartition(".")[2] not in {"invalid", "onion"} else IMPOSSIBLE
    nobody = ip.is_unspecified or ip.is_multicast or (ip.version == 4 and ip.is_reserved)
    return IMPOSSIBLE if nobody else ACCEPTED


def _writable(domain: str) -> bool:
    """Whether DNS has a spelling for it."""
    try:
        return domain.isascii() or bool(domain.encode("idna"))
    except UnicodeError:
        return False
