"""The back-end that forgets everything when it ends: for tests, and for a relay that must leave no trace.

Rows in dictionaries. A job runs on the event loop without a pause, so it is alone; it raises before it changes
anything (see `store.rows`), so there is nothing to roll back.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import TypeVar

from angarium.store.flags import DELETED, SEEN
from angarium.store.interfaces import StoreError
from angarium.store.rows import AccountRow, MailboxRow, MessageRow, News, Reading, Writing

__all__ = ["MemoryBackend"]

T = TypeVar("T")


class MemoryBackend:
    """See `store.rows.Backend`."""

    def __init__(self, publish: Callable[[News], None]) -> None:
        self._rows = _Rows()
        self._publish = publish
        self._open = True

    async def read(self, look: Callable[[Reading], T], *, heavy: bool = False) -> T:
        """See `Backend.read`."""
        self._require_open()
        return look(self._rows)

    async def write(self, job: Callable[[Writing, News], T]) -> T:
        """See `Backend.write`."""
        self._require_open()
        news: News = []
        result = job(self._rows, news)
        self._publish(news)
        return result

    async def close(self) -> None:
        """See `Backend.close`."""
        self._open = False
        self._rows = _Rows()

    def _require_open(self) -> None:
        if not self._open:
            raise StoreError("the store is closed")


class _Blob:
    __slots__ = ("body", "day", "holders")

    def __init__(self, day: int, holders: int, body: bytes) -> None:
        self.day = day
        self.holders = holders
        self.body = body


class _Rows:
    """See `store.rows.Writing`, where every method is described."""

    def __init__(self) -> None:
        self._accounts: dict[bytes, AccountRow] = {}
        self._devices: dict[bytes, bytes] = {}
        self._tombs: set[bytes] = set()
        self._invitations: dict[bytes, tuple[int, int]] = {}
        self._numbers: dict[bytes, dict[bytes, int]] = {}
        self._places: dict[int, tuple[bytes, bytes]] = {}
        self._boxes: dict[int, MailboxRow] = {}
        self._messages: dict[int, dict[int, MessageRow]] = {}
        self._bodies: dict[tuple[int, int], bytes] = {}
        self._blobs: dict[int, _Blob] = {}

    # Accounts and invitations

    def account(self, account: bytes) -> AccountRow | None:
        return self._accounts.get(account)

    def accounts(self) -> int:
        return len(self._accounts)

    def accounts_before(self, day: int, limit: int) -> list[bytes]:
        return list(islice((account for account, row in self._accounts.items() if row.day < day), limit))

    def accounts_holding(self, more_than: int) -> list[bytes]:
        return [account for account in self._numbers if sum(box.size for box in self.mailboxes(account)) > more_than]

    def put_account(self, account: bytes, row: AccountRow) -> None:
        self._accounts[account] = row

    def remove_account(self, account: bytes) -> None:
        del self._accounts[account]
        self._devices.pop(account, None)

    def buried(self, tomb: bytes) -> bool:
        return tomb in self._tombs

    def bury(self, tomb: bytes) -> None:
        self._tombs.add(tomb)

    def devices(self, account: bytes) -> bytes | None:
        return self._devices.get(account)

    def put_devices(self, account: bytes, devices: bytes) -> None:
        self._devices[account] = devices

    def invitation(self, token: bytes) -> tuple[int, int] | None:
        return self._invitations.get(token)

    def put_invitation(self, token: bytes, uses: int, expires_day: int) -> None:
        self._invitations[token] = (uses, expires_day)
        if uses < 1:
            del self._invitations[token]

    def remove_invitations(self, before_day: int) -> int:
        expired = [token for token, (_, last) in self._invitations.items() if last < before_day]
        for token in expired:
            del self._invitations[token]
        return len(expired)

    # Mailboxes

    def mailbox(self, account: bytes, name: bytes) -> MailboxRow | None:
        number = self._numbers.get(account, {}).get(name)
        return None if number is None else self._boxes[number]

    def mailboxes(self, account: bytes) -> list[MailboxRow]:
        return [self._boxes[number] for number in self._numbers.get(account, {}).values()]

    def box(self, number: int) -> MailboxRow | None:
        return self._boxes.get(number)

    def numbered(self, number: int) -> bool:
        return number in self._messages

    def waiting(self) -> int:
        return sum(box.messages for box in self._boxes.values())

    def add_mailbox(self, account: bytes, name: bytes, row: MailboxRow) -> None:
        self._numbers.setdefault(account, {})[name] = row.number
        self._places[row.number] = (account, name)
        self._boxes[row.number] = row
        self._messages[row.number] = {}

    def rename_mailbox(self, number: int, name: bytes, title: bytes) -> None:
        account, before = self._places[number]
        del self._numbers[account][before]
        self._numbers[account][name] = number
        self._places[number] = (account, name)
        self._boxes[number] = self._boxes[number]._replace(title=title)

    def put_mailboxes(self, rows: Iterable[MailboxRow]) -> None:
        self._boxes.update((row.number, row) for row in rows)

    def ruin_mailbox(self, number: int) -> None:
        account, name = self._places.pop(number)
        del self._numbers[account][name]
        if not self._numbers[account]:
            del self._numbers[account]
        del self._boxes[number]

    def ruins(self) -> list[int]:
        return [number for number in self._messages if number not in self._boxes]

    def clear_ruin(self, number: int) -> None:
        del self._messages[number]

    # Messages

    def messages(
        self, number: int, uids: Collection[int] | None = None, *, limit: int | None = None
    ) -> list[MessageRow]:
        messages = self._messages.get(number, {})
        if uids is None:
            return list(islice(messages.values(), limit))
        return [messages[uid] for uid in sorted(set(uids)) if uid in messages][:limit]

    def deleted(self, number: int, uids: Collection[int] | None, limit: int) -> list[MessageRow]:
        return [message for message in self.messages(number, uids) if DELETED in message.flags][:limit]

    def old(
        self, before_day: int, *, above: int, seen: bool, after: tuple[int, int], limit: int
    ) -> list[tuple[int, int]]:
        places = sorted(
            (number, message.uid)
            for number, messages in self._messages.items()
            for message in messages.values()
            if message.day < before_day and message.size > above and (not seen or SEEN in message.flags)
        )
        return [place for place in places if place > after][:limit]

    def add_messages(self, messages: Iterable[tuple[int, MessageRow]]) -> None:
        for number, message in messages:
            self._messages[number][message.uid] = message

    def put_flags(self, number: int, messages: Iterable[MessageRow]) -> None:
        self._messages[number].update((message.uid, message) for message in messages)

    def remove_messages(self, number: int, uids: Sequence[int]) -> None:
        for uid in uids:
            del self._messages[number][uid]
            self._bodies.pop((number, uid), None)

    # Bodies

    def body(self, number: int, uid: int) -> bytes | None:
        return self._bodies.get((number, uid))

    def add_bodies(self, bodies: Iterable[tuple[int, int, bytes]]) -> None:
        for number, uid, body in bodies:
            self._bodies[number, uid] = body

    def copy_body(self, number: int, uid: int, to_number: int, to_uid: int) -> None:
        body = self._bodies.get((number, uid))
        if body is not None:
            self._bodies[to_number, to_uid] = body

    def blob(self, blob: int) -> bytes | None:
        kept = self._blobs.get(blob)
        return None if kept is None else kept.body

    def add_blob(self, blob: int, *, day: int, holders: int, body: bytes) -> None:
        self._blobs[blob] = _Blob(day, holders, body)

    def hold_blob(self, blob: int, more: int) -> None:
        kept = self._blobs.get(blob)
        if kept is not None:
            kept.holders += more
            if kept.holders < 1:
                del self._blobs[blob]

    def remove_blobs(self, before_day: int, limit: int) -> int:
        old = list(islice((blob for blob, kept in self._blobs.items() if kept.day < before_day), limit))
        for blob in old:
            del self._blobs[blob]
        return len(old)
