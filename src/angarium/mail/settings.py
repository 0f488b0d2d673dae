"""The settings of what the relay decides. `apps/config.py` assembles them into one file.

Sizes are bytes, times are in the unit their name says.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = ["Accounts", "Federation", "Messages", "Push", "Retention", "Route"]


class Accounts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who gets an address here."""

    registration: Annotated[
        Literal["open", "invite", "closed"],
        Meta(description="Who may make an account: everybody (open), who has an invitation (invite), nobody (closed)."),
    ] = "open"
    name_min_length: Annotated[int, Meta(ge=1, le=64, description="Shortest name (the part before the @).")] = 9
    name_max_length: Annotated[int, Meta(ge=1, le=64, description="Longest name.")] = 64
    password_min_length: Annotated[int, Meta(ge=1, le=1024, description="Shortest password.")] = 9


class Messages(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may be sent."""

    max_size: Annotated[
        int,
        Meta(ge=65536, le=1 << 30, description="Largest message in bytes, as sent (base64 adds a third to a file)."),
    ] = 31_457_280
    max_recipients: Annotated[int, Meta(ge=1, le=10_000, description="Most recipients of one message.")] = 1000
    rate_per_minute: Annotated[int, Meta(ge=1, description="Messages a sender may send per minute, on average.")] = 60
    rate_burst: Annotated[
        int, Meta(ge=1, description="Messages a sender may send at once before that average counts.")
    ] = 10


class Retention(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the relay forgets, and when. Set a number of days to 0 to keep for ever."""

    quota: Annotated[int, Meta(ge=1_048_576, description="Bytes one account may hold.")] = 524_288_000
    quota_high_percent: Annotated[
        int, Meta(ge=1, le=100, description="Fullness at which the oldest messages begin to be dropped.")
    ] = 75
    quota_low_percent: Annotated[int, Meta(ge=1, le=100, description="Fullness at which dropping stops.")] = 70
    quota_keep_days: Annotated[
        int, Meta(ge=0, description="Messages of the last so many whole days are never dropped for quota.")
    ] = 1
    message_days: Annotated[int, Meta(ge=0, description="Days until a message is deleted.")] = 20
    large_bytes: Annotated[int, Meta(ge=1, description="A message larger than this is large.")] = 200_000
    large_seen_days: Annotated[int, Meta(ge=0, description="Days until a large message that was seen is deleted.")] = 7
    account_days: Annotated[int, Meta(ge=0, description="Days without a login until an account is deleted.")] = 90


class Push(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Waking phones through a notification service. Off by default: no request leaves the relay unasked."""

    url: Annotated[
        str,
        Meta(pattern=r"^(https://.+)?$", description="Where to POST a phone's token when mail arrives; empty: off."),
    ] = ""


class Route(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one relay is reached."""

    via: Annotated[
        str,
        Meta(
            pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]*)(:[0-9]{1,5})?$",
            description="The host and port to connect to; empty: what DNS says.",
        ),
    ] = ""
    transport: Annotated[
        Literal["any", "https", "smtp", "box"],
        Meta(
            description="How mail gets there: https, smtp, or box, which leaves it with the holder named on the relay's"
            " card; any: one after the other, in this order."
        ),
    ] = "any"


class Federation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Mail to and from other relays."""

    enabled: Annotated[bool, Meta(description="Whether there is any, or people here only write to each other.")] = True
    allow: Annotated[
        list[str],
        Meta(description="Only with these relays: domains, IP addresses, *.domain for all below; empty: with all."),
    ] = []
    deny: Annotated[list[str], Meta(description="Never with these; spelt as in allow, and stronger.")] = []
    routes: Annotated[
        dict[str, Route],
        Meta(description="Ways to single relays, where DNS has none or a bad one: see the keeper's guide."),
    ] = {}
    retry_days: Annotated[
        int, Meta(ge=1, le=30, description="Days until a message that cannot be delivered is returned.")
    ] = 2
    queue_messages: Annotated[
        int,
        Meta(
            ge=1, description="Most messages that wait; one counts for each relay, and again for ten recipients there."
        ),
    ] = 50_000
    queue_bytes: Annotated[
        int, Meta(ge=65_536, description="Most bytes that wait; a message counts for each relay it goes to.")
    ] = 2_147_483_648
    hold_bytes_per_peer: Annotated[
        int, Meta(ge=1_048_576, description="Bytes held for each relay that fetches its mail here.")
    ] = 268_435_456
    hold_days: Annotated[
        int, Meta(ge=1, le=365, description="Days until what such a relay does not fetch is thrown away.")
    ] = 30
