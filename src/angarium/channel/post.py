"""What a channel publishes: a post, its text with what is marked in it, what is attached, who wrote it.

Pure values, the same whether a post was written in the app, came from an older channel's export or out of a feed.
Positions in a text are counted in code points, as Python counts them. Times are seconds since 1970, UTC.
"""

from collections.abc import Sequence
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

__all__ = [
    *("Author", "Comment", "Mark", "Medium", "MediumKind", "Option", "Poll", "Post", "Span", "Text"),
    *("link", "tags_of"),
]

SCHEMES = frozenset({"http", "https", "mailto", "openpgp4fpr"})
"""Where a link in a post may lead: nothing that runs, and nothing that opens another program unasked."""


class Mark(StrEnum):
    """What a piece of text is."""

    BOLD = "bold"
    ITALIC = "italic"
    UNDERLINE = "underline"
    STRIKE = "strike"
    CODE = "code"
    BLOCK = "block"
    """Code on lines of its own; the value is its language, or empty."""
    LINK = "link"
    """The value is where it leads, as `link` let it through."""
    MENTION = "mention"
    HASHTAG = "hashtag"
    SPOILER = "spoiler"
    QUOTE = "quote"


class Span(msgspec.Struct, frozen=True, order=True):
    """A piece of a text and what it is. Two spans of a text either lie apart or one within the other."""

    start: int
    length: int
    mark: Mark
    value: str = ""


class Text(msgspec.Struct, frozen=True):
    """Words, and what is marked in them.

    Raises:
        ValueError: a span is empty, leaves the text, crosses another, or leads where a link may not.
    """

    words: str = ""
    spans: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        ends: list[int] = []
        for span in sorted(self.spans, key=lambda span: (span.start, -span.length)):
            end = span.start + span.length
            if span.start < 0 or span.length < 1 or end > len(self.words):
                raise ValueError(f"{span.mark} at {span.start}, {span.length} long, leaves a text of {len(self.words)}")
            while ends and ends[-1] <= span.start:
                ends.pop()
            if ends and end > ends[-1]:
                raise ValueError(f"{span.mark} at {span.start}, {span.length} long, crosses another")
            ends.append(end)
            if span.mark is Mark.LINK and not link(span.value):
                raise ValueError("a link leads where none may")

    def __bool__(self) -> bool:
        return bool(self.words.strip())


def link(target: str) -> str:
    """A link's target if it may stand in a post, else the empty string."""
    if any(ord(sign) <= ord(" ") for sign in target):
        return ""
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    if parts.scheme.lower() not in SCHEMES or (parts.scheme.lower().startswith("http") and not parts.hostname):
        return ""
    return target


class MediumKind(StrEnum):
    """How something attached is shown."""

    PHOTO = "photo"
    VIDEO = "video"
    ANIMATION = "animation"
    STICKER = "sticker"
    VOICE = "voice"
    AUDIO = "audio"
    FILE = "file"


class Medium(msgspec.Struct, frozen=True):
    """Something attached, kept in the channel's media by its digest (`media`)."""

    digest: str
    """SHA-256 of its octets, in hexadecimal."""
    kind: MediumKind
    type: str
    """MIME type, as its first octets say, not as somebody named it."""
    size: int
    """Octets."""
    name: str = ""
    """What a reader's copy is called; without any path."""
    width: int = 0
    height: int = 0
    seconds: int = 0
    spoiler: bool = False


class Option(msgspec.Struct, frozen=True):
    """An answer of a poll, and how many chose it."""

    text: str
    voters: int = 0


class Poll(msgspec.Struct, frozen=True):
    """A poll that was held elsewhere, with its result."""

    question: str
    options: tuple[Option, ...]
    voters: int = 0
    closed: bool = True


class Author(msgspec.Struct, frozen=True):
    """Who signs posts: a pen name, never an address."""

    slug: str
    """Names the author in addresses of pages: a to z, 0 to 9 and hyphens, or letters of any script."""
    name: str
    biography: str = ""


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One post."""

    key: str
    """Where it came from, unique in its channel and the same at every import, such as `telegram/1234/56`."""
    published: int
    changed: int = 0
    """When it was last edited; 0: never."""
    author: str = ""
    """An author's slug; empty: the channel itself."""
    title: str = ""
    """A headline, where it has one of its own; else the first line of its text serves."""
    text: Text = Text()
    media: tuple[Medium, ...] = ()
    poll: Poll | None = None
    answers: str = ""
    """The key of the post it replies to, which may be missing from the channel."""
    source: str = ""
    """Whose words it hands on, where it was forwarded."""
    source_link: str = ""
    tags: tuple[str, ...] = ()
    pinned: bool = False
    also: tuple[str, ...] = ()
    """Further keys that mean this post, such as the other pictures of an album."""


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader says about a post. Shown once an editor lets it."""

    number: int = 0
    """Given by the archive."""
    post: int
    """The post's number."""
    written: int
    name: str = ""
    words: str
    reply_to: str = ""
    """How the newsroom may answer, if the reader wants that; never shown, and gone once the comment is judged."""


def tags_of(text: Text) -> Sequence[str]:
    """The hashtags of a text, without their sign, each once, in their order."""
    found = (text.words[span.start : span.start + span.length] for span in text.spans if span.mark is Mark.HASHTAG)
    return list(dict.fromkeys(tag.lstrip("#＃").casefold() for tag in found))
