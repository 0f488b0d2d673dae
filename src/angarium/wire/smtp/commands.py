"""The grammar of the commands' arguments: RFC 5321, 4.1.1 and 4.1.2.

Each function takes what follows the verb and raises Refusal with the reply for what is wrong with it. Addresses come
out as they were written, known to be well formed: what they mean is not decided here.

Read widely where clients are known to: a space after `FROM:` and `TO:`. Source routes are dropped, as RFC 5321,
appendix C has it.
"""

import re

from msgspec import Struct

from angarium.wire.address import Address, AddressError
from angarium.wire.smtp.errors import Refusal
from angarium.wire.smtp.replies import Reply

__all__ = ["Mail", "parse_hello", "parse_mail", "parse_nothing", "parse_recipient"]

_HELLO_BYTES = 255
_PATH = re.compile(r'<(?:@[^<>:"]*:)?((?:"(?:[^"\\]|\\.)*"|[^"<>])*)>(?: +(.*))?')
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^= \x00-\x1f\x7f]+))?")
_NUMBER = re.compile(r"[0-9]{1,20}")

_NO_ARGUMENT = Reply(501, "5.5.4", "No argument expected")
_BAD_HELLO = Reply(501, "5.5.4", "EHLO and HELO take a domain")
_BAD_MAIL = Reply(501, "5.5.4", "Expected MAIL FROM:<address>")
_BAD_RCPT = Reply(501, "5.5.4", "Expected RCPT TO:<address>")
_BAD_SENDER = Reply(501, "5.1.7", "Bad sender address")
_BAD_RECIPIENT = Reply(501, "5.1.3", "Bad recipient address")
_BAD_PARAMETER = Reply(501, "5.5.4", "Bad parameter")
_UNKNOWN_PARAMETER = Reply(555, "5.5.4", "Unknown parameter")
_NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "Such an address needs SMTPUTF8")


class Mail(Struct, frozen=True):
    """What MAIL says. The null reverse-path is an empty `address`."""

    address: str
    size: int | None
    """The message's size in octets as announced (RFC 1870)."""
    utf8: bool
    """Whether addresses may be other than ASCII (RFC 6531)."""


def parse_nothing(argument: str) -> None:
    """RSET, DATA, QUIT and STARTTLS take no argument."""
    if argument:
        raise Refusal(_NO_ARGUMENT)


def parse_hello(argument: str) -> None:
    """`EHLO SP ( Domain / address-literal )`. Clients on phones have no name, so anything printable is one."""
    if not argument or len(argument) > _HELLO_BYTES or " " in argument or not argument.isprintable():
        raise Refusal(_BAD_HELLO)


def parse_mail(argument: str) -> Mail:
    """`MAIL FROM:Reverse-path [SP Mail-parameters]`: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8, AUTH (RFC 4954)."""
    address, rest = _path(argument, "FROM:", _BAD_MAIL)
    size, utf8 = None, False
    for key, value in _parameters(rest).items():
        match key:
            case "SIZE" if value and _NUMBER.fullmatch(value):
                size = int(value)
            case "BODY" if value and value.upper() in ("7BIT", "8BITMIME"):
                pass
            case "SMTPUTF8" if value is None:
                utf8 = True
            case "AUTH" if value:
                pass  # who it says it came from: the login alone counts (RFC 4954, 5)
            case "SIZE" | "BODY" | "SMTPUTF8" | "AUTH":
                raise Refusal(_BAD_PARAMETER)
            case _:
                raise Refusal(_UNKNOWN_PARAMETER)
    if address:
        _check(address, utf8, _BAD_SENDER)
    return Mail(address, size, utf8)


def parse_recipient(argument: str, *, utf8: bool, hostname: str) -> str:
    """`RCPT TO:Forward-path`; there are no parameters. `<Postmaster>` without a domain is the one of `hostname`."""
    address, rest = _path(argument, "TO:", _BAD_RCPT)
    if _parameters(rest):
        raise Refusal(_UNKNOWN_PARAMETER)
    if address.lower() == "postmaster":
        return f"{address}@{hostname}"
    _check(address, utf8, _BAD_RECIPIENT)
    return address


def _path(argument: str, keyword: str, wrong: Reply) -> tuple[str, str]:
    """Take apart `keyword<path> rest`."""
    if argument[: len(keyword)].upper() != keyword:
        raise Refusal(wrong)
    path = _PATH.fullmatch(argument[len(keyword) :].lstrip(" "))
    if path is None:
        raise Refusal(wrong)
    return path[1], path[2] or ""


def _parameters(text: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for word in text.split():
        parameter = _PARAMETER.fullmatch(word)
        if parameter is None or parameter[1].upper() in found:
            raise Refusal(_BAD_PARAMETER)
        found[parameter[1].upper()] = parameter[2]
    return found


def _check(address: str, utf8: bool, wrong: Reply) -> None:
    try:
        Address.parse(address)
    except AddressError:
        raise Refusal(wrong) from None
    if not (utf8 or address.isascii()):
        raise Refusal(_NEEDS_SMTPUTF8)
