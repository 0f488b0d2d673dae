"""What the desk deals with: messages as they are seen, drafts, motions, and the book that it keeps of them."""

from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from typing import Protocol

import msgspec

__all__ = ["Book", "Draft", "File", "Motion", "Motive", "Part", "Reference", "Rules", "Seen", "Stage"]


class File(msgspec.Struct, frozen=True):
    """Something attached, where the core keeps it."""

    path: str
    name: str
    view: str
    """What the app says it is: Image, Voice…"""
    width: int = 0
    height: int = 0
    milliseconds: int = 0


class Seen(msgspec.Struct, frozen=True):
    """A message in the group, as it is now."""

    message: int
    by: int
    text: str = ""
    edited: bool = False
    """Whether it said something else at first."""
    quoted: int = 0
    """The message that it replies to; 0: none."""
    file: File | None = None
    approving: frozenset[int] = frozenset()
    """Members whose reaction approves of it."""
    refusing: frozenset[int] = frozenset()


class Part(msgspec.Struct, frozen=True):
    """One message of a draft, as it was last seen."""

    message: int
    text: str
    file: File | None = None


class Stage(StrEnum):
    """How far a draft came."""

    WAITING = "waiting"
    PUBLISHED = "published"
    GONE = "gone"


class Draft(msgspec.Struct, frozen=True):
    """A post at the desk; its number is that of its first message."""

    by: int
    parts: tuple[Part, ...]
    text: str
    """What is to be published; once it is, what was."""
    stage: Stage = Stage.WAITING

    @property
    def number(self) -> int:
        """Its first message."""
        return self.parts[0].message

    @property
    def words(self) -> str:
        """The text of its messages together."""
        return "\n\n".join(part.text.strip() for part in self.parts if part.text.strip())


class Motive(StrEnum):
    """What a motion asks for."""

    PUBLISH = "publish"
    CHANGE = "change"
    WITHDRAW = "withdraw"
    SHOW = "show"
    NAME = "name"
    ABOUT = "about"


class Motion(msgspec.Struct, frozen=True):
    """Something that waits for approval."""

    motive: Motive
    about: int
    """A draft's number; for SHOW, a comment's; for NAME and ABOUT, the member."""
    by: int
    """Who asks for it; 0: a reader."""
    text: str = ""
    ballot: int = 0
    """The message to vote on; 0: it is not sent yet."""
    reacted: frozenset[int] = frozenset()
    """Whose reaction to the ballot approves, as last seen."""
    by_reply: Mapping[int, int] = msgspec.field(default_factory=dict)
    """Who approved by a message of their own, by its number."""


class Reference(msgspec.Struct, frozen=True):
    """What a message in the group is about. Without a draft and a comment, it was read, and nothing came of it."""

    draft: int = 0
    comment: int = 0


class Rules(msgspec.Struct, frozen=True):
    """How a newsroom decides."""

    approvals: int = 1
    own: bool = False
    """Whether who asks for something is among those who may approve of it."""


class Book(Protocol):
    """What a desk remembers."""

    drafts: MutableMapping[int, Draft]
    motions: MutableMapping[int, Motion]
    references: MutableMapping[int, Reference]

    def serial(self) -> int:
        """A number for a motion that none had before: what was sent for one must not count for another."""
