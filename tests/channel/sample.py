"""A newsroom with one of everything, and with what somebody hostile might have written."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from angarium.channel.archive import Archive
from angarium.channel.newsroom import Newsroom
from angarium.channel.post import Author, Comment, Mark, Medium, MediumKind, Option, Poll, Post, Span, Text
from angarium.channel.settings import Settings

__all__ = ["DAY", "HOSTILE", "LANGUAGES", "NOON", "add", "jpeg", "marked", "sample"]

NOON = 1_790_000_000
DAY = 86_400

TITLES = {"en": "The Post of the Riders", "fa": "پیک سواران", "ar": "بريد الفرسان", "ru": "Почта всадников"}
LANGUAGES = tuple(TITLES)

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "</title></textarea></style><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% for x in y %}",
    "javascript:alert(1)",
    '<!--<a href="javascript:alert(1)">',
    "\x00\x1b[31m\u202e\ufffe]]>&#x3c;",
)


def jpeg(width: int, height: int, *, place: bool = False) -> bytes:
    """A picture; with a place and an orientation in its EXIF if wanted."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    exif = Image.Exif()
    if place:
        exif[0x0112] = 6  # turned by a quarter
        exif[0x010F] = "A camera that gives away whose it is"
        exif.get_ifd(0x8825)[1] = "N"
        exif.get_ifd(0x8825)[2] = (35.0, 41.0, 21.0)
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    return file.getvalue()


def marked(words: str, **marks: str) -> Text:
    """A text in which the named marks are on the given pieces."""
    spans = [Span(words.index(piece), len(piece), Mark(mark)) for mark, piece in marks.items()]
    return Text(words, tuple(spans))


def add(archive: Archive, *posts: Post) -> None:
    """Put posts."""
    with archive.writing():
        for post in posts:
            archive.put(post)


def sample(folder: Path, language: str = "en", more: Sequence[Post] = ()) -> Newsroom:
    """Make it. Posts are numbered in their order."""
    room = Newsroom(folder)
    folder.mkdir(parents=True)
    title = TITLES[language]
    Settings(
        title=title,
        language=language,
        description="News from the road. خبرهای راه.",
        address="https://news.example.org/",
        mirrors=("https://copy.example/news/",),
        comments=True,
        zone="Asia/Tehran",
    ).save(room.settings_file)
    room.keys.make()
    media = room.media()

    def keep(content: bytes, kind: MediumKind, mime: str, name: str = "", **said: object) -> Medium:
        digest, size = media.keep([content], most=10_000_000)
        return Medium(digest, kind, mime, size, name, **said)  # type: ignore[arg-type]

    photo = keep(jpeg(1600, 1000, place=True), MediumKind.PHOTO, "image/jpeg", "a.jpg", width=1600, height=1000)
    hidden = keep(jpeg(500, 400), MediumKind.PHOTO, "image/jpeg", "b.jpg", spoiler=True)
    liar = keep(b"<html><script>alert(1)</script>", MediumKind.PHOTO, "image/jpeg", "c.jpg")
    voice = keep(b"OggS" + bytes(100), MediumKind.VOICE, "audio/ogg", seconds=65)
    film = keep(b"\0\0\0\x18ftypmp42", MediumKind.VIDEO, "video/mp4", "d.mp4", width=640, height=360)
    page = keep(b"<script>alert(1)</script>", MediumKind.FILE, "text/html", "e.html")
    paper = keep(b"%PDF-1.7", MediumKind.FILE, "application/pdf", "f.pdf")
    rich = (
        "Rain in the north\nIt was bold and slanted, said @mina of #water, secretly.\n\nSecond code.\n\n"
        "A quote.\n\nfor x in y:\n  pass\n\nبند فارسی با English در میان."
    )
    poll = Poll("Who knew?", (Option("Everybody", 30), Option(HOSTILE[0], 10)), 40)
    with room.archive() as archive:
        archive.put_author(Author("mina", "Mina Rahimi", "Writes about water.\n\nمینا دربارهٔ آب می‌نویسد."))
        add(
            archive,
            Post(
                key="1",
                published=NOON,
                changed=NOON + 60,
                author="mina",
                text=marked(
                    rich,
                    bold="bold",
                    italic="slanted",
                    mention="@mina",
                    hashtag="#water",
                    spoiler="secretly",
                    code="code",
                    quote="A quote.",
                    block="for x in y:\n  pass",
                ),
                media=(photo, hidden, liar, voice, film, page, paper),
                tags=("water", "آب"),
                pinned=True,
            ),
            Post(
                key="2",
                published=NOON + DAY,
                text=Text("باران در شمال\nهمهٔ شب باران بارید."),
                answers="1",
                tags=("آب",),
            ),
            Post(key="3", published=NOON + 2 * DAY, text=Text("To be withdrawn, with a password: swordfish.")),
            Post(
                key="4",
                published=NOON + 3 * DAY,
                poll=poll,
                source="Another channel",
                source_link="https://a.example/?a=1&b=2",
            ),
            Post(key="5", published=NOON + 40 * DAY, media=(photo, photo), answers="nowhere", source=HOSTILE[1]),
            Post(
                key="6",
                published=NOON + 41 * DAY,
                title=HOSTILE[0],
                author=HOSTILE[2],
                text=Text(
                    "\n".join(HOSTILE), (Span(0, 25, Mark.LINK, 'https://a.example/"><script>alert(1)</script>'),)
                ),
                media=(keep(b"x", MediumKind.FILE, HOSTILE[1], HOSTILE[0]),),
                tags=HOSTILE,
                source=HOSTILE[0],
                source_link="javascript:alert(1)",
                poll=Poll(HOSTILE[3], (Option(HOSTILE[4], -5),), -1),
            ),
            *more,
        )
        for words in ("Good.\n\nThank you.", HOSTILE[0]):
            archive.judge_comment(
                archive.put_comment(Comment(post=1, written=NOON, name=words, words=words)), show=True
            )
        archive.put_comment(Comment(post=1, written=NOON, words="Not judged yet."))
        with archive.writing():
            archive.withdraw(3)
    return room
