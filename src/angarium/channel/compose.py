"""From what an editor wrote in the app to a post: headline, hashtags, links, and what is attached.

The app's messages are plain text, so little is read out of them: a first line with an empty one below it is the
headline, `#word` a tag, and `https://…` a link. What a file is its first octets say. Pure.
"""

import re

from angarium.channel.filetype import UNKNOWN, filetype
from angarium.channel.matters import File
from angarium.channel.post import Mark, Medium, MediumKind, Span, Text, link
from angarium.channel.words import line

__all__ = ["headline", "kind", "medium", "text"]

TITLE = 200
"""Most characters of a headline."""
FOUND = re.compile(r"(?P<link>https?://[^\s<>\"'«»]+)|(?<![\w/&#])(?P<tag>[#＃][^\W_](?:\w|\u200c(?=\w))*)")
TRAILING = ".,;:!?…،؛؟)]}»”’"
"""What stands behind an address rather than in it."""
KINDS = {
    "Image": (MediumKind.PHOTO, "image/"),
    "Gif": (MediumKind.ANIMATION, "image/"),
    "Sticker": (MediumKind.STICKER, "image/"),
    "Video": (MediumKind.VIDEO, "video/"),
    "Voice": (MediumKind.VOICE, "audio/"),
    "Audio": (MediumKind.AUDIO, "audio/"),
}
"""What the app calls a message, and how the type of its file must begin for it to be believed."""


def headline(words: str) -> tuple[str, str]:
    """The headline, empty if there is none, and what is left."""
    first, end, rest = words.strip().partition("\n")
    below, _, body = rest.partition("\n")
    if end and first.strip() and not below.strip() and body.strip() and len(first) <= TITLE:
        return first.strip(), body.strip()
    return "", words.strip()


def text(words: str) -> Text:
    """The text with its links and tags."""
    spans = []
    for found in FOUND.finditer(words):
        if address := found["link"]:
            address = address.rstrip(TRAILING)
            if link(address):
                spans.append(Span(found.start(), len(address), Mark.LINK, address))
        else:
            spans.append(Span(found.start(), len(found["tag"]), Mark.HASHTAG))
    return Text(words, tuple(spans))


def kind(view: str, found: str) -> MediumKind:
    """How a file is shown: as the app says, if its type bears that out, and what it is by its type otherwise."""
    shown, begin = KINDS.get(view, (MediumKind.FILE, ""))
    if found.startswith(begin) or (shown is MediumKind.VOICE and found == "video/mp4"):
        return shown if found != UNKNOWN else MediumKind.FILE
    return MediumKind.FILE


def medium(file: File, first: bytes, digest: str, size: int) -> Medium:
    """What is attached, given its first octets, and where it is kept."""
    found = filetype(first)
    shown = kind(file.view, found)
    if shown is MediumKind.FILE and found.startswith("image/") and file.view == "File":
        shown = MediumKind.PHOTO  # a picture is stripped of what its camera wrote wherever it is shown as one
    return Medium(
        digest=digest,
        kind=shown,
        type=found,
        size=size,
        name=line(file.name.replace("\\", "/").rpartition("/")[2]) if shown is MediumKind.FILE else "",
        width=file.width,
        height=file.height,
        seconds=-(-file.milliseconds // 1000),
    )
