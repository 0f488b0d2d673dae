"""From the ports a relay listens on to the ways an app may come in, and the links that carry them."""

import secrets
from collections.abc import Mapping, Sequence

from angarium.mail.invitation import ALPHABET, Security, Way

__all__ = ["choose", "open_ways", "page", "ways"]

PAIRS: Sequence[tuple[str, str, Security]] = (
    ("imaps", "submissions", "ssl"),
    ("https", "https", "ssl"),
    ("imap", "submission", "starttls"),
)
"""Doors for IMAP and for submission."""


def ways(host: str, ports: Mapping[str, int], *, verified: bool, named: bool = False, alpn: bool = True) -> list[Way]:
    """Every way in, best first: TLS from the first byte, then the pages' own port by ALPN, then STARTTLS.

    `ports` are those listened on, by the listener's name. `verified`: apps know who signed the certificate. `named`:
    they need not know, if it has the name. `alpn`: the https port takes IMAP and submission too. Where it does not, and
    no other port is listened on, what is left are the standard ports as the relay's own proxy knows them.
    """
    https = ports.get("https")
    found = [
        Way(host, ports[imap], security, ports[smtp], security, https, verified, named)
        for imap, smtp, security in PAIRS
        if imap in ports and smtp in ports and (alpn or imap != "https")
    ]
    if not found and not alpn and https is not None:
        return [Way(host, 993, "ssl", 465, "ssl", https, verified, named)]
    return found


def open_ways(ports: Mapping[str, int]) -> bool:
    """Whether apps can come in by ports of mail."""
    return any(imap in ports and smtp in ports for imap, smtp, _ in PAIRS if imap != "https")


def page(host: str, ports: Mapping[str, int], path: str = "/") -> str:
    """The address of a page of the relay, or nothing where it serves none."""
    if "https" not in ports:
        return ""
    name = f"[{host}]" if ":" in host else host
    port = "" if ports["https"] == 443 else f":{ports['https']}"
    return f"https://{name}{port}{path}"


def choose(length: int) -> str:
    """So many random characters for a name, a password or a token."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
