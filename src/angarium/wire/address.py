"""Mailbox addresses of the envelope: RFC 5321, 4.1.2 and 4.1.3, with the wider characters of RFC 6531, 3.3.

Knows spelling only: not which domains are ours, nor who has a mailbox.

A relay without a name is spelt in three ways. The apps keep an address as it was typed, so `u@192.0.2.7` (which they
can connect to) and `u@[192.0.2.7]` (which other relays hand out) both occur, and IPv6 comes with and without its
`IPv6:` tag. All of them are the same address here, and `str` gives RFC 5321's form.

Read widely where it harms nobody: underscores in domains (names of relays with self-signed certificates begin with
one) and dots anywhere in a local part (names are made of `[a-z0-9._-]`). A domain that ends in a number is an IPv4
address in four parts or refused: `u@127.1` is what some resolvers take for loopback.

Doubt: a domain in Unicode and its `xn--` form are two different addresses here.
"""

import ipaddress
import re

from msgspec import Struct

__all__ = ["Address", "AddressError", "is_literal"]

LOCAL_BYTES = 64
"""Without quotes and backslashes, so that what was read can be written."""
DOMAIN_BYTES = 255

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]"
_DOTTED = re.compile(rf"{_ATOM}+(?:\.{_ATOM}+)*")
_LOOSE = re.compile(rf"(?:{_ATOM}|\.)+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_EDGE = r"[a-z0-9_\u0080-\U0010ffff]"
_LABEL = rf"{_EDGE}(?:(?:{_EDGE}|-){{0,61}}{_EDGE})?"
_USUAL = re.compile(
    r"([A-Za-z0-9._-]{1,64})@([a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
    r"(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*(?<=[a-z_]))"
)
"""Nearly all there are: no quotes, no capitals in the domain, and no IP address, which would end in a digit."""
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class AddressError(ValueError):
    """The text is not a mailbox address. Says what is wrong with it without repeating it."""


class Address(Struct, frozen=True, gc=False):
    """One mailbox. Equal addresses are spelt alike in everything but the case of the domain and the form of a literal.

    Make one with `parse`: the fields are taken to be valid.
    """

    local: str
    """The local part as it is meant: without quotes and backslashes, in the case it was written in."""
    domain: str
    """In lower case; an address literal without brackets or tag, IPv6 in its short form (RFC 5952)."""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `local@domain`, without angle brackets or display name.

        Raises:
            AddressError: see there.
        """
        usual = _USUAL.fullmatch(text)
        if usual is not None and len(usual[2]) <= DOMAIN_BYTES:
            return cls(usual[1], usual[2])
        local, at, domain = text.rpartition("@")
        if not at:
            raise AddressError("no @ in the address")
        if not text.isprintable():
            raise AddressError("a character that cannot be printed")
        return cls(_parse_local(local), _parse_domain(domain))

    @property
    def name(self) -> str:
        """The local part in lower case: what an account here is called."""
        return self.local.lower()

    @property
    def canonical(self) -> "Address":
        """The same address with its local part in lower case, as the apps compare addresses."""
        return Address(self.name, self.domain)

    @property
    def literal(self) -> bool:
        """Whether the domain is an IP address."""
        return is_literal(self.domain)

    def __str__(self) -> str:
        local = self.local
        if not _DOTTED.fullmatch(local):
            local = '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'
        if not self.literal:
            return f"{local}@{self.domain}"
        return f"{local}@[IPv6:{self.domain}]" if ":" in self.domain else f"{local}@[{self.domain}]"


def is_literal(domain: str) -> bool:
    """Whether a domain as `Address.domain` has it is an IP address."""
    return ":" in domain or _ends_in_number(domain)


def _parse_local(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    if quoted is None and not _LOOSE.fullmatch(text):
        raise AddressError("not a local part")
    local = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if len(local.encode()) > LOCAL_BYTES:
        raise AddressError("the local part is too long")
    return local


def _parse_domain(text: str) -> str:
    domain = text.lower()
    if len(domain.encode()) > DOMAIN_BYTES:
        raise AddressError("the domain is too long")
    if domain.startswith("[") and domain.endswith("]"):
        return _parse_literal(domain[1:-1])
    if is_literal(domain):
        return _parse_literal(domain)
    if not _DOMAIN.fullmatch(domain):
        raise AddressError("not a domain")
    return domain


def _parse_literal(text: str) -> str:
    untagged = text.removeprefix("ipv6:")
    try:
        ip = ipaddress.ip_address(untagged)
    except ValueError:
        raise AddressError("not an IP address") from None
    if "%" in text or (untagged != text and ip.version == 4):
        raise AddressError("not an IP address that means the same everywhere")
    return str(ip)


def _ends_in_number(domain: str) -> bool:
    return domain.rpartition(".")[2].isdecimal()
