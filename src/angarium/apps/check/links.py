"""Invitation links as the check uses them: a fresh account for every profile from the one link that was given.

`dcaccount:` links make a fresh account each time the app opens them. A `dclogin:` link names one account, so its user
and password are replaced by random ones; what stands before a dot in the password stays, since that is the token of a
relay that takes newcomers by invitation only. Where the relay's page would be can be told from either link.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from angarium.apps.ways import choose
from angarium.mail.invitation import Login, parse

__all__ = ["Site", "fresh", "site"]

NAME = 9
PASSWORD = 22
HTTPS_FROM_IMAPS = 443 - 993
"""A relay on high ports keeps the distances between the standard ones."""
OF_ONE_ACCOUNT = {"iu", "ipw", "su", "spw"}
"""Fields that name a user or a password other than those of the address."""


@dataclass(frozen=True, slots=True)
class Site:
    """A relay as its invitation describes it."""

    name: str
    """The part behind the @."""
    page: str
    """Where its page would be, if it has one: an address that ends in a slash."""
    verified: bool
    """Whether its certificate can be verified."""


def fresh(link: str) -> str:
    """The link to give to a new profile. Raises NotAnInvitation."""
    invitation = parse(link)
    if not isinstance(invitation, Login):
        return link
    token, dot, _ = invitation.password.rpartition(".")
    name, password = choose(NAME), token + dot + choose(PASSWORD)
    given = dict(parse_qsl(link.partition("?")[2], keep_blank_values=True))
    fields = {key: value for key, value in given.items() if key not in OF_ONE_ACCOUNT} | {"p": password}
    domain = quote(_domain(invitation), safe="")
    return f"dclogin:{name}@{domain}?{urlencode(fields, quote_via=quote)}"


def site(link: str) -> Site:
    """What an invitation says about its relay. Raises NotAnInvitation."""
    invitation = parse(link)
    if isinstance(invitation, Login):
        host = invitation.imap.host or _domain(invitation)
        https = (invitation.imap.port or 993) + HTTPS_FROM_IMAPS
        return Site(_domain(invitation), _page(host, https), invitation.vouched)
    port = (urlsplit(invitation.url).port if invitation.url else None) or 443
    return Site(invitation.host, _page(invitation.host, port), not invitation.host.startswith("_"))


def _domain(login: Login) -> str:
    return login.address.rpartition("@")[2]


def _page(host: str, port: int) -> str:
    bare = host.strip("[]")
    authority = f"[{bare}]" if ":" in bare else bare
    return f"https://{authority}/" if port == 443 else f"https://{authority}:{port}/"
