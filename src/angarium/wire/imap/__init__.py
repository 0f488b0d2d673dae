"""IMAP4rev1 (RFC 3501) as pure code: grammar, commands, responses, and a session's view of its mailbox."""
