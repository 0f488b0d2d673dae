"""Commands at the door: capabilities, TLS, login, and what changes the connection as a whole.

RFC 3501, 6.1 and 6.2; RFC 2971 (ID); RFC 4959 (initial responses); RFC 4978 (COMPRESS); RFC 5161 (ENABLE).
"""

from angarium.wire.imap.commands.rule import Command, Rule, State, bare
from angarium.wire.imap.reader import Malformed, Reader
from angarium.wire.sasl import Cancelled, Credentials, Exchange, SaslError
from angarium.wire.stream import Parser

__all__ = ["RULES", "Capability", "Compress", "Enable", "Id", "Login", "Logout", "Noop", "StartTls"]


class Capability(Command, frozen=True):
    """CAPABILITY."""


class Noop(Command, frozen=True):
    """NOOP."""


class Logout(Command, frozen=True):
    """LOGOUT."""


class Id(Command, frozen=True):
    """ID. What the client tells of itself is read and forgotten: nothing identifying is kept."""


class StartTls(Command, frozen=True):
    """STARTTLS."""


class Login(Command, frozen=True):
    """LOGIN, or AUTHENTICATE with its exchange behind it."""

    credentials: Credentials


class Enable(Command, frozen=True):
    """ENABLE."""

    names: tuple[str, ...]


class Compress(Command, frozen=True):
    """COMPRESS."""

    mechanism: str


def _id(reader: Reader) -> Parser[Id]:
    reader.space()
    if reader.accept(b"NIL"):
        return Id()
    reader.expect(b"(")
    while not reader.accept(b")"):
        yield from reader.string()
        reader.space()
        yield from reader.nstring()
        reader.accept(b" ")
    return Id()


def _login(reader: Reader) -> Parser[Login]:
    reader.space()
    username = yield from reader.astring()
    reader.space()
    password = yield from reader.astring()
    try:
        return Login(Credentials(username.decode("utf-8"), password.decode("utf-8")))
    except UnicodeDecodeError:
        raise Malformed("Name and password are UTF-8") from None


def _authenticate(reader: Reader) -> Parser[Login]:
    reader.space()
    mechanism = reader.word()
    if mechanism != "PLAIN":
        raise Malformed("Unknown mechanism", status="NO", code="CANNOT")
    try:
        exchange = Exchange(mechanism, reader.rest() if reader.accept(b" ") else None)
        while exchange.credentials is None:
            exchange.receive((yield from reader.answer(exchange.challenge)))
    except Cancelled as cancelled:
        raise Malformed(str(cancelled)) from None
    except SaslError as fault:
        raise Malformed(str(fault), status="NO") from None
    return Login(exchange.credentials)


def _enable(reader: Reader) -> Parser[Enable]:
    yield from ()
    reader.space()
    names = [reader.word()]
    while reader.accept(b" "):
        names.append(reader.word())
    return Enable(tuple(names))


def _compress(reader: Reader) -> Parser[Compress]:
    yield from ()
    reader.space()
    return Compress(reader.word())


RULES = {
    "CAPABILITY": Rule(bare(Capability()), State.ANY),
    "NOOP": Rule(bare(Noop()), State.ANY),
    "LOGOUT": Rule(bare(Logout()), State.ANY),
    "ID": Rule(_id, State.ANY),
    "STARTTLS": Rule(bare(StartTls()), State.GREETED),
    "LOGIN": Rule(_login, State.GREETED, secret=True),
    "AUTHENTICATE": Rule(_authenticate, State.GREETED, secret=True),
    "ENABLE": Rule(_enable, State.INSIDE),
    "COMPRESS": Rule(_compress, State.INSIDE),
}
