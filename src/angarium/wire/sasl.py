"""The server's side of SASL PLAIN (RFC 4616) and LOGIN, for SMTP AUTH (RFC 4954) and IMAP AUTHENTICATE (RFC 3501).

Takes the lines of an exchange and gives challenges, then a name and a password. Knows nothing of who may log in, nor
whether the line is encrypted: its caller offers mechanisms that show the password only where it is.

The two protocols frame an exchange alike: base64, `=` for an initial response that is empty, `*` to cancel.
LOGIN is a draft that expired, and what some old clients speak; it asks for `Username:` and `Password:`.
"""

import binascii
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

__all__ = ["MECHANISMS", "Cancelled", "Credentials", "Exchange", "SaslError", "UnknownMechanism"]


class SaslError(ValueError):
    """The exchange failed before there was a password to look at. Its text is fit to be sent."""


class UnknownMechanism(SaslError):
    """The client asked for a mechanism that is not in `MECHANISMS`."""


class Cancelled(SaslError):
    """The client gave up the exchange with `*`."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the client says it is, and its proof."""

    username: str
    password: str = field(repr=False)


Steps = Generator[bytes, bytes, Credentials]


def _plain() -> Steps:
    """`[authzid] NUL authcid NUL passwd`. To act for somebody else (another authzid) is refused: nobody here may."""
    parts = (yield b"").split(b"\0")
    if len(parts) != 3:
        raise SaslError("Malformed authentication response")
    authzid, authcid, password = (_text(part) for part in parts)
    if authzid not in ("", authcid):
        raise SaslError("Authentication failed: only for yourself")
    return _credentials(authcid, password)


def _login() -> Steps:
    username = _text((yield b"Username:"))
    return _credentials(username, _text((yield b"Password:")))


MECHANISMS: dict[str, Callable[[], Steps]] = {"PLAIN": _plain, "LOGIN": _login}
"""The mechanisms offered, best first."""


class Exchange:
    """One authentication: send `challenge` and feed what comes back to `receive`, until there are `credentials`."""

    __slots__ = ("_steps", "challenge", "credentials")

    challenge: bytes
    """What to send next, in base64; meaningless once there are credentials."""
    credentials: Credentials | None

    def __init__(self, mechanism: str, initial: bytes | None = None) -> None:
        """Begin with a mechanism's name (in any case) and the client's initial response, if it sent one.

        Raises:
            UnknownMechanism: see there.
            SaslError: see there.
        """
        begin = MECHANISMS.get(mechanism.upper())
        if begin is None:
            raise UnknownMechanism("Unknown authentication mechanism")
        self.credentials = None
        self._steps = begin()
        self.challenge = binascii.b2a_base64(next(self._steps), newline=False)
        if initial is not None:
            self._step(b"" if initial == b"=" else _decode(initial))

    def receive(self, line: bytes) -> None:
        """Take the client's answer to the challenge: one line without its end.

        Raises:
            Cancelled: see there.
            SaslError: see there.
        """
        assert self.credentials is None, "the exchange is over"
        if line == b"*":
            raise Cancelled("Authentication cancelled")
        self._step(_decode(line))

    def _step(self, response: bytes) -> None:
        try:
            self.challenge = binascii.b2a_base64(self._steps.send(response), newline=False)
        except StopIteration as done:
            self.credentials = done.value


def _decode(line: bytes) -> bytes:
    try:
        return binascii.a2b_base64(line, strict_mode=True) if line else b""
    except binascii.Error:
        raise SaslError("Not base64") from None


def _text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise SaslError("Not UTF-8") from None
    if "\0" in text:
        raise SaslError("Malformed authentication response")
    return text


def _credentials(username: str, password: str) -> Credentials:
    if not username or not password:
        raise SaslError("Authentication needs a name and a password")
    return Credentials(username, password)
