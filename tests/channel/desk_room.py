"""A group with its desk, in memory: who is in it say, edit, delete and react, and the desk decides."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from angarium.channel.decisions import Answer, Ask, Change, Decision, Drop, Publish, Show, Sign, Tell, Told, Withdraw
from angarium.channel.desk import Desk
from angarium.channel.matters import Draft, File, Motion, Reference, Rules, Seen

__all__ = ["ADA", "BEN", "CAY", "FILE", "MEMBERS", "STRANGER", "Memory", "Room"]

ADA, BEN, CAY, STRANGER = 11, 12, 13, 99
MEMBERS = (1, ADA, BEN, CAY)
FILE = File("/blobs/x", "x.jpg", "Image")


@dataclass
class Memory:
    """A book in memory."""

    drafts: MutableMapping[int, Draft] = field(default_factory=dict)
    motions: MutableMapping[int, Motion] = field(default_factory=dict)
    references: MutableMapping[int, Reference] = field(default_factory=dict)
    serials: int = 0

    def serial(self) -> int:
        self.serials += 1
        return self.serials


class Room:
    """A group with its desk: our own messages are sent as soon as they are decided."""

    def __init__(self, rules: Rules | None = None, members: tuple[int, ...] = MEMBERS) -> None:
        self.book = Memory()
        self.rules, self.members = rules or Rules(), members
        self.desk = Desk(self.book, self.rules, self.members)
        self.group: dict[int, Seen] = {}
        self.ours: dict[int, str] = {}
        """The text that each message of ours was sent with."""
        self.log: list[Decision] = []
        self.last = 100

    def _carry(self, decisions: list[Decision]) -> list[Decision]:
        for decision in decisions:
            if isinstance(decision, Ask) and decision.motion in self.book.motions:
                message = self.next()
                self.ours[message] = self.book.motions[decision.motion].text
                self.group[message] = Seen(message, 1)
                self.desk.sent(message, motion=decision.motion)
        self.log += decisions
        return decisions

    def next(self) -> int:
        self.last += 1
        return self.last

    def say(self, by: int, text: str, quoted: int = 0, file: File | None = None) -> int:
        message = self.next()
        self.group[message] = Seen(message, by, text, quoted=quoted, file=file)
        self.look(message)
        return message

    def look(self, message: int) -> list[Decision]:
        return self._carry(self.desk.see(self.group[message]))

    def react(self, by: int, message: int, *, refuse: bool = False) -> list[Decision]:
        seen = self.group[message]
        if refuse:
            self.group[message] = replace(seen, refusing=seen.refusing | {by})
        else:
            self.group[message] = replace(seen, approving=seen.approving | {by})
        return self.look(message)

    def edit(self, message: int, text: str) -> list[Decision]:
        self.group[message] = replace(self.group[message], text=text, edited=True)
        return self.look(message)

    def take_back(self, by: int, message: int) -> list[Decision]:
        seen = self.group[message]
        self.group[message] = replace(seen, approving=seen.approving - {by})
        return self.look(message)

    def put_out(self, member: int) -> None:
        self.members = tuple(each for each in self.members if each != member)
        self.desk = Desk(self.book, self.rules, self.members)

    def delete(self, message: int) -> list[Decision]:
        del self.group[message]
        return self._carry(self.desk.gone(message))

    def hear(self, comment: int, words: str) -> int:
        self._carry(self.desk.hear(comment, words))
        return max(self.ours)

    def told(self) -> list[Told]:
        return [decision.what for decision in self.log if isinstance(decision, Tell)]

    def done(self) -> list[Decision]:
        return [
            each for each in self.log if isinstance(each, Publish | Change | Withdraw | Show | Drop | Answer | Sign)
        ]

    def ballot(self) -> int:
        return max(self.ours)
