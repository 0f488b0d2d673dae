"""Albums put together again. An export gives the pictures of one as messages of their own and does not say that they
belong together, so it is concluded: they follow each other within a second, from the same hand, answer and hand on the
same, are of kinds that may stand in one album, and no more than one of them has words.

Two that were sent apart within a second look the same, and become one post; nothing is lost by that.
"""

from collections.abc import Iterable, Iterator

from angarium.channel.intake.message import Message, Placed

__all__ = ["albums"]

LARGEST = 10
"""Files of an album, by Telegram's rules."""
WITHIN = 1
"""Seconds from the first to the last."""


def albums(messages: Iterable[Placed]) -> Iterator[list[Placed]]:
    """Messages, those of an album together, in their order."""
    held: list[Placed] = []
    for placed in messages:
        if held and not _joins(placed.message, held):
            yield held
            held = []
        held.append(placed)
    if held:
        yield held


def _joins(message: Message, held: list[Placed]) -> bool:
    first, last = held[0].message, held[-1].message
    kind = _kind(message)
    return (
        bool(kind)
        and kind == _kind(first)
        and len(held) < LARGEST
        and _from(message) == _from(first)
        and message.id > last.id
        and _close(message, first)
        and sum(bool(each.text) for each in (message, *(placed.message for placed in held))) <= 1
    )


def _kind(message: Message) -> str:
    """What may stand in an album with it; empty: nothing."""
    if message.type != "message":
        return ""
    if message.photo:
        return "seen"
    if message.file:
        return {"video_file": "seen", "audio_file": "heard", None: "file"}.get(message.media_type, "")
    return ""


def _from(message: Message) -> tuple[object, ...]:
    return (
        *(message.sender, message.from_id, message.author, message.forwarded_from),
        *(message.reply_to_message_id, message.reply_to_peer_id),
    )


def _close(message: Message, first: Message) -> bool:
    if message.date_unixtime is not None and first.date_unixtime is not None:
        return abs(message.date_unixtime - first.date_unixtime) <= WITHIN
    return bool(message.date) and message.date == first.date
