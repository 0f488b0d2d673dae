"""The gate: who may come in, and who gets an address.

The app makes an account by logging in: IMAP and submission arrive at once, both with the new name, and whichever is
first creates it. Names are the local part in lower case, whatever of the relay's domains stands behind it.

Somebody may be made to log in. For that a person can set a duress password beforehand: it opens the account too, and
empties it as it does. Here it is a login like any other; only what was remembered of the account is forgotten.

A failed login costs time, always the same, and is written nowhere. Recent logins are answered from memory, so a storm
of reconnecting phones is not a storm of argon2; what is kept is a hash under a key that lives as long as the process.
Where there are several, all have forgotten an account that is deleted or emptied before anybody is told that it is.
"""

import asyncio
import re
import secrets
import string
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from angarium.mail import settings
from angarium.mail.recent import Recent
from angarium.store.interfaces import (
    Accounts,
    Invitations,
    NameTaken,
    NoSuchAccount,
    NoSuchToken,
    Owner,
    StoreError,
    WrongPassword,
)

__all__ = ["FAILURE_SECONDS", "Gate", "Refused"]

FAILURE_SECONDS = 1.5
"""What a failed login takes, from its beginning: more than any password takes to check."""
LONGEST_PASSWORD = 1024

_NAME = re.compile(r"[a-z0-9._-]{1,64}", re.ASCII)
_NAME_LENGTH = 9
_PASSWORD_LENGTH = 22
_TRIES = 100
"""Random names drawn before a relay of very short names is taken to have none left."""

_WRONG = {
    "open": "authentication failed: wrong password",
    "invite": "authentication failed: wrong address or password, or an invitation that is used up; ask for a new one",
    "closed": "authentication failed: wrong address or password; this relay gives out no new addresses",
}
_USED_UP = "this invitation is used up or has expired: ask for a new one"


class Refused(Exception):
    """Not let in. `text` is for the person, names nobody, and holds the word "authentication", which the apps look
    for, where the address or the password was wrong."""

    def __init__(self, text: str, *, temporary: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.temporary = temporary
        """Whether the fault is the relay's, and the same words may be right later."""


class Gate:
    """Lets people in, by name and password.

    Args:
        settings: who may make an account, with what name.
        accounts: the store's.
        invitations: the store's.
        local: whether a domain, in lower case, is this relay.
        today: days since 1970-01-01 (UTC).
        due: the day by which invitations run out, where it is another (see `mail/calendar.py`).
        forget_elsewhere: returns once the relay's other processes have forgotten a name, if there are any.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        settings: settings.Accounts,
        accounts: Accounts,
        invitations: Invitations,
        local: Callable[[str], bool],
        today: Callable[[], int],
        *,
        due: Callable[[], int] | None = None,
        forget_elsewhere: Callable[[str], Awaitable[None]] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._invitations = invitations
        self._local = local
        self._today = today
        self._due = due or today
        self._sleep = sleep
        self._forget_elsewhere = forget_elsewhere
        self._recent = Recent()

    async def login(self, username: str, password: str) -> Owner:
        """Open an account by its address ("name@domain"), or make it where the settings let a stranger in.

        Raises:
            Refused: after `FAILURE_SECONDS`, whatever the reason.
        """
        async with self._costly():
            name = self._name(username, password)
            today = self._today()
            owner = self._recent.find(name, password, today)
            if owner is None:
                remember = self._recent.remembering(name, password, today)
                owner = await self._open(name, password)
                if owner.emptied:
                    await self._forget(name)
                    remember = self._recent.remembering(name, password, today)
                remember(owner)
            return owner

    async def create(self, *, token: str | None = None) -> tuple[str, str]:
        """Make an account with a random name and password; return both, the name without a domain.

        A use of `token` is burnt only where the relay wants one.

        Raises:
            Refused: the relay is closed, or this is no valid invitation.
        """
        burnt = await self._stranger(token)
        length = min(max(_NAME_LENGTH, self._settings.name_min_length), self._settings.name_max_length)
        password = _random(max(_PASSWORD_LENGTH, self._settings.password_min_length), string.ascii_letters)
        for _ in range(_TRIES):
            name = _random(length, string.ascii_lowercase)
            try:
                await self._accounts.create(name, password, day=self._first_day(burnt), token=burnt)
            except NameTaken:
                continue
            except NoSuchToken as error:
                raise Refused(_USED_UP) from error
            except StoreError as error:
                raise _later() from error
            return name, password
        raise _later()

    async def confirm(self, username: str, password: str) -> None:
        """Open an account that there is, and make none. A duress password empties it, as at any login.

        Raises:
            Refused: the address or the password is wrong; after `FAILURE_SECONDS`.
        """
        async with self._costly():
            name = self._name(username, password)
            with _refusing():
                owner = await self._accounts.login(name, password, day=self._today())
            if owner.emptied:
                await self._forget(name)

    async def delete(self, username: str, password: str) -> None:
        """Destroy an account with all it holds, at once and for good.

        Raises:
            Refused: the address or the password is wrong; after `FAILURE_SECONDS`.
        """
        async with self._costly():
            name = self._name(username, password)
            with _refusing():
                owner = await self._accounts.login(name, password, day=self._today())
                try:
                    await self._accounts.delete(owner)
                finally:
                    await self._forget(name)

    async def set_duress(self, username: str, password: str, duress: str | None) -> None:
        """Set or replace the duress password of an account, or, with None, take it away if there is one.

        Raises:
            Refused: the address or the password is wrong, or `duress` will not do; after `FAILURE_SECONDS`.
        """
        async with self._costly():
            name = self._name(username, password)
            if duress is not None:
                self._suitable(password, duress)
            with _refusing():
                owner = await self._accounts.set_duress(name, password, duress, day=self._today())
            if owner.emptied:
                await self._forget(name)

    def forget(self, name: str) -> None:
        """Another process has deleted this account, or emptied it: remember no login to it."""
        self._recent.forget(name)

    @property
    def shortest_password(self) -> int:
        """Characters that a new password needs."""
        return self._settings.password_min_length

    async def _forget(self, name: str) -> None:
        self._recent.forget(name)
        if self._forget_elsewhere is not None:
            await self._forget_elsewhere(name)

    def _suitable(self, password: str, duress: str) -> None:
        """Whether this can be the duress password beside that password. Raises Refused."""
        if duress == password:
            raise Refused("the duress password has to be another one")
        if not self.shortest_password <= len(duress) <= LONGEST_PASSWORD or not _is_text(duress):
            raise Refused(f"a password needs {self.shortest_password} to {LONGEST_PASSWORD} characters")

    def _name(self, username: str, password: str) -> str:
        """The name in an address of this relay, if it and the password may be looked at at all."""
        local, at, domain = username.rpartition("@")
        name = local.lower()
        if not at or not local.isascii() or not self._local(domain.lower()):
            raise Refused("authentication failed: this is not an address of this relay")
        if not _NAME.fullmatch(name) or len(password) > LONGEST_PASSWORD or not _is_text(password):
            raise Refused(_WRONG[self._settings.registration])
        return name

    async def _open(self, name: str, password: str) -> Owner:
        today = self._today()
        try:
            try:
                return await self._accounts.login(name, password, day=today)
            except NoSuchAccount as error:
                token, stretched = self._invited(name, password), error.stretched
            day = self._first_day(token)
            try:
                return await self._accounts.create(name, password, day=day, token=token, stretched=stretched)
            except NameTaken:  # by the other connection of the same app, a moment ago; or for good
                return await self._accounts.login(name, password, day=today)
        except NoSuchAccount as error:
            raise Refused("authentication failed: this address was deleted and is never given out again") from error
        except (NoSuchToken, WrongPassword) as error:
            raise Refused(_WRONG[self._settings.registration]) from error
        except StoreError as error:
            raise _later() from error

    def _first_day(self, token: str | None) -> int:
        """The day on which an account is made: with an invitation, the one on which that still counts."""
        return self._today() if token is None else self._due()

    async def _stranger(self, token: str | None) -> str | None:
        """The invitation that a stranger's account is to burn; one that is invalid is refused before it costs much."""
        match self._settings.registration:
            case "open":
                return None
            case "closed":
                raise Refused("this relay gives out no new addresses")
            case "invite" if token is None:
                raise Refused("this relay gives out addresses by invitation only: ask the person who runs it for one")
        if not await self._invitations.valid(token, day=self._due()):
            raise Refused(_USED_UP)
        return token

    def _invited(self, name: str, password: str) -> str | None:
        """The invitation that a new account is to burn. Raises Refused where there is to be no new account."""
        rules = self._settings
        token, dot, _ = password.partition(".")
        if rules.registration == "closed" or (rules.registration == "invite" and not dot):
            raise Refused(_WRONG[rules.registration])
        if not rules.name_min_length <= len(name) <= rules.name_max_length:
            raise Refused(
                f"a new address needs {rules.name_min_length} to {rules.name_max_length} characters before the @"
            )
        if len(password) < rules.password_min_length:
            raise Refused(f"the password of a new address needs at least {rules.password_min_length} characters")
        return token if rules.registration == "invite" else None

    @asynccontextmanager
    async def _costly(self) -> AsyncIterator[None]:
        """Makes every refusal take equally long, so that its time tells nothing."""
        clock = asyncio.get_running_loop().time
        until = clock() + FAILURE_SECONDS
        try:
            yield
        except Refused:
            await self._sleep(max(0.0, until - clock()))
            raise


def _random(length: int, letters: str) -> str:
    return "".join(secrets.choice(letters + string.digits) for _ in range(length))


def _is_text(password: str) -> bool:
    try:
        password.encode()
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def _refusing() -> Iterator[None]:
    """What the store says of an address and a password, as the gate says it."""
    try:
        yield
    except (NoSuchAccount, WrongPassword) as error:
        raise Refused("authentication failed: wrong address or password") from error
    except StoreError as error:
        raise _later() from error


def _later() -> Refused:
    return Refused("the relay cannot do this now: please try again later", temporary=True)
