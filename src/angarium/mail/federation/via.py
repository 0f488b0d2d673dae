"""Where a destination is to be sought, if its keeper or ours says so: a host, and perhaps a port."""

from dataclasses import dataclass

__all__ = ["Via", "parse_via"]


@dataclass(frozen=True, slots=True)
class Via:
    """Where the keeper says that a destination is."""

    host: str
    port: int | None


def parse_via(text: str) -> Via | None:
    """Read `host`, `host:port`, `[IPv6]` or `[IPv6]:port`; empty: None. Raises ValueError: the port is no number."""
    if not text:
        return None
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    return Via(host.lower(), int(port) if port else None)
