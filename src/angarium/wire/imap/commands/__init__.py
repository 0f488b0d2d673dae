"""Every command a client may send: its value, and beside it the parser of its arguments."""

from angarium.wire.imap.commands import account, entry, mailboxes, messages
from angarium.wire.imap.commands.rule import Command, Rule, State
from angarium.wire.imap.reader import Reader

__all__ = ["RULES", "USUAL", "Command", "Rule", "State"]

RULES: dict[str, Rule] = {**entry.RULES, **mailboxes.RULES, **messages.RULES, **account.RULES}


def _read(text: bytes) -> tuple[Rule, Command]:
    reader = Reader.of(text)
    rule = RULES[reader.word()]
    parser = rule.parse(reader)
    try:
        while True:
            next(parser)
    except StopIteration as done:
        return rule, done.value


USUAL = {text: _read(text) for text in (b"IDLE", b"CLOSE", b"NOOP", b'SELECT "INBOX"')}
"""What the apps say all day, word for word: read once."""
