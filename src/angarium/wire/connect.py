"""What a client says who asks an HTTP proxy for a tunnel: where to, and who it is.

Strict, because whoever is let through reaches something by it: one spelling of a port, names as DNS has them, addresses
as RFC 3986 has them, and nothing beside. Only the app's own liberty is taken: an IPv6 address without brackets.

RFC 9112, 3.2.3 (authority-form); RFC 9110, 9.3.6 (CONNECT) and 11.7.2 (Proxy-Authorization); RFC 7617 (Basic).
"""

import base64
import binascii
import ipaddress
import re

__all__ = ["credentials", "target"]

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?")
PORT = re.compile(r"[1-9][0-9]{0,4}")


def target(authority: str) -> tuple[str, int] | None:
    """Host (IPv6 without brackets) and port; None where it is not exactly that."""
    host, _, port = authority.rpartition(":")
    if not PORT.fullmatch(port) or int(port) > 65_535:
        return None
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed or ":" in host:
        try:
            address = ipaddress.IPv6Address(host[1:-1] if bracketed else host)
            return None if address.scope_id else (str(address), int(port))
        except ValueError:
            return None
    return (host, int(port)) if NAME.fullmatch(host) else None


def credentials(header: str) -> tuple[str, str] | None:
    """User and password of a Basic header's value; None where it is none."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None
