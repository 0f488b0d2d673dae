"""Invitations: links that the app turns into an account when it scans or opens them.

Two kinds (docs: https://github.com/deltachat/interface, uri-schemes). ``dcaccount:`` names a relay, and the app invents
or fetches a name and a password: one link for everybody. ``dclogin:`` carries a name, a password, hosts, ports and
how far to trust the certificate: it needs neither DNS nor a certificate authority, and is for one person.

Pure: who calls passes in the randomness. Refuses to know whether a relay is open, and whether a token is any good.
Links are percent-encoded (RFC 3986, 2.1) in such a way that the app's decoder, which also takes ``+`` for a space, and
`parse` read back what was meant.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit

__all__ = [
    *("ALPHABET", "Entrance", "Kind", "Login", "NotAnInvitation", "Offer", "Security", "Server", "Way"),
    *("invitation", "leading", "others", "parse"),
]

Security: TypeAlias = Literal["ssl", "starttls"]
Kind: TypeAlias = Literal["direct", "port", "all", "front", "onion"]
"""What a way is to a person: the relay itself, the same by other ports, every way at once, a front, Tor."""

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
"""What names and passwords are made of; 22 of these are 113 bits."""
NAME_LENGTH = 9
PASSWORD_LENGTH = 22

SECURITIES: dict[str, Literal["ssl", "starttls", "plain"] | None] = {
    "ssl": "ssl",
    "starttls": "starttls",
    "plain": "plain",
    "default": None,
}
UNVERIFIED = {"2", "3"}
"""Certificate checks (``ic``) with which the app takes any certificate."""


class NotAnInvitation(ValueError):
    """The text is no link of either kind. Says what is wrong with it, without repeating it."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reach the relay: where it listens for IMAP and for submission, and for HTTPS if it does."""

    host: str
    """Name or IP address (IPv6 without brackets)."""
    imap_port: int
    imap_security: Security
    smtp_port: int
    smtp_security: Security
    https_port: int | None
    verified: bool
    """Apps can check the certificate: it comes from an authority they know, for an ordinary domain."""
    named: bool = False
    """The host begins with `_`, and the certificate names it: there the app checks the name, and asks no authority."""
    kind: Kind = "direct"
    """With "all" the app asks the relay's autoconfig for hosts and ports, and keeps all it is told."""

    @property
    def standard(self) -> bool:
        """Whether an app that knows only the domain finds this way."""
        ports = (self.imap_port, self.smtp_port, self.https_port)
        return ports == (993, 465, 443) and self.imap_security == self.smtp_security == "ssl"


@dataclass(frozen=True, slots=True)
class Offer:
    """One way in with the link that leads there."""

    way: Way
    link: str


def invitation(
    domain: str, way: Way, *, token: str | None, choose: Callable[[int], str], complete: bool = False
) -> str:
    """An invitation to the relay whose addresses end in ``@domain``.

    `choose` gives that many random characters of ALPHABET, each time others. With a `token` (which holds no dot) the
    account is made although strangers may not. `complete`: the link says all there is to know, because the relay
    answers no questions, and an app that gets none asks others.
    """
    assert token is None or "." not in token
    if way.verified and way.standard and way.host == domain and not complete:
        return f"dcaccount:{domain}" if token is None else f"dcaccount:https://{domain}/new?{urlencode({'t': token})}"
    return _login_link(*_account(domain, token, choose), way)


def others(
    link: str, domain: str, ways: Iterable[Way], *, token: str | None, choose: Callable[[int], str]
) -> list[Offer]:
    """More links for whoever has this one: each leads another way, all of them to one account.

    It is the account that `link` names, or, where that is for everybody, a new one.
    """
    named = parse(link)
    account = (named.address, named.password) if isinstance(named, Login) else _account(domain, token, choose)
    return leading(*account, ways)


def leading(address: str, password: str, ways: Iterable[Way]) -> list[Offer]:
    """Links for an account that there is. An app that has it takes from one where the relay is, and nothing else."""
    return [Offer(way, _login_link(address, password, way)) for way in ways]


def _account(domain: str, token: str | None, choose: Callable[[int], str]) -> tuple[str, str]:
    name, password = choose(NAME_LENGTH), choose(PASSWORD_LENGTH)
    return f"{name}@{domain}", password if token is None else f"{token}.{password}"


def _login_link(address: str, password: str, way: Way) -> str:
    details = {"p": password, "v": "1"}
    if way.kind != "all":
        details |= {"ih": way.host, "ip": str(way.imap_port), "is": way.imap_security}
        details |= {"sh": way.host, "sp": str(way.smtp_port), "ss": way.smtp_security}
    details["ic"] = "1" if way.verified or way.named else "3"  # with 3 the app forgets addresses that DNS lies about
    name, _, domain = address.rpartition("@")
    return f"dclogin:{name}@{quote(domain, safe='')}?{urlencode(details, quote_via=quote)}"


@dataclass(frozen=True, slots=True)
class Entrance:
    """A ``dcaccount:`` link: a relay where an account is yet to be made."""

    host: str
    url: str | None
    """Where to POST for a name and a password; None: the app invents both and the first login makes the account."""


@dataclass(frozen=True, slots=True)
class Server:
    """One of the two servers of a `Login`. None: the app is to find out."""

    host: str | None
    port: int | None
    security: Literal["ssl", "starttls", "plain"] | None
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Login:
    """A ``dclogin:`` link: an address with all it takes to log in."""

    address: str
    password: str
    imap: Server
    smtp: Server
    verify: bool
    """Whether the certificate is checked."""

    @property
    def vouched(self) -> bool:
        """Whether an authority has to vouch for it; for a host that begins with `_` the name in it is enough."""
        return self.verify and not (self.imap.host or self.address.rpartition("@")[2]).startswith("_")


def parse(link: str) -> Entrance | Login:
    """Read a link of either kind, as the app does.

    Raises:
        NotAnInvitation: see there.
    """
    scheme, colon, rest = link.strip().partition(":")
    rest = rest.removeprefix("//")
    if colon and rest and scheme.lower() == "dcaccount":
        return _entrance(rest)
    if colon and rest and scheme.lower() == "dclogin":
        return _login(rest)
    raise NotAnInvitation("expected a link that begins with dcaccount: or dclogin:")


def _entrance(rest: str) -> Entrance:
    if not rest.isprintable() or " " in rest:
        raise NotAnInvitation("dcaccount: the link holds a space or a control character")
    if rest.startswith("https://"):
        return Entrance(_host(rest), rest)
    domain = rest.removesuffix("/")
    if not domain or set(domain) & set("/?#@%"):
        raise NotAnInvitation("dcaccount: expected a domain or an address that begins with https://")
    return Entrance(domain, None)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0:
            return parts.hostname
    except ValueError:
        pass
    raise NotAnInvitation("dcaccount: the https:// address is malformed")


def _login(rest: str) -> Login:
    before, _, query = rest.partition("?")
    fields = dict(parse_qsl(query.partition("#")[0], keep_blank_values=True))
    name, at, domain = (address := _unquoted(before.partition("/")[0])).rpartition("@")
    if not (name and at and domain):
        raise NotAnInvitation("dclogin: expected an address such as name@example.org")
    if fields.get("v") != "1":
        raise NotAnInvitation("dclogin: expected v=1")
    if not (password := fields.get("p", "")):
        raise NotAnInvitation("dclogin: the password (p) is missing")
    if (checks := fields.get("ic", "0")) not in UNVERIFIED | {"0", "1"}:
        raise NotAnInvitation("dclogin: ic must be 0, 1, 2 or 3")
    imap = _server("i", fields, address, password)
    return Login(address, password, imap, _server("s", fields, address, imap.password), checks not in UNVERIFIED)


def _server(letter: str, fields: dict[str, str], address: str, password: str) -> Server:
    security = fields.get(f"{letter}s", "default")
    if security not in SECURITIES:
        raise NotAnInvitation(f"dclogin: {letter}s must be ssl, starttls, plain or default")
    return Server(
        host=fields.get(f"{letter}h") or None,
        port=_port(letter, fields.get(f"{letter}p")),
        security=SECURITIES[security],
        user=fields.get(f"{letter}u") or address,
        password=fields.get(f"{letter}pw") or password,
    )


def _port(letter: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535):
        raise NotAnInvitation(f"dclogin: {letter}p must be a port number")
    return int(text) or None


def _unquoted(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise NotAnInvitation("dclogin: the address is not UTF-8") from None
