"""From the ports a relay listens on to the ways an app may come in, and the links that carry them."""

import secrets
from collections.abc import Mapping

from angarium.mail.invitation import ALPHABET, Security, Way

__all__ = ["choose", "page", "ways"]


def ways(host: str, ports: Mapping[str, int], *, verified: bool) -> list[Way]:
    """Every way in, best first: TLS from the first byte, then the pages' own port by ALPN, then STARTTLS.

    `ports` are those listened on, by the listener's name. `verified`: apps know who signed the certificate.
    """
    https = ports.get("https")
    pairs: tuple[tuple[str, str, Security], ...]
    pairs = (("imaps", "submissions", "ssl"), ("https", "https", "ssl"), ("imap", "submission", "starttls"))
    return [
        Way(host, ports[imap], security, ports[smtp], security, https, verified)
        for imap, smtp, security in pairs
        if imap in ports and smtp in ports
    ]


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
