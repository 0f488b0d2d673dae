"""Push tokens: one hidden list for each account, so the disk tells neither how many phones nor whose they are.

A phone with two accounts gives both the same token. Each account keeps its own copy, in its own hidden list: a common
row, or even a common keyed name, would say that the two belong together.
"""

from collections.abc import Callable
from functools import partial

import msgspec

from angarium.store.interfaces import AccountId, Owner
from angarium.store.rows import Backend, News, Writing
from angarium.store.seal import Seal
from angarium.store.titles import current

__all__ = ["StoredTokens"]

KEPT = 16
_decoder = msgspec.msgpack.Decoder(list[str])


class StoredTokens:
    """See `store.interfaces.Tokens`."""

    def __init__(self, backend: Backend, seal: Seal) -> None:
        self._backend = backend
        self._seal = seal

    async def add(self, owner: Owner, token: str) -> None:
        """See `Tokens.add`."""

        def appended(tokens: list[str]) -> list[str]:
            return [*(other for other in tokens if other != token), token][-KEPT:]

        def job(rows: Writing, news: News) -> None:
            if current(rows, owner) is not None:
                self._change(rows, news, account=owner.account, change=appended)

        await self._backend.write(job)

    async def of(self, name: str) -> list[str]:
        """See `Tokens.of`."""
        account = self._account(name)
        return self._list(await self._backend.read(lambda rows: rows.devices(account)))

    async def drop(self, name: str, token: str) -> None:
        """See `Tokens.drop`."""

        def without(tokens: list[str]) -> list[str]:
            return [other for other in tokens if other != token]

        await self._backend.write(partial(self._change, account=self._account(name), change=without))

    def _account(self, name: str) -> AccountId:
        return AccountId(self._seal.name("account", name))

    def _list(self, hidden: bytes | None) -> list[str]:
        return [] if hidden is None else _decoder.decode(self._seal.reveal(hidden))

    def _change(
        self, rows: Writing, news: News, *, account: AccountId, change: Callable[[list[str]], list[str]]
    ) -> None:
        if rows.account(account) is None:
            return
        before = self._list(rows.devices(account))
        after = change(before)
        if after != before:
            rows.put_devices(account, self._seal.hide(msgspec.msgpack.encode(after)))
