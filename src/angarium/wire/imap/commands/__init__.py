"""Every command a client may send: its value, and beside it the parser of its arguments."""

from angarium.wire.imap.commands import account, entry, mailboxes, messages
from angarium.wire.imap.commands.rule import Command, Rule, State

__all__ = ["RULES", "Command", "Rule", "State"]

RULES: dict[str, Rule] = {**entry.RULES, **mailboxes.RULES, **messages.RULES, **account.RULES}
