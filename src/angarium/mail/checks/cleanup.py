"""What a message need not say: the fields that name the sender's program, machine or network, and the hidden copies.

Of mail from another relay also what that relay and those before it wrote on it: once the signatures have been checked,
they say only which way the message came, and prove to whoever gets hold of it that it was sent.

Not a check but its counterpart: after the checks, before the commit. Everything else stays to the byte, the outer
Subject apart, which becomes ``[...]``: the real one is inside the encrypted part.
"""

from angarium.wire.message import Entity, rewrite

__all__ = ["clean", "clean_arrived"]

_NETWORK = (
    "received x-received authentication-results arc-authentication-results return-path delivered-to x-originating-ip "
    "x-originating-email x-originating-host x-client-ip x-sender-ip x-source-ip x-remote-ip x-real-ip x-forwarded-for "
    "x-forwarded-to x-http-client x-sender x-sender-host x-authenticated-sender x-authenticated-user "
    "x-authentication-warning x-get-message-sender-via x-source x-source-args x-source-dir x-php-originating-script "
    "x-php-script x-host x-antiabuse x-envelope-from x-envelope-to"
)
_PROGRAM = (
    "user-agent x-mailer x-newsreader x-mimeole x-operating-system x-library x-enigmail-version mail-system-version "
    "x-mailer-version x-mailer-info x-user-agent x-client x-client-version x-delta-chat-version x-kmail-identity "
    "x-kmail-transport x-mozilla-status x-mozilla-status2 x-mozilla-keys x-mozilla-draft-info x-account-key "
    "x-identity-key x-uidl x-apple-base-url x-apple-mail-remote-attachments x-apple-windows-friendly "
    "x-apple-auto-saved x-universally-unique-identifier x-uniform-type-identifier x-google-original-from "
    "x-gm-message-state fcc"
)
_HIDDEN = "bcc resent-bcc"
_TRANSIT = (
    "dkim-signature domainkey-signature arc-seal arc-message-signature received-spf authentication-results-original "
    "x-dkim x-spam-status x-spam-score x-spam-flag x-spam-level x-spam-checker-version x-virus-scanned x-original-to "
    "x-mail-from x-mail-to x-rspamd-server x-rspamd-queue-id x-spamd-result x-google-dkim-signature "
    "x-google-smtp-source"
)
_DROPPED = frozenset(f"{_NETWORK} {_PROGRAM} {_HIDDEN}".encode().split())
_DROPPED_ON_ARRIVAL = _DROPPED | frozenset(_TRANSIT.encode().split())
_REPLACED = {b"subject": b"[...]"}


def clean(message: Entity) -> bytes:
    """The message as it is stored and sent on."""
    return rewrite(message, drop=_DROPPED, replace=_REPLACED)


def clean_arrived(message: Entity, *, report: bool) -> bytes:
    """A message from another relay as it is stored. A `report` of a failure keeps its Subject: the apps show it."""
    return rewrite(message, drop=_DROPPED_ON_ARRIVAL, replace={} if report else _REPLACED)
