"""A message as Telegram Desktop exports it, from its JSON or its HTML: what is used of it, and nothing of who reacted.

Pure values. Fields are called as in the JSON; all others are left out.
"""

from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, field

from angarium.channel.post import Text

__all__ = [
    *("Answer", "Button", "Chat", "Contact", "Giveaway", "GivenPoll", "Invoice", "Message", "Part", "Placed", "Place"),
    *("Rich", "Task", "Tasks", "Winners"),
]

Number = Annotated[int, Meta(ge=-(1 << 53), le=1 << 53)]


class Part(Struct):
    """A piece of a text, and what it is."""

    text: str = ""
    type: str = "plain"
    href: str | None = None
    language: str | None = None


Rich = str | list[str | Part]
"""A text: plain, or in pieces."""


class Answer(Struct):
    """An answer of a poll."""

    text: Rich = ""
    voters: Number = 0


class GivenPoll(Struct):
    """A poll with its result so far."""

    question: Rich = ""
    closed: bool = False
    total_voters: Number = 0
    answers: list[Answer] = []


class Contact(Struct):
    """Somebody's visiting card."""

    first_name: str | None = ""
    last_name: str | None = ""
    phone_number: str | None = ""


class Place(Struct):
    """A point on earth, in degrees."""

    latitude: float
    longitude: float


class Invoice(Struct):
    """Something for sale."""

    title: str = ""
    description: str = ""
    amount: Number = 0
    """In the smallest unit of the currency."""
    currency: str = ""


class Giveaway(Struct):
    """Prizes for subscribers."""

    quantity: Number = 0
    months: Number = 0
    until_date: str | None = ""
    additional_prize: str | None = ""
    stars: Number = 0


class Winners(Struct):
    """How a giveaway ended."""

    winners_count: Number = 0
    additional_prize: str | None = ""


class Task(Struct):
    """Something on a list of tasks."""

    text: Rich = ""


class Tasks(Struct):
    """A list of tasks."""

    title: Rich = ""
    answers: list[Task] = []


class Button(Struct):
    """A button under a message."""

    type: str = ""
    text: str = ""
    data: str = ""


class Message(Struct):
    """One message."""

    id: Number
    type: str = "message"
    """`message`, `service`, or `unsupported`."""
    date: str = ""
    """Local time of the computer that exported, where `date_unixtime` is missing."""
    date_unixtime: Number | None = None
    edited: str = ""
    edited_unixtime: Number | None = None
    action: str = ""
    message_id: Number | None = None
    """Which message a service message is about."""
    sender: str | None = field(name="from", default=None)
    from_id: object = None
    """`channel…` where a channel speaks; else it is not looked at."""
    author: str | None = None
    """A channel's post may be signed."""
    forwarded_from: str | None = None
    reply_to_message_id: Number | None = None
    reply_to_peer_id: object = None
    """Set where it answers a message of another chat."""
    text: Rich = ""
    text_entities: list[Part] = []

    photo: str | None = None
    """A path in the export, or in parentheses why the file is not there."""
    file: str | None = None
    file_name: str | None = None
    media_type: str | None = None
    sticker_emoji: str | None = None
    performer: str | None = None
    title: str | None = None
    width: Number | None = None
    height: Number | None = None
    duration_seconds: Number | None = None
    media_spoiler: bool | None = None

    poll: GivenPoll | None = None
    contact_information: Contact | None = None
    location_information: Place | None = None
    live_location_period_seconds: Number | None = None
    place_name: str | None = None
    address: str | None = None
    game_title: str | None = None
    game_description: str | None = None
    game_link: str | None = None
    invoice_information: Invoice | None = None
    giveaway_information: Giveaway | None = None
    giveaway_results: Winners | None = None
    todo_list: Tasks | None = None
    inline_bot_buttons: list[list[Button]] = []


class Chat(NamedTuple):
    """Whose messages they are."""

    name: str
    type: str
    """As the JSON has it, such as `public_channel`; empty where the export does not say, as HTML does not."""
    id: int
    """0 where the export does not say."""


class Placed(NamedTuple):
    """A message and where it stands."""

    message: Message
    file: str
    line: int
    column: int
    text: Text | None = None
    """What it says, where that was read already, as from HTML; then its own text has the words alone."""
