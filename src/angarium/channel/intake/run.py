"""An import from its start to its end: an export or a feed goes into a channel's archive, all of it or nothing.

A post that is there already changes if what comes is another and was not changed here later; one that was withdrawn
stays so. Files are kept before the posts that name them, and what nothing names is removed.
"""

import codecs
from collections.abc import Callable, Iterator
from datetime import tzinfo
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct, field
from msgspec.structs import replace

from angarium.channel.archive import Archive, Put
from angarium.channel.intake.attachments import Attachments, Left
from angarium.channel.intake.feed import Entry, Feed
from angarium.channel.intake.message import Chat, Placed
from angarium.channel.intake.pictures import Fetch, Known
from angarium.channel.intake.refusal import Refused
from angarium.channel.intake.scan import Scan
from angarium.channel.intake.source import Missing, Source
from angarium.channel.intake.telegram import PUBLIC, Telegram
from angarium.channel.intake.telegram_html import Page
from angarium.channel.intake.telegram_json import Choose, messages
from angarium.channel.media import Batch, Media
from angarium.channel.words import line, slug

if TYPE_CHECKING:
    from angarium.channel.post import Author

__all__ = ["Imported", "Wanted", "import_export", "import_feed"]

MOST_MESSAGE = 4 << 20
"""Octets of a message in JSON."""
MOST_FILE = 4 << 30
"""Octets of an attached file, unless less is asked for: the largest that Telegram takes."""
READ = 1 << 16
SPARED = 3600
"""Seconds for which a file stays that no post names: somebody may be about to write one."""

Tell = Callable[[float, int], None]
"""Is told which part was read, and how many posts came of it."""


class Wanted(Struct, frozen=True, kw_only=True):
    """How an export is to be taken.

    `chat`: a chat's name or number, in the export of an account. `agreed`: also what is not public, since those whose
    words it is agree. `zone`: where the computer stood that exported. `pins`: how many posts stay on top, the last
    pinned. `most`: octets of the largest file that comes along. `now`: seconds since 1970.
    """

    zone: tzinfo
    now: int
    chat: str = ""
    agreed: bool = False
    pins: int = 3
    most: int = MOST_FILE


class Imported(Struct, kw_only=True):
    """What came of it."""

    title: str = ""
    """What the chat or feed is called."""
    new: int = 0
    changed: int = 0
    same: int = 0
    withdrawn: int = 0
    """Posts that came again and stay withdrawn."""
    service: int = 0
    """Service messages, which are left out."""
    empty: int = 0
    """Messages that hold nothing that could be taken."""
    left: Left = field(default_factory=Left)
    """Files that did not come along."""


def import_export(source: Source, archive: Archive, media: Media, wanted: Wanted, tell: Tell) -> Imported:
    """Take what Telegram Desktop exported into an archive.

    Raises:
        Refused: it is damaged, hostile, not public, or no export; nothing of it was taken.
    """
    done = Imported()
    batch: Batch | None = None
    try:
        with archive.writing():
            batch = media.batch()
            attachments = Attachments(source, batch, most=wanted.most)
            done.left = attachments.left
            _take(source, archive, attachments, wanted, tell, done)
            batch.settle()  # files are on the disk before the posts that name them
    except BaseException:
        if batch is not None:
            batch.undo(archive.digests())
        raise
    if done.changed:
        media.sweep(archive.digests(), older=SPARED)
    return done


def import_feed(
    read: Callable[[int], bytes],
    name: str,
    archive: Archive,
    media: Media,
    now: int,
    tell: Tell,
    fetch: Fetch | None = None,
) -> Imported:
    """Take an Atom or RSS feed into an archive.

    `fetch`: fetches its pictures; without it, those come along that were fetched before.

    Raises:
        Refused: it is damaged, hostile, or no feed; nothing of it was taken.
    """
    authors: list[Author] = []
    feed = Feed(read, name, authors.append, now=now)
    done, known = Imported(), Known(archive, media)
    entries = feed.entries()
    if fetch is not None:
        held = list(entries)  # nobody else waits for the archive while pictures are fetched
        fetch.all((each for entry in held for each in entry.pictures), known, lambda part: tell(part, 0))
        entries, done.left = iter(held), fetch.left
    try:
        with archive.writing():
            for entry in entries:
                _count_entry(done, archive, entry, known)
                tell(0.0, done.new + done.changed + done.same)
            for author in dict.fromkeys(authors):
                archive.add_author(author)
            known.note()
    except BaseException:
        if fetch is not None:
            media.remove(fetch.fresh - archive.digests())
        raise
    done.title, done.empty = feed.title, done.empty + feed.empty
    return done


def _count_entry(done: Imported, archive: Archive, entry: Entry, known: Known) -> None:
    post = entry.with_pictures(known.chosen(entry.pictures))
    if post is None:
        done.empty += 1
    else:
        _count(done, archive.put(post, unless_later=True))


def _take(
    source: Source, archive: Archive, attachments: Attachments, wanted: Wanted, tell: Tell, done: Imported
) -> None:
    met: list[Chat] = []
    chosen: list[Telegram] = []

    def choose(chat: Chat, alone: bool) -> bool:
        met.append(chat)
        if wanted.chat not in (chat.name, str(chat.id)) and (wanted.chat or not alone):
            return False
        if chosen:
            raise Refused(f"two chats are called {wanted.chat!r}. Name one by its number: {_list(met)}")
        if chat.type and chat.type not in PUBLIC and not wanted.agreed:
            raise Refused(
                f"«{line(chat.name) or 'this'}» is no public chat (but {line(chat.type, 40).replace('_', ' ')}): "
                "what was said in it would stand on a site for everybody. If all whose words it is agree: --agreed"
            )
        part = _part(archive, chat)
        chosen.append(
            Telegram(chat, part, attachments, archive.add_author, zone=wanted.zone, now=wanted.now),
        )
        done.title = line(chat.name)
        return True

    read = _Read(source)
    placed = read.json(choose) if read.is_json else read.pages(choose, agreed=wanted.agreed)
    first = next(placed, None)
    if not chosen:
        raise Refused(_which(met, wanted.chat))
    telegram = chosen[0]
    pinned = {filed.post.key for filed in archive.pinned() if filed.post.key.startswith(telegram.prefix)}
    for post in telegram.posts(chain([] if first is None else [first], placed)):
        _count(done, archive.put(replace(post, pinned=True) if post.key in pinned else post, unless_later=True))
        tell(read.part, done.new + done.changed + done.same)
    _pin(archive, telegram.prefix, telegram.pinned(wanted.pins))
    done.service, done.empty = telegram.service, telegram.empty


def _count(done: Imported, put: Put) -> None:
    setattr(done, put.value, getattr(done, put.value) + 1)


def _part(archive: Archive, chat: Chat) -> str:
    """What stands for a chat in keys: its number; where only its name is known, that, and then for good."""
    called = f"telegram chat called {chat.name}"
    numbered = f"telegram chat {chat.id}"
    part = archive.note(called)
    if chat.id:
        part = archive.note(numbered) or (part if part.startswith("~") else str(chat.id))
        archive.put_note(numbered, part)
    part = part or f"~{slug(chat.name)}"
    archive.put_note(called, part)
    return part


def _pin(archive: Archive, prefix: str, keys: list[str]) -> None:
    """Put what was pinned last on top, unless that was done before: since then it is the editors' to say."""
    name = f"pins of {prefix}"
    before = archive.note(name).split()
    if not keys or keys == before:
        return
    archive.put_note(name, " ".join(keys))
    for key in {*before, *keys}:
        filed = archive.find(key)
        if filed is not None and filed.post.pinned is not (key in keys):
            archive.put(replace(filed.post, pinned=key in keys))


def _which(met: list[Chat], name: str) -> str:
    if name:
        return f"there is no chat called {line(name)!r} in this export: {_list(met)}"
    return f"this is the export of an account. Name one of its chats, as in --chat NAME: {_list(met)}"


def _list(met: list[Chat]) -> str:
    named = [f"{line(chat.name, 60)} ({chat.id})" for chat in met if chat.type in PUBLIC]
    return f"public ones in it are {', '.join(named[:20])}" if named else "no chat in it is public"


class _Read:
    """What is read of an export, and how far that is."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._octets = 0
        self.is_json = not source.main.lower().endswith((".html", ".htm")) and _is_there(source, self._json)
        files = [self._json] if self.is_json else list(_pages(source))
        if not files:
            raise Refused(f"there is neither result.json nor messages.html in {source.name}, and it is no feed")
        self._total = sum(source.size(file) for file in files)

    @property
    def _json(self) -> str:
        return self._source.main or "result.json"

    @property
    def part(self) -> float:
        """Which part was read."""
        return self._octets / (self._total or 1)

    def json(self, choose: Choose) -> Iterator[Placed]:
        """The messages of the JSON."""
        with self._source.open(self._json) as file:
            scan = Scan(self._counting(file), self._json, most=MOST_MESSAGE)
            yield from messages(scan, self._json, choose)

    def pages(self, choose: Choose, *, agreed: bool) -> Iterator[Placed]:
        """The messages of the HTML's pages."""
        chat: Chat | None = None
        for name in _pages(self._source):
            page = Page(name)
            with self._source.open(name) as file:
                read = self._counting(file)
                for text in _texts(read, page):
                    for placed in page.read(text):
                        if chat is None:
                            chat = Chat(page.title, "", 0)
                            choose(chat, True)
                        message = placed.message
                        if not agreed and message.type == "message" and message.sender not in (None, chat.name):
                            raise Refused(
                                f"«{chat.name}» is no channel, and HTML does not say whether it is public. If all "
                                "whose words it is agree to stand on a site for everybody: --agreed"
                            )
                        yield placed
            page.finish()
            if chat is None:
                chat = Chat(page.title, "", 0)
                choose(chat, True)

    def _counting(self, file: BinaryIO) -> Callable[[int], bytes]:
        def read(size: int) -> bytes:
            octets = file.read(size)
            self._octets += len(octets)
            return octets

        return read


def _is_there(source: Source, path: str) -> bool:
    try:
        source.open(path).close()
    except Missing:
        return False
    return True


def _pages(source: Source) -> Iterator[str]:
    number, name = 1, "messages.html"
    while _is_there(source, name):
        yield name
        number += 1
        name = f"messages{number}.html"


def _texts(read: Callable[[int], bytes], page: Page) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while octets := read(READ):
            yield decoder.decode(octets)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        page.fail("this is no UTF-8")
