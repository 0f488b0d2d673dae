"""The settings of the relay's names, certificates and DNS. `apps/config.py` assembles them into one file."""

import ipaddress
from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = ["BadServer", "Dns", "Names", "Onion", "Proxy", "Tls", "server"]


class Names(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the relay is called: the part behind the @."""

    domain: Annotated[str, Meta(description="The relay's domain name; empty: this machine's IP address.")] = ""
    aliases: Annotated[list[str], Meta(description="Other names and IP addresses that mean this relay.")] = []


class Tls(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the certificate comes from: two files, an ACME authority, or, where both are empty, self-signed."""

    cert: Annotated[str, Meta(description="PEM file with the certificate chain; picked up again when it changes.")] = ""
    key: Annotated[str, Meta(description="PEM file with its private key.")] = ""
    acme: Annotated[
        str,
        Meta(
            pattern=r"^(https://.+)?$",
            description="Where to get a certificate for the domain; empty: self-signed. Asked only for a domain.",
        ),
    ] = "https://acme-v02.api.letsencrypt.org/directory"
    acme_email: Annotated[str, Meta(description="Contact given to the ACME authority; may be empty.")] = ""
    acme_ca: Annotated[
        str, Meta(description="PEM file with roots to trust for the ACME directory itself (for tests).")
    ] = ""


class Dns(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom to ask for names. Asked only for relays that have one: those known by an IP address work without."""

    servers: Annotated[
        list[str],
        Meta(description="DNS servers to ask, IP addresses with or without a port; empty: the system's."),
    ] = []


class Onion(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An onion address, for people who come through Tor. Needs the program tor."""

    enabled: Annotated[bool, Meta(description="Run tor, and publish an onion address.")] = False
    tor: Annotated[str, Meta(description="The program; empty: the one that is installed.")] = ""
    torrc: Annotated[
        list[str], Meta(description="More lines of tor's configuration: bridges, where the Tor network is blocked.")
    ] = []


class Proxy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The proxy for those who have a pass (angarium proxy): on the https port, and on others if they are opened."""

    allow: Annotated[
        list[str],
        Meta(
            description="What may be reached besides this relay itself, as HOST:PORT, such as"
            ' "nine.example:993"; empty: nothing.'
        ),
    ] = []
    http: Annotated[
        bool, Meta(description="Be a proxy on the http door too: name, password and goal of a pass go in clear there.")
    ] = False
    cipher: Annotated[
        Literal["chacha20-ietf-poly1305", "aes-256-gcm", "aes-128-gcm"],
        Meta(description="What listen.shadowsocks seals with. Links that were given out hold for one cipher only."),
    ] = "chacha20-ietf-poly1305"


class BadServer(ValueError):
    """A DNS server in the settings is not an IP address with or without a port. The text says which."""


def server(text: str) -> tuple[str, int]:
    """The address and port of a DNS server: `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1`, `[2001:db8::1]:53`.

    Raises:
        BadServer: see there.
    """
    host, port = text, "53"
    if text.startswith("["):
        host, closed, port = text[1:].partition("]")
        port = port.removeprefix(":") or "53" if closed else ""
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        if not port.isdecimal() or not 0 < int(port) < 65_536:
            raise ValueError
        return str(ipaddress.ip_address(host)), int(port)
    except ValueError:
        raise BadServer(f"{text!r} is not an IP address, with or without a port") from None
