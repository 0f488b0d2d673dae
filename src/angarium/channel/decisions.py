"""What the desk decides, as values: carried out by `carrying`, elsewhere."""

from enum import StrEnum

import msgspec

__all__ = [
    *("Answer", "Ask", "Change", "Decision", "Drop", "Mark", "Publish", "Show", "Sign", "Tell", "Told", "Withdraw"),
]


class Told(StrEnum):
    """What editors are told."""

    PUBLISHED = "published"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    NOT_THE_LATEST = "not_the_latest"
    NOT_ONES_OWN = "not_ones_own"
    NOTHING_TO_DO = "nothing_to_do"
    ABOUT_WHAT = "about_what"
    TOO_LONG = "too_long"
    NO_TEXT = "no_text"
    TOO_LARGE = "too_large"
    UNSTRIPPED = "unstripped"
    SIGNED = "signed"
    UNSIGNED = "unsigned"
    TAKEN = "taken"
    DESCRIBED = "described"
    NAME_FIRST = "name_first"
    SAY_AGAIN = "say_again"
    RENEWED = "renewed"
    ANSWERED = "answered"
    NO_WAY_BACK = "no_way_back"
    SHOWN = "shown"
    NOT_SENT = "not_sent"
    HELP = "help"


class Publish(msgspec.Struct, frozen=True):
    """Publish a draft."""

    draft: int


class Change(msgspec.Struct, frozen=True):
    """Give a published post another text."""

    draft: int
    text: str


class Withdraw(msgspec.Struct, frozen=True):
    """Take a published post back."""

    draft: int


class Ask(msgspec.Struct, frozen=True):
    """Send the group a message that says what a motion is about, to be voted on."""

    motion: int


class Tell(msgspec.Struct, frozen=True):
    """Say something in the group, as a reply to a message (0: to none)."""

    what: Told
    message: int


class Mark(msgspec.Struct, frozen=True):
    """Show on a draft's message, by a reaction, how far it came."""

    message: int
    stage: str


class Sign(msgspec.Struct, frozen=True):
    """A member signs by another name from now on (empty: by none), or says who they are."""

    by: int
    message: int
    name: str | None = None
    biography: str | None = None


class Show(msgspec.Struct, frozen=True):
    """Show a comment."""

    comment: int
    ballot: int


class Drop(msgspec.Struct, frozen=True):
    """Delete a comment."""

    comment: int
    ballot: int


class Answer(msgspec.Struct, frozen=True):
    """Write to the reader who wrote a comment."""

    comment: int
    text: str
    message: int
    """The editor's message."""


Decision = Publish | Change | Withdraw | Ask | Tell | Mark | Sign | Show | Drop | Answer
