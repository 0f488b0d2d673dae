"""The settings of the relay's names and certificates. `apps/config.py` assembles them into one file."""

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["Names", "Tls"]


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
