"""Accounts: made once, opened by a password, destroyed for good; or emptied by another password, set for that.

Passwords are tried in a few threads, never on the event loop: one costs milliseconds of a core.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from angarium.store.interfaces import (
    AccountId,
    Damaged,
    NameTaken,
    NoSuchAccount,
    NoSuchToken,
    Owner,
    StoreError,
    Stretched,
    WrongPassword,
)
from angarium.store.removal import clear_ruins, ruin
from angarium.store.rows import AccountRow, Backend, News, Reading, Writing
from angarium.store.seal import Anew, Key, Seal
from angarium.store.titles import INBOX, current, open_mailbox

__all__ = ["StoredAccounts"]

T = TypeVar("T")
_log = logging.getLogger("angarium.store")

PASSWORDS_AT_ONCE = 2
EXPIRED_AT_ONCE = 64


class StoredAccounts:
    """See `store.interfaces.Accounts`."""

    def __init__(self, backend: Backend, seal: Seal) -> None:
        self._backend = backend
        self._seal = seal
        self._slow = ThreadPoolExecutor(PASSWORDS_AT_ONCE, thread_name_prefix="password")
        self._clearing: set[asyncio.Task[None]] = set()

    async def create(
        self,
        name: str,
        password: str,
        *,
        day: int,
        token: str | None = None,
        stretched: Stretched | None = None,
    ) -> Owner:
        """See `Accounts.create`."""
        account = self._account(name)
        await self._backend.read(lambda rows: self._require_free(rows, account))
        if stretched is None:
            stretched = Stretched(*await self._slowly(partial(self._seal.lock, password)))
        lock, key = stretched
        invitation = None if token is None else self._seal.name("invitation", token)
        validity = secrets.randbits(30) + 1

        def job(rows: Writing, news: News) -> None:
            self._require_free(rows, account)
            if invitation is not None:
                burn(rows, invitation, day)
            rows.put_account(account, AccountRow(lock, day, validity))
            open_mailbox(rows, self._seal, account, INBOX)

        await self._backend.write(job)
        return Owner(account, name, key)

    async def login(self, name: str, password: str, *, day: int) -> Owner:
        """See `Accounts.login`."""
        account = self._account(name)
        while True:
            row = await self._backend.read(lambda rows: rows.account(account))
            if row is None:
                raise NoSuchAccount(Stretched(*await self._slowly(partial(self._seal.lock, password))))
            opened = await self._unlocked(row.lock, password)
            if not isinstance(opened, Anew):
                break
            if await self._emptied(account, row.lock, opened.lock, day):
                return Owner(account, name, opened.key, emptied=True)
        if row.day < day:
            with suppress(StoreError):  # a full or failing disk keeps nobody from reading and deleting
                await self._backend.write(partial(touch, account=account, day=day))
        return Owner(account, name, opened)

    async def set_duress(self, name: str, password: str, duress: str | None, *, day: int) -> Owner:
        """See `Accounts.set_duress`."""
        owner = await self.login(name, password, day=day)
        while row := await self._backend.read(lambda rows: current(rows, owner)):
            lock = await self._slowly(partial(self._seal.with_duress, row.lock, duress))
            if await self._backend.write(partial(replace_lock, account=owner.account, before=row.lock, after=lock)):
                return owner
        raise WrongPassword

    async def delete(self, owner: Owner) -> None:
        """See `Accounts.delete`."""
        ruins = await self._backend.write(partial(self._destroy, account=owner.account, key=owner.key))
        await clear_ruins(self._backend, self._seal, ruins or (), owner.key)

    async def expire(self, *, before_day: int) -> int:
        """See `Accounts.expire`."""
        expired = 0
        while accounts := await self._backend.read(lambda rows: rows.accounts_before(before_day, EXPIRED_AT_ONCE)):
            for account in accounts:
                ruins = await self._backend.write(
                    partial(self._destroy, account=AccountId(account), if_before=before_day)
                )
                if ruins is not None:
                    expired += 1
                    await clear_ruins(self._backend, self._seal, ruins)
        return expired

    async def count(self) -> int:
        """See `Accounts.count`."""
        return await self._backend.read(lambda rows: rows.accounts())

    async def close(self) -> None:
        """Let go of the threads, and leave what is not cleared yet to a later sweep."""
        self._slow.shutdown(wait=False, cancel_futures=True)
        for task in self._clearing:
            task.cancel()
        await asyncio.gather(*self._clearing, return_exceptions=True)

    async def _unlocked(self, lock: bytes, password: str) -> Key | Anew:
        """What a password opens. Raises WrongPassword, Damaged."""
        try:
            opened = await self._slowly(partial(self._seal.unlock, lock, password))
        except ValueError as error:
            damaged = Damaged()
            _log.error("an account cannot be opened: %s", damaged)
            raise damaged from error
        if opened is None:
            raise WrongPassword
        return opened

    async def _emptied(self, account: AccountId, before: bytes, after: bytes, day: int) -> bool:
        """Have an account begin anew; return False if its lock has become another meanwhile.

        Returns as soon as it is done for good. What is left is noise, and its removal keeps nobody waiting: an answer
        that took longer the more there was would tell.
        """

        def job(rows: Writing, news: News) -> list[int] | None:
            row = rows.account(account)
            if row is None or row.lock != before:
                return None
            rows.remove_account(account)
            numbers = self._ruined(rows, news, account)
            rows.put_account(account, AccountRow(after, max(row.day, day), row.validity))
            open_mailbox(rows, self._seal, account, INBOX)
            return numbers

        numbers = await self._backend.write(job)
        if numbers is None:
            return False
        task = asyncio.create_task(self._clear(numbers))
        self._clearing.add(task)
        task.add_done_callback(self._clearing.discard)
        return True

    async def _clear(self, numbers: list[int]) -> None:
        with suppress(StoreError):  # a sweep goes on with it
            await clear_ruins(self._backend, self._seal, numbers)

    def _account(self, name: str) -> AccountId:
        return AccountId(self._seal.name("account", name))

    def _tomb(self, account: AccountId) -> bytes:
        return self._seal.name("tombstone", account.hex())

    def _require_free(self, rows: Reading, account: AccountId) -> None:
        if rows.account(account) is not None or rows.buried(self._tomb(account)):
            raise NameTaken

    def _destroy(
        self, rows: Writing, news: News, *, account: AccountId, key: Key | None = None, if_before: int | None = None
    ) -> list[int] | None:
        """Take an account away; return the numbers of its mailboxes, now ruins, or None if it is not to be."""
        row = rows.account(account)
        if row is None or (if_before is not None and row.day >= if_before) or (key and not key.fits(row.lock)):
            return None
        rows.remove_account(account)
        rows.bury(self._tomb(account))
        return self._ruined(rows, news, account)

    def _ruined(self, rows: Writing, news: News, account: AccountId) -> list[int]:
        numbers = [mailbox.number for mailbox in rows.mailboxes(account)]
        for number in numbers:
            ruin(rows, news, number)
        return numbers

    async def _slowly(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._slow, work)
        except RuntimeError as closed:
            raise StoreError("the store is closed") from closed


def burn(rows: Writing, invitation: bytes, day: int) -> None:
    """Use an invitation once. Raises NoSuchToken."""
    uses, expires_day = rows.invitation(invitation) or (0, 0)
    if uses < 1 or expires_day < day:
        raise NoSuchToken
    rows.put_invitation(invitation, uses - 1, expires_day)


def replace_lock(rows: Writing, news: News, *, account: AccountId, before: bytes, after: bytes) -> bool:
    """Give an account another lock, unless it has become another one meanwhile."""
    row = rows.account(account)
    if row is None or row.lock != before:
        return False
    rows.put_account(account, row._replace(lock=after))
    return True


def touch(rows: Writing, news: News, *, account: AccountId, day: int) -> None:
    """Remember a login."""
    row = rows.account(account)
    if row is not None and row.day < day:
        rows.put_account(account, row._replace(day=day))
