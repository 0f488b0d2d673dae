"""What the relay forgets, and when: the settings turned into rules, and a sweep a few times a day.

Days are all it knows. A sweep comes at no exact hour, so the moment of a deletion tells nothing about the arrival.
The day is the calendar's, which does not believe every clock (`mail/calendar.py`); that of a machine that has just
started is given some minutes to be set.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable

from angarium.mail import settings
from angarium.store.interfaces import Accounts, Invitations, Mailboxes, Rules, StoreError
from angarium.store.outbound import Marks

__all__ = ["MARK_DAYS", "Retention", "rules"]

_log = logging.getLogger("angarium.mail.retention")

SETTLE_SECONDS = 600
"""Until the first sweep."""
EVERY_SECONDS = 3600
"""Between two sweeps, give or take a half."""
MARK_DAYS = 14
"""How long a mailbox remembers what it had from other relays; they give up sending it long before."""


def rules(settings: settings.Retention, today: int) -> Rules:
    """What a sweep on this day deletes."""
    return Rules(
        before_day=today - settings.message_days if settings.message_days else None,
        large_bytes=settings.large_bytes,
        large_seen_before_day=today - settings.large_seen_days if settings.large_seen_days else None,
        quota_high=settings.quota * settings.quota_high_percent // 100,
        quota_low=settings.quota * min(settings.quota_low_percent, settings.quota_high_percent) // 100,
        quota_before_day=today - settings.quota_keep_days,
    )


class Retention:
    """Forgets by rule.

    Args:
        settings: what, and when.
        accounts: the store's.
        mailboxes: the store's.
        invitations: the store's.
        marks: the store's.
        due: the day to delete by, since 1970-01-01 (UTC).
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        settings: settings.Retention,
        accounts: Accounts,
        mailboxes: Mailboxes,
        invitations: Invitations,
        marks: Marks,
        due: Callable[[], int],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._mailboxes = mailboxes
        self._invitations = invitations
        self._marks = marks
        self._due = due
        self._sleep = sleep

    async def run(self) -> None:
        """Sweep now and again until cancelled. A disk that fails is tried again the next time."""
        await self._sleep(SETTLE_SECONDS)
        while True:
            try:
                await self.sweep()
            except StoreError as error:
                _log.error("nothing could be forgotten: %s", error)
            await self._sleep(EVERY_SECONDS / 2 + secrets.randbelow(EVERY_SECONDS))

    async def sweep(self) -> None:
        """Forget what is due today. Raises StoreError."""
        today = self._due()
        if self._settings.account_days:
            accounts = await self._accounts.expire(before_day=today - self._settings.account_days)
            if accounts:
                _log.info("accounts not used for %d days deleted: %d", self._settings.account_days, accounts)
        await self._invitations.forget(before_day=today)
        await self._marks.forget(before_day=today - MARK_DAYS)
        swept = await self._mailboxes.sweep(rules(self._settings, today))
        if swept.old or swept.large or swept.quota:
            _log.info("messages deleted: %d old, %d large, %d over quota", swept.old, swept.large, swept.quota)
