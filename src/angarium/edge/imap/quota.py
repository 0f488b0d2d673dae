"""How full an account is (RFC 2087). There is one quota root, and nobody sets it from here."""

from angarium.edge.imap.session import Session
from angarium.wire.imap.commands.account import GetQuota, GetQuotaRoot, SetQuota
from angarium.wire.imap.responses import astring, string

__all__ = ["get_quota", "get_quota_root", "has_room", "set_quota"]

ROOT = b"account"


async def used(session: Session) -> int:
    """Bytes the account holds."""
    name = session.owner.name
    return (await session.site.mailboxes.usage([name])).get(name, 0)


async def has_room(session: Session, octets: int) -> bool:
    """Whether so much more would fit."""
    return await used(session) + octets <= session.site.retention.quota


async def get_quota(session: Session, command: GetQuota) -> None:
    """GETQUOTA."""
    if command.root != ROOT:
        session.machine.complete("NO", "No such quota root", "NONEXISTENT")
        return
    await _tell(session)
    session.machine.complete("OK", "Completed")


async def get_quota_root(session: Session, command: GetQuotaRoot) -> None:
    """GETQUOTAROOT."""
    session.machine.untagged(b"QUOTAROOT ", astring(command.mailbox), b" ", string(ROOT))
    await _tell(session)
    session.machine.complete("OK", "Completed")


async def set_quota(session: Session, _command: SetQuota) -> None:
    """SETQUOTA."""
    session.machine.complete("NO", "Only the keeper of this relay may", "NOPERM")


async def _tell(session: Session) -> None:
    """In units of 1024 octets, rounded up: a single message counts."""
    octets = await used(session)
    limit = session.site.retention.quota
    session.machine.untagged(b"QUOTA %s (STORAGE %d %d)" % (string(ROOT), -(-octets // 1024), limit // 1024))
