"""From what an editor wrote in the app to a post: headline, hashtags, links, and what is attached.

The app's messages are plain text, so little is read out of them: a first line with an empty one below it is the
headline, `#word` a tag, and `https://…` a link. Pure but for the first octets of a file, which say what it is.
"""

import re
import unicodedata

from angarium.channel.matters import File
from angarium.channel.post import Mark, Medium, MediumKind, Span, Text, link

__all__ = ["headline", "kind", "medium", "slug", "text", "type_of"]

TITLE = 200
"""Most characters of a headline."""
FOUND = re.compile(r"(?P<link>https?://[^\s<>\"'«»]+)|(?<![\w/&#])(?P<tag>[#＃][^\W_](?:\w|\u200c(?=\w))*)")
TRAILING = ".,;:!?…،؛؟)]}»”’"
"""What stands behind an address rather than in it."""
FIRST_OCTETS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"%PDF-", "application/pdf"),
)
UNKNOWN = "application/octet-stream"
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


def type_of(first: bytes) -> str:
    """The MIME type of a file that begins with these octets: sixteen are enough."""
    for octets, name in FIRST_OCTETS:
        if first.startswith(octets):
            return name
    match first[:4], first[4:8], first[8:12]:
        case b"RIFF", _, b"WEBP":
            return "image/webp"
        case b"RIFF", _, b"WAVE":
            return "audio/wav"
        case _, b"ftyp", b"M4A ":
            return "audio/mp4"
        case _, b"ftyp", b"avif":
            return "image/avif"
        case _, b"ftyp", _:
            return "video/mp4"
    return UNKNOWN


def kind(view: str, found: str) -> MediumKind:
    """How a file is shown: as the app says, if its type bears that out, and what it is by its type otherwise."""
    shown, begin = KINDS.get(view, (MediumKind.FILE, ""))
    if found.startswith(begin) or (shown is MediumKind.VOICE and found == "video/mp4"):
        return shown if found != UNKNOWN else MediumKind.FILE
    return MediumKind.FILE


def medium(file: File, first: bytes, digest: str, size: int) -> Medium:
    """What is attached, given its first octets, and where it is kept."""
    found = type_of(first)
    shown = kind(file.view, found)
    if shown is MediumKind.FILE and found.startswith("image/") and file.view == "File":
        shown = MediumKind.PHOTO  # a picture is stripped of what its camera wrote wherever it is shown as one
    return Medium(
        digest=digest,
        kind=shown,
        type=found,
        size=size,
        name=file.name.replace("\\", "/").rpartition("/")[2] if shown is MediumKind.FILE else "",
        width=file.width,
        height=file.height,
        seconds=-(-file.milliseconds // 1000),
    )


def slug(name: str) -> str:
    """How an author is named in addresses; empty where the name has no letter and no digit."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "-".join(re.findall(r"[^\W_]+", plain))[:60].strip("-")
