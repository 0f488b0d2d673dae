"""What readers say, by the app or by the form on the site, on its way to the editors: held until one judges it.

Bounded: so many wait at most, and so many of one reader in the app. Of a reader nothing is kept but what they wrote,
and until it is judged the way to answer: their number among the contacts of the channel's profile, or what they typed.
"""

import time
from collections.abc import Callable
from enum import StrEnum

from angarium.channel.archive import Archive
from angarium.channel.book import DeskBook
from angarium.channel.carrying import APP, Carrier
from angarium.channel.desk import Desk
from angarium.channel.post import Comment
from angarium.channel.speech import speech
from angarium.channel.words import line, tidy

__all__ = ["NAME", "REPLY", "WORDS", "Replies", "Taken"]

WORDS, NAME, REPLY = 4000, 80, 200
"""Most characters of what is said, of a name, and of an address to answer at."""
WAITING, OF_ONE = 500, 10
"""Most that wait at a time: of all, and of one reader in the app."""


class Taken(StrEnum):
    """What became of something a reader said."""

    TAKEN = "taken"
    FULL = "full"
    UNKNOWN = "unknown"


class Replies:
    """Takes what readers say, for one channel."""

    def __init__(
        self,
        archive: Archive,
        book: DeskBook,
        carrier: Carrier,
        desk: Callable[[], Desk],
        language: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._archive = archive
        self._book = book
        self._carrier = carrier
        self._desk = desk
        self._speech = speech(language)
        self._clock = clock

    def letter(self, message: int, reader: int, words: str, draft: int, *, has_file: bool) -> Taken:
        """A message to the channel from somebody's app, about the post of a draft (0: about none). Taken once."""
        with self._archive.writing():
            if not self._book.take_letter(message):
                return Taken.TAKEN
            filed = self._archive.find(self._carrier.key(draft)) if draft else None
            back = f"{APP}{reader}"
            waiting = self._archive.waiting()
            if len(waiting) >= WAITING or sum(each.reply_to == back for each in waiting) >= OF_ONE:
                return Taken.FULL
            said = tidy(words).strip()[:WORDS]
            if has_file:
                said = f"{said}\n\n{self._speech.say('has_file')}".strip()
            if said:
                self._hear(Comment(post=filed.number if filed else 0, written=self._now(), words=said, reply_to=back))
            return Taken.TAKEN

    def comment(self, post: int, words: str, name: str, reply: str) -> Taken:
        """What came by the form under a post."""
        with self._archive.writing():
            if self._archive.get(post) is None:
                return Taken.UNKNOWN
            if len(self._archive.waiting()) >= WAITING:
                return Taken.FULL
            said, back = tidy(words)[:WORDS], line(reply, REPLY).removeprefix(APP)
            self._hear(Comment(post=post, written=self._now(), name=line(name, NAME), words=said, reply_to=back))
            return Taken.TAKEN

    def _hear(self, comment: Comment) -> None:
        number = self._archive.put_comment(comment)
        self._carrier.carry(self._desk().hear(number, comment.words))

    def _now(self) -> int:
        return int(self._clock())
