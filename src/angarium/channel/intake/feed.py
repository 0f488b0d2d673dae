"""Atom and RSS feeds, as posts.

The XML is read as it comes. Nothing in it may declare an entity, so that no small file becomes a large one and none is
fetched from elsewhere. Pictures of a feed lie elsewhere too, and nothing is fetched here: an entry comes with the
addresses of its pictures, for whoever may fetch them (`pictures`), and enclosures become links.

RFC 4287 (Atom), RSS 2.0, Media RSS 1.5, RFC 3339 and RFC 5322 (dates).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple, NoReturn
from xml.parsers import expat

from msgspec.structs import replace

from angarium.channel.intake.refusal import Refused
from angarium.channel.marking import Marking
from angarium.channel.markup import Markup, markup, read
from angarium.channel.post import Author, Mark, Medium, Post, Span, Text, link
from angarium.channel.words import line, slug, tidy

__all__ = ["Entry", "Feed"]

ATOM, XHTML = "http://www.w3.org/2005/Atom", "http://www.w3.org/1999/xhtml"
RSS1, CONTENT = "http://purl.org/rss/1.0/", "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"
ROOTS = frozenset({f"{ATOM} feed", "rss", "http://www.w3.org/1999/02/22-rdf-syntax-ns# RDF"})
ENTRIES = frozenset({f"{ATOM} entry", "item", f"{RSS1} item"})
FIELDS = {
    **{f"{ATOM} {name}": name for name in ("id", "title", "summary", "content", "published", "updated")},
    **{name: name for name in ("title", "description", "link", "guid", "pubDate", "author", "category")},
    **{f"{RSS1} {name}": name for name in ("title", "description", "link")},
    f"{CONTENT} encoded": "encoded",
    f"{DC} creator": "creator",
    f"{DC} date": "updated",
    f"{DC} subject": "category",
}
DEEPEST = 200
LONGEST = 4 << 20
"""Code points in a field of an entry."""
MOST_TAGS = 50
MOST_PICTURES = 20
"""Of an entry."""
READ = 1 << 16
DAY = 86400


class Entry(NamedTuple):
    """An entry of a feed."""

    post: Post
    """What it says, without what lies elsewhere."""
    pictures: tuple[str, ...] = ()
    """Where its pictures lie."""
    enclosed: tuple[str, ...] = ()
    """Where all lies that is enclosed, pictures among it."""

    def with_pictures(self, fetched: Mapping[str, Medium]) -> Post | None:
        """The post with those of its pictures that are here, and links to all else enclosed; None: it says nothing."""
        media = {fetched[each].digest: fetched[each] for each in self.pictures if each in fetched}
        text = _linked(self.post.text, [each for each in self.enclosed if each not in fetched])
        if not text and not self.post.title and not media:
            return None
        return replace(self.post, text=text, media=tuple(media.values()))


class Feed:
    """A feed, read in pieces.

    Args:
        read: gives at most so many further octets; none at the end.
        name: what the feed is called, for what is told.
        signs: is told who signs.
        now: seconds since 1970; no entry is from after the day that follows.
    """

    def __init__(self, read: Callable[[int], bytes], name: str, signs: Callable[[Author], None], *, now: int) -> None:
        self._read, self._name, self._now = read, name, now
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.EntityDeclHandler = self._entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._words
        self._path: list[str] = []
        self._entry: dict[str, str] = {}
        self._field = ""
        self._said: list[str] = []
        self._length = 0
        self._inline: Markup | None = None
        """What collects XHTML that stands in the feed itself."""
        self._text: Text | None = None
        self._links: list[tuple[str, str]] = []
        self._pictures: list[str] = []
        self._tags: list[str] = []
        self._type = ""
        self._place = (1, 1)
        self._entry_at = 0
        """How deep the entry lies that is read; 0: none is."""
        self._field_at = 0
        self._done: list[Entry] = []
        self.title = ""
        """What the feed is called."""
        self._signs = signs
        self.empty = 0
        """Entries met that say nothing."""

    def entries(self) -> Iterator[Entry]:
        """Its entries. Raises Refused."""
        while octets := self._read(READ):
            self._feed(octets, last=False)
            yield from self._done
            self._done.clear()
        self._feed(b"", last=True)
        yield from self._done

    def _feed(self, octets: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(octets, last)
        except expat.ExpatError as error:
            why = expat.errors.messages[error.code]
            raise Refused.at(self._name, error.lineno, error.offset + 1, f"this is no feed ({why})") from None
        except (ValueError, LookupError):
            self._fail("this is no feed (an encoding that is not known)")

    def _entity(self, *_: object) -> NoReturn:
        self._fail("it declares an entity, which no feed needs and traps are made of")

    def _start(self, name: str, given: dict[str, str]) -> None:
        if not self._path and name not in ROOTS:
            self._fail("this is neither an Atom nor an RSS feed")
        if len(self._path) >= DEEPEST:
            self._fail(f"more than {DEEPEST} elements within each other")
        self._path.append(name)
        if self._inline is not None:
            self._inline.start(name.removeprefix(f"{XHTML} ").lower(), given)
        elif self._field:
            pass
        elif not self._entry_at:
            if name in ENTRIES:
                self._entry, self._links, self._pictures, self._tags, self._text = {}, [], [], [], None
                self._entry_at = len(self._path)
                self._place = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1
            elif FIELDS.get(name) == "title" and len(self._path) <= 3:
                self._open("title", given.get("type", "text"))
        elif name == f"{MEDIA} content":
            self._pictured(given.get("url", ""), given.get("type", ""), given.get("medium", ""))
        elif len(self._path) == self._entry_at + 1:
            self._property(name, given)
        elif self._path[-2:] == [f"{ATOM} author", f"{ATOM} name"]:
            self._open("creator", "text")

    def _property(self, name: str, given: dict[str, str]) -> None:
        if name == f"{ATOM} link":
            if given.get("rel", "alternate") in ("alternate", "enclosure"):
                self._links.append((given.get("rel", "alternate"), given.get("href", "")))
                if given.get("rel") == "enclosure":
                    self._pictured(given.get("href", ""), given.get("type", ""))
        elif name == "enclosure":
            self._links.append(("enclosure", given.get("url", "")))
            self._pictured(given.get("url", ""), given.get("type", ""))
        elif name == f"{ATOM} category":
            self._tags.append(given.get("label") or given.get("term", ""))
        elif name in FIELDS:
            self._open(FIELDS[name], given.get("type", "text") if name.startswith(ATOM) else "html")

    def _pictured(self, address: str, type_: str, medium: str = "") -> None:
        image = type_.startswith("image/") or (medium == "image" and not type_)
        if image and address.startswith(("https://", "http://")):
            self._pictures.append(address)

    def _open(self, field: str, type_: str) -> None:
        self._field, self._type, self._said, self._length = field, type_, [], 0
        self._field_at = len(self._path)
        if type_ == "xhtml" and field == "content":
            self._inline = Markup(self._base())

    def _words(self, words: str) -> None:
        if not self._field:
            return
        self._length += len(words)
        if self._length > LONGEST:
            self._fail(f"more than {LONGEST} letters in {self._field}")
        if self._inline is not None:
            self._inline.words(words)
        else:
            self._said.append(words)

    def _end(self, name: str) -> None:
        depth = len(self._path)
        self._path.pop()
        if self._field and depth == self._field_at:
            self._close("".join(self._said))
        elif self._inline is not None:
            self._inline.end(name.removeprefix(f"{XHTML} ").lower())
        elif self._entry_at and depth == self._entry_at:
            self._entry_at = 0
            self._finish()

    def _close(self, words: str) -> None:
        field, self._field = self._field, ""
        if self._inline is not None:
            self._pictures += self._inline.pictures
            self._text, self._inline = self._inline.text(), None
        elif not self._entry_at:
            self.title = self.title or _plain(words, self._type)
        elif field == "category":
            self._tags.append(words)
        elif field not in self._entry:
            self._entry[field] = words
            self._entry[f"{field} type"] = self._type

    def _finish(self) -> None:
        entry = self._entry
        text = self._told()
        title = _plain(entry.get("title", ""), entry.get("title type", "text"))
        enclosed = [target for rel, target in self._links if rel == "enclosure" and link(target)][:MOST_TAGS]
        pictures = [each for each in self._pictures if link(each)]
        published = self._time("published", "pubDate", "updated")
        if not text and not title and not enclosed and (not pictures or published is None):
            self.empty += 1
            return
        if published is None:
            self._refuse("an entry without a date")
        changed = self._time("updated") or 0
        key = entry.get("id") or entry.get("guid") or self._link() or f"{published} {title}"
        post = Post(
            key=_key(key.strip()),
            published=published,
            changed=changed if changed > published else 0,
            author=self._author(),
            title=title,
            text=text,
            tags=tuple(dict.fromkeys(tag for each in self._tags[:MOST_TAGS] if (tag := _tag(each)))),
        )
        self._done.append(Entry(post, tuple(dict.fromkeys(pictures))[:MOST_PICTURES], tuple(enclosed)))

    def _told(self) -> Text:
        """What the entry says, at its longest."""
        entry, text = self._entry, self._text
        for field in ("encoded", "content", "description", "summary"):
            if text is None and field in entry:
                html = entry[f"{field} type"] in ("html", "text/html")
                shown = read(entry[field], self._base()) if html else None
                self._pictures += shown.pictures if shown else []
                text = shown.text() if shown else Text(tidy(entry[field]).strip())
        return text or Text()

    def _author(self) -> str:
        """The slug of who signs: RSS gives an address with a name behind it, of which the name is taken."""
        given = self._entry.get("creator") or self._entry.get("author", "")
        name = line(given[given.find("(") + 1 :].rstrip(" )") if "@" in given and "(" in given else given, 80)
        found = "" if "@" in name else slug(name)
        if found:
            self._signs(Author(found, name))
        return found

    def _time(self, *fields: str) -> int | None:
        for field in fields:
            if words := self._entry.get(field, "").strip():
                seconds = _seconds(words)
                if seconds is None or not 0 <= seconds <= self._now + DAY:
                    self._refuse(f"{line(words, 40)!r} is no date, or one that is yet to come")
                return seconds
        return None

    def _link(self) -> str:
        return next((target for rel, target in self._links if rel == "alternate"), self._entry.get("link", "")).strip()

    def _base(self) -> str:
        return link(self._link())

    def _fail(self, why: str) -> NoReturn:
        parser = self._parser
        raise Refused.at(self._name, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1, why)

    def _refuse(self, why: str) -> NoReturn:
        raise Refused.at(self._name, *self._place, why)


def _linked(text: Text, targets: list[str]) -> Text:
    """A text with a link to each of these behind it."""
    marking = Marking()
    for target in targets:
        marking.line()
        marking.put(target, Mark.LINK, target)
    more = marking.text()
    if not more or not text:
        return more or text
    shift = len(text.words) + 2
    moved = (Span(span.start + shift, span.length, span.mark, span.value) for span in more.spans)
    return Text(f"{text.words}\n\n{more.words}", (*text.spans, *moved))


def _seconds(words: str) -> int | None:
    try:
        when = datetime.fromisoformat(words)
    except ValueError:
        try:
            when = parsedate_to_datetime(words)
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    try:
        return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _plain(words: str, type_: str) -> str:
    return line(markup(words).words if type_ != "text" else words, 300)


def _tag(words: str) -> str:
    return "_".join(line(words, 60).lstrip("#").casefold().split())


def _key(id_: str) -> str:
    """The key of an entry's post: its own identifier, or the hash of one that is no plain line."""
    plain = id_.isprintable() and id_.isascii() and len(id_) <= 300
    return f"feed/{id_ if plain else hashlib.sha256(id_.encode('utf-8', 'replace')).hexdigest()}"
