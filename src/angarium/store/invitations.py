"""Invitations to a relay that is closed to strangers. They are burnt where accounts are made: `store.accounts`."""

from angarium.store.rows import Backend
from angarium.store.seal import Seal

__all__ = ["StoredInvitations"]


class StoredInvitations:
    """See `store.interfaces.Invitations`."""

    def __init__(self, backend: Backend, seal: Seal) -> None:
        self._backend = backend
        self._seal = seal

    async def add(self, token: str, *, uses: int, expires_day: int) -> None:
        """See `Invitations.add`."""
        invitation = self._seal.name("invitation", token)
        await self._backend.write(lambda rows, news: rows.put_invitation(invitation, uses, expires_day))

    async def valid(self, token: str, *, day: int) -> bool:
        """See `Invitations.valid`."""
        invitation = self._seal.name("invitation", token)
        uses, expires_day = await self._backend.read(lambda rows: rows.invitation(invitation) or (0, 0))
        return uses > 0 and expires_day >= day

    async def forget(self, *, before_day: int) -> int:
        """See `Invitations.forget`."""
        return await self._backend.write(lambda rows, news: rows.remove_invitations(before_day))
