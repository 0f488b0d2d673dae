"""METADATA (RFC 5464): what the relay tells apps of itself, and the tokens that phones leave to be woken by."""

from angarium.edge.imap.session import Session
from angarium.wire.imap.commands.account import GetMetadata, SetMetadata
from angarium.wire.imap.responses import astring, string

__all__ = ["get_metadata", "set_metadata"]

DEVICE_TOKEN = "/private/devicetoken"  # noqa: S105 (the name of an entry)
LONGEST_TOKEN = 4096


async def get_metadata(session: Session, command: GetMetadata) -> None:
    """GETMETADATA. Entries without a value are left out; mailboxes have none that could be read."""
    values = {} if command.mailbox else session.site.metadata()
    chosen = {name: value.encode() for name, value in values.items() if _asked(name, command)}
    sizes = [len(value) for value in chosen.values()]
    limit = command.max_size
    short = {name: value for name, value in chosen.items() if limit is None or len(value) <= limit}
    if short:
        listed = b" ".join(b"%s %s" % (name.encode("ascii"), string(value)) for name, value in short.items())
        session.machine.untagged(b"METADATA ", astring(command.mailbox), b" (", listed, b")")
    code = f"METADATA LONGENTRIES {max(sizes)}" if len(short) < len(chosen) else ""
    session.machine.complete("OK", "Completed", code)


def _asked(name: str, command: GetMetadata) -> bool:
    for entry in command.entries:
        if name == entry:
            return True
        below = name.removeprefix(f"{entry}/")
        if below != name and (command.depth is None or below.count("/") < command.depth):
            return True
    return False


async def set_metadata(session: Session, command: SetMetadata) -> None:
    """SETMETADATA: a token is added to those of the account's other devices, NIL forgets them all."""
    if command.mailbox != "INBOX" or not session.site.push or any(name != DEVICE_TOKEN for name, _ in command.values):
        session.machine.complete("NO", "There is nothing to set", "NOPERM")
        return
    if any(value is not None and len(value) > LONGEST_TOKEN for _, value in command.values):
        session.machine.complete("NO", "The value is too large", f"METADATA MAXSIZE {LONGEST_TOKEN}")
        return
    if any(value is not None and not _is_token(value) for _, value in command.values):
        session.machine.complete("NO", "A token is printable ASCII", "CANNOT")
        return
    for _, value in command.values:
        await _set_token(session, value)
    session.machine.complete("OK", "Completed")


def _is_token(value: bytes) -> bool:
    return bool(value) and all(0x21 <= octet <= 0x7E for octet in value)


async def _set_token(session: Session, value: bytes | None) -> None:
    tokens = session.site.tokens
    if value is not None:
        await tokens.add(session.owner, value.decode("ascii"))
        return
    for token in await tokens.of(session.owner.name):
        await tokens.drop(session.owner.name, token)
