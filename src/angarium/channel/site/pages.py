"""The pages of a site, each from what it shows; what they are called is `paths`, how they look is the theme's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from angarium.channel.archive import Filed
from angarium.channel.dates import at, zone
from angarium.channel.post import Author, Comment, Medium, MediumKind, Poll, Text, link
from angarium.channel.question import asked_under
from angarium.channel.settings import Settings
from angarium.channel.site import feeds, paths
from angarium.channel.site.gallery import Shown
from angarium.channel.site.index import PERIOD, TITLES, Entry, Leaf
from angarium.channel.site.language import LANGUAGES
from angarium.channel.site.text import Writer, excerpt, headline, visible
from angarium.channel.site.theme import Theme
from angarium.channel.successor import Handover

__all__ = ["Card", "Counted", "Moment", "Pages"]

KINDS = {
    MediumKind.PHOTO: "photo_post",
    MediumKind.STICKER: "photo_post",
    MediumKind.VIDEO: "video_post",
    MediumKind.ANIMATION: "video_post",
    MediumKind.VOICE: "audio_post",
    MediumKind.AUDIO: "audio_post",
    MediumKind.FILE: "file_post",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was, as pages say it."""

    iso: str
    day: str
    other: str
    """The day in the other calendar."""
    hour: str


@dataclass(frozen=True, slots=True)
class Signer:
    """An author, as pages name one."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Card:
    """A post, as lists show it."""

    number: int
    path: str
    title: str
    excerpt: str
    when: Moment
    author: Signer | None
    picture: Shown | None


@dataclass(frozen=True, slots=True)
class Attached:
    """Something attached, with what its post says of it."""

    shown: Shown
    name: str
    type: str
    spoiler: bool
    size: str
    length: str


@dataclass(frozen=True, slots=True)
class Counted:
    """A line of a table of contents."""

    name: str
    path: str
    count: str


class Showing(Protocol):
    """Where pages ask how what is attached is shown."""

    def show(self, medium: Medium) -> Shown:
        """How this is."""
        ...


class Pages:
    """Draws the pages of one site. All of its methods raise BadTheme."""

    def __init__(
        self, settings: Settings, theme: Theme, key: str, gallery: Showing, authors: Mapping[str, Author]
    ) -> None:
        self._settings = settings
        self._theme = theme
        self._key = key
        self._gallery = gallery
        self._authors = authors
        self._zone = zone(settings.zone)
        self.language = LANGUAGES[settings.language]

    @staticmethod
    def values(settings: Settings, key: str) -> Mapping[str, object]:
        """What every template sees."""
        language = LANGUAGES[settings.language]
        return {
            "language": language,
            "say": language.say,
            "number": language.calendars.number,
            "channel": settings.title,
            "description": settings.description,
            "address": settings.address,
            "key": key,
        }

    def _draw(self, template: str, path: str, title: str, **values: object) -> bytes:
        return self._theme.draw(template, path=path, root=paths.root(path), title=title, **values)

    def moment(self, seconds: int) -> Moment:
        """When that was, in the newsroom's time zone."""
        found = at(seconds, self._zone)
        day, other = self.language.calendars.days(found.date())
        return Moment(found.isoformat(), day, other, self.language.calendars.number(f"{found:%H:%M}"))

    def month(self, seconds: int) -> tuple[int, int]:
        """The year and month that a post is filed under."""
        return self.language.calendars.month(at(seconds, self._zone).date())

    def title(self, filed: Filed) -> tuple[str, int]:
        """What stands over a post, and where in its text what is left begins."""
        post = filed.post
        title, begin = headline(post.title, post.text)
        if visible(title).strip():
            return title, begin
        if post.poll is not None:
            return post.poll.question or self.language.say("poll_post"), 0
        kind = KINDS[post.media[0].kind] if post.media else "post"
        return self.language.say("of_day", what=self.language.say(kind), day=self.moment(post.published).day), 0

    def card(self, filed: Filed) -> Card:
        """A post for lists."""
        post = filed.post
        title, begin = self.title(filed)
        photo = next((each for each in post.media if each.kind is MediumKind.PHOTO and not each.spoiler), None)
        picture = self._gallery.show(photo) if photo else None
        return Card(
            filed.number,
            paths.post(filed.number),
            title,
            excerpt(post.text, begin),
            self.moment(post.published),
            self._signer(post.author),
            picture if picture and picture.kind == "picture" else None,
        )

    def _signer(self, slug: str) -> Signer | None:
        if not slug:
            return None
        return Signer(self._authors[slug].name if slug in self._authors else slug, paths.author(slug))

    def _attached(self, medium: Medium) -> Attached:
        minutes, seconds = divmod(max(medium.seconds, 0), 60)
        length = self.language.calendars.number(f"{minutes}:{seconds:02}") if medium.seconds > 0 else ""
        shown = self._gallery.show(medium)
        size = self.language.size(medium.size)
        return Attached(shown, medium.name, medium.type, medium.spoiler, size, length)

    def post(
        self, filed: Filed, *, newer: str, older: str, answers: Filed | None, comments: Sequence[Comment]
    ) -> bytes:
        """The page of a post."""
        post, path = filed.post, paths.post(filed.number)
        card, begin = self.card(filed), self.title(filed)[1]
        writer = Writer(self.language.say("hidden"), lambda tag: paths.root(path) + paths.tag(tag))
        media = [self._attached(medium) for medium in post.media]
        return self._draw(
            "post",
            path,
            card.title,
            post=card,
            changed=self.moment(post.changed) if post.changed else None,
            words=writer.html(post.text, begin),
            pictures=[each for each in media if each.shown.kind == "picture"],
            others=[each for each in media if each.shown.kind != "picture"],
            poll=self._poll(post.poll) if post.poll else None,
            tags=[Signer(tag, paths.tag(tag)) for tag in post.tags],
            answers=None if not post.answers else self.card(answers) if answers else "",
            source=post.source,
            source_link=link(post.source_link),
            newer=newer,
            older=older,
            comments=[self._comment(comment) for comment in comments],
            form={"question": asked_under(filed).number} if self._settings.comments else None,
        )

    def _comment(self, comment: Comment) -> Mapping[str, object]:
        words = Writer("", None).html(Text(comment.words))
        return {"name": comment.name, "day": self.moment(comment.written).day, "words": words}

    def _poll(self, poll: Poll) -> Mapping[str, object]:
        voters = max(poll.voters, max((option.voters for option in poll.options), default=0))
        options = []
        for option in poll.options:
            percent = round(100 * max(option.voters, 0) / voters) if voters else 0
            share = self.language.calendars.number(f"{percent} %")
            options.append({"text": option.text, "voters": option.voters, "percent": percent, "share": share})
        return {"question": poll.question, "options": options, "voters": voters, "closed": poll.closed}

    def withdrawn(self, number: int) -> bytes:
        """What stands where a post was."""
        return self._draw("withdrawn", paths.post(number), self.language.say("withdrawn"))

    def front(self, latest: Iterable[Filed], pinned: Iterable[Filed]) -> bytes:
        """The front page."""
        cards = [self.card(filed) for filed in latest]
        return self._draw("front", paths.FRONT, self._settings.title, latest=cards, pinned=[*map(self.card, pinned)])

    def count(self, posts: int) -> str:
        """How many posts there are somewhere."""
        return self.language.say("one_post") if posts == 1 else self.language.say("posts", count=posts)

    def listing(
        self, path: str, title: str, posts: Iterable[Filed], *, count: int, newer: str, older: str, about: str = ""
    ) -> bytes:
        """Posts in a list, with what is said about all of them."""
        cards = [self.card(filed) for filed in posts]
        told = Writer("", None).html(Text(about))
        return self._draw(
            "list", path, title, posts=cards, count=self.count(count), newer=newer, older=older, about=told
        )

    def contents(self, path: str, word: str, groups: Sequence[tuple[str, Sequence[Counted]]]) -> bytes:
        """A table of contents: headings, and what is under each."""
        return self._draw("contents", path, self.language.say(word), groups=groups)

    def search(self, periods: Sequence[Mapping[str, object]]) -> bytes:
        """The page of the search."""
        sizes = {"period_size": PERIOD, "block_size": paths.BLOCK, "titles_size": TITLES}
        return self._draw("search", paths.SEARCH, self.language.say("search"), periods=periods, **sizes)

    def entry(self, filed: Filed) -> Entry:
        """A post for the index."""
        post, title = filed.post, self.title(filed)[0]
        author = self._authors[post.author].name if post.author in self._authors else ""
        names = (medium.name for medium in post.media)
        poll = (post.poll.question, *(option.text for option in post.poll.options)) if post.poll else ()
        told = (title, post.title, post.text.words, *names, *poll, *post.tags, author, post.source)
        day, root = self.moment(post.published).day, paths.root(paths.period(0))
        line = self._theme.piece("found", root=root, path=paths.post(filed.number), title=title, day=day)
        return Entry(filed.number, title, day, " ".join(told), line)

    def period(self, number: int, name: str, leaves: Sequence[Leaf]) -> bytes:
        """How words of a period begin."""
        title = self.language.say("words_of", period=name)
        return self._draw("period", paths.period(number), title, prefixes=leaves)

    def words(self, leaf: Leaf) -> bytes:
        """Words that begin alike."""
        return self._draw("words", leaf.path, self.language.say("words_begin", prefix=leaf.prefix), words=leaf.words)

    def proof(self, handovers: Sequence[Handover]) -> bytes:
        """How all of this is checked, and where else it is."""
        before = [{"number": each.number, "old": str(each.old), "day": each.day} for each in handovers]
        title = self.language.say("proof")
        return self._draw("proof", paths.PROOF, title, mirrors=self._settings.mirrors, handovers=before)

    def item(self, filed: Filed) -> feeds.Item:
        """A post for feeds."""
        post = filed.post
        title, begin = self.title(filed)
        published = self._when(post.published)
        signer = self._signer(post.author)
        return feeds.Item(
            filed.number,
            paths.post(filed.number),
            title,
            signer.name if signer else self._settings.title,
            published,
            max(published, self._when(post.changed)),
            str(Writer("", None).html(post.text, begin)),
            list(post.tags),
        )

    def _when(self, seconds: int) -> datetime:
        return at(seconds, self._zone)
