"""What a message of Telegram's becomes here.

A post's key is `telegram/`, its chat and its number. People sign with the name they showed, never with a number of
theirs; where that name is a telephone number they do not sign. Service messages are left out, but for what they pin.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo

from angarium.channel.intake import pieces
from angarium.channel.intake.albums import albums
from angarium.channel.intake.attachments import Attachments
from angarium.channel.intake.extras import with_extras
from angarium.channel.intake.message import Chat, GivenPoll, Message, Placed
from angarium.channel.intake.refusal import Refused
from angarium.channel.intake.seen import Seen
from angarium.channel.post import Author, Medium, MediumKind, Option, Poll, Post, Text, tags_of
from angarium.channel.words import line, slug

__all__ = ["PUBLIC", "Telegram"]

PUBLIC = frozenset({"public_channel", "public_supergroup", "public_group"})
KINDS = {
    "sticker": MediumKind.STICKER,
    "video_message": MediumKind.VIDEO,
    "video_file": MediumKind.VIDEO,
    "voice_message": MediumKind.VOICE,
    "animation": MediumKind.ANIMATION,
    "audio_file": MediumKind.AUDIO,
}
NOT_THERE = re.compile(r".{0,255}\([A-Z][^()]*(unavailable|exceeds maximum size|not included)[^()]*\)", re.DOTALL)
"""What an export says in a path's place where it has no file."""
MOVED = ".tgs"
"""Stickers that nothing but Telegram can show. The sign they stand for is taken in their place."""
NUMBER = re.compile(r"[+\d\s().\u200e\u200f\u202a-\u202e\u2066-\u2069-]{5,}")
DAY = 86400
PINNED = 1000
"""How many pins are remembered."""


class Telegram:
    """Turns messages of a chat into posts.

    Args:
        chat: whose messages they are.
        part: what stands for the chat in the keys of posts.
        attachments: takes files.
        signs: is told who signs, once each.
        zone: where the computer stood that exported, for messages that give their local time alone.
        now: seconds since 1970; no message is from after the day that follows.
    """

    def __init__(
        self,
        chat: Chat,
        part: str,
        attachments: Attachments,
        signs: Callable[[Author], None],
        *,
        zone: tzinfo,
        now: int,
    ) -> None:
        self._chat, self._attachments, self._signs, self._zone, self._now = chat, attachments, signs, zone, now
        self.prefix = f"telegram/{part}/"
        """What all keys of the chat's posts begin with."""
        self._channel = chat.type.endswith("_channel")
        self._seen = Seen()
        self._pins: deque[int] = deque(maxlen=PINNED)
        self._authors: set[str] = set()
        self.service = 0
        """Service messages met."""
        self.empty = 0
        """Messages met that hold nothing: what they held is not in the export, or no export has it."""

    def pinned(self, most: int) -> list[str]:
        """Keys of what was pinned last, the latest first, each once."""
        return [f"{self.prefix}{number}" for number in list(dict.fromkeys(reversed(self._pins)))[:most]]

    def posts(self, messages: Iterable[Placed]) -> Iterator[Post]:
        """The posts of messages, in their order. Raises Refused."""
        for album in albums(self._told(messages)):
            if post := self._post(album):
                yield post
            else:
                self.empty += len(album)

    def _told(self, messages: Iterable[Placed]) -> Iterator[Placed]:
        """Messages that are posts; each number once."""
        for placed in messages:
            message = placed.message
            if not self._seen.add(message.id):
                raise _refused(placed, "a message of this number was there before")
            if message.type == "message":
                yield placed
            elif message.type == "service" and message.action:
                self.service += 1
                if message.action == "pin_message" and message.message_id is not None:
                    self._pins.append(message.message_id)
            elif message.type == "unsupported":
                self.empty += 1
            elif message.type == "service":
                self.service += 1
            else:
                raise _refused(placed, f"there is no kind of message called {line(message.type, 30)!r}")

    def _post(self, album: list[Placed]) -> Post | None:
        first = album[0].message
        texts = [self._text(placed) for placed in album]
        media = [medium for placed in album if (medium := self._medium(placed))]
        poll = _poll(first.poll) if first.poll else None
        text = next((text for text in texts if text), Text())
        if not text and first.sticker_emoji and not media:
            text = Text(line(first.sticker_emoji, 20))
        if not text and not media and not poll:
            return None
        published = self._time(album[0], first.date_unixtime, first.date)
        if published is None:
            raise _refused(album[0], "it has no date")
        changed = max(
            self._time(placed, placed.message.edited_unixtime, placed.message.edited) or 0 for placed in album
        )
        key = f"{self.prefix}{first.id}"
        answers = first.reply_to_message_id if first.reply_to_peer_id is None else None
        return Post(
            key=key,
            published=published,
            changed=changed,
            author=self._author(first),
            text=text,
            media=tuple(media),
            poll=poll,
            answers="" if answers is None else f"{self.prefix}{answers}",
            source=_pen_name(first.forwarded_from),
            tags=tuple(tags_of(text)),
            also=tuple(f"{self.prefix}{placed.message.id}" for placed in album[1:]),
        )

    def _text(self, placed: Placed) -> Text:
        message = placed.message
        text = pieces.text(message) if placed.text is None else placed.text
        return with_extras(text, message, cards=self._channel or self._is_its_own(message))

    def _time(self, placed: Placed, seconds: int | None, local: str) -> int | None:
        if seconds is None and local:
            try:
                when = datetime.fromisoformat(local)
                seconds = int((when if when.tzinfo else when.replace(tzinfo=self._zone)).timestamp())
            except (ValueError, OverflowError):
                raise _refused(placed, f"{line(local, 40)!r} is no date") from None
        if seconds is None or 0 <= seconds <= self._now + DAY:
            return seconds
        if seconds < 0:
            raise _refused(placed, "it is dated before 1970")
        when = datetime.fromtimestamp(min(seconds, 1 << 36), UTC)
        raise _refused(placed, f"it is dated {when:%Y-%m-%d}, which is yet to come. Is this computer's clock right?")

    def _author(self, message: Message) -> str:
        """The slug of who signs: in a channel whoever is named, in a group whoever spoke, unless it is the group."""
        itself = self._is_its_own(message)
        name = _pen_name(message.author if self._channel or itself else message.sender)
        found = slug(name)
        if not found or (self._channel and name == line(self._chat.name)):
            return ""
        if found not in self._authors:
            self._authors.add(found)
            self._signs(Author(found, name))
        return found

    def _is_its_own(self, message: Message) -> bool:
        """Whether the chat itself speaks."""
        known = not self._chat.type or str(message.from_id) == f"channel{self._chat.id}"
        return known and message.sender == self._chat.name

    def _medium(self, placed: Placed) -> Medium | None:
        message = placed.message
        path, kind = (message.photo, MediumKind.PHOTO) if message.photo else (message.file, MediumKind.FILE)
        if not path or path.endswith(MOVED):
            return None
        if NOT_THERE.fullmatch(path):
            self._attachments.left.missing += 1
            return None
        kind = KINDS.get(message.media_type or "", kind)
        name = message.file_name or ""
        if kind is MediumKind.AUDIO and message.title:
            name = f"{' – '.join(each for each in (message.performer, message.title) if each)}.{_ending(path)}"
        try:
            return self._attachments.take(
                path,
                kind,
                name=name.replace("/", "-"),
                size=(message.width or 0, message.height or 0),
                seconds=message.duration_seconds or 0,
                spoiler=bool(message.media_spoiler),
            )
        except Refused as refused:
            raise _refused(placed, str(refused)) from None


def _refused(placed: Placed, why: str) -> Refused:
    return Refused.at(placed.file, placed.line, placed.column, f"message {placed.message.id}: {why}")


def _pen_name(name: str | None) -> str:
    """A name as it may be told: no telephone number."""
    found = line(name or "", 80)
    return "" if NUMBER.fullmatch(found) else found


def _ending(path: str) -> str:
    """How a file's name ends."""
    found = re.search(r"\.([A-Za-z0-9]{1,5})$", path)
    return found[1] if found else "bin"


def _poll(poll: GivenPoll) -> Poll | None:
    options = tuple(
        Option(line(pieces.plain(answer.text), 500), max(answer.voters, 0)) for answer in poll.answers if answer.text
    )
    question = line(pieces.plain(poll.question), 1000)
    return Poll(question, options, max(poll.total_voters, 0), poll.closed) if question and options else None
