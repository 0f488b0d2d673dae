"""Carrying out what the desk decided: posts into the archive, and what is to be sent into the outbox.

All of it happens within one `Archive.writing`, together with what the desk remembers; so a decision is carried out
once, or was never made. Nothing is sent here.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from msgspec.structs import replace

from angarium.channel.archive import Archive
from angarium.channel.book import DeskBook
from angarium.channel.compose import headline, medium, text
from angarium.channel.decisions import (
    Answer,
    Ask,
    Change,
    Decision,
    Drop,
    Mark,
    Publish,
    Show,
    Sign,
    Tell,
    Told,
    Withdraw,
)
from angarium.channel.filetype import HEAD, filetype
from angarium.channel.matters import Draft, File, Motion, Motive, Reference, Stage
from angarium.channel.media import Media, TooLarge
from angarium.channel.outbox import CHANNEL, DESK, Delete, Edit, Forget, Outbox, React, Send
from angarium.channel.post import Author, Comment, Medium, MediumKind, Post, tags_of
from angarium.channel.recording.strip import RECORDED, BadRecording, strip_recording
from angarium.channel.settings import Settings
from angarium.channel.speech import speech
from angarium.channel.stripping import STRIPPED, UNSTRIPPED, BadPicture, strip
from angarium.channel.words import line, slug, tidy

__all__ = ["Carrier"]

LARGEST = 100 << 20
"""Octets of something attached."""
NAME, BIOGRAPHY = 80, 1000
"""Most characters."""
SIGNS = {Stage.WAITING: "⏳", Stage.PUBLISHED: "📢", Stage.GONE: "🗑"}
VIEWS = {
    MediumKind.PHOTO: "Image",
    MediumKind.VIDEO: "Video",
    MediumKind.ANIMATION: "Gif",
    MediumKind.STICKER: "Sticker",
    MediumKind.VOICE: "Voice",
    MediumKind.AUDIO: "Audio",
    MediumKind.FILE: "File",
}
ENDINGS = {"jpeg": "jpg", "mpeg": "mp3", "octet-stream": "bin"}
APP = "app:"
"""How the way back to a reader begins who wrote in the app; their number among the contacts is behind it."""


class Carrier:
    """Carries out the decisions of one channel's desk."""

    def __init__(
        self,
        archive: Archive,
        book: DeskBook,
        outbox: Outbox,
        media: Media,
        settings: Settings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.changed = False
        """Whether the site is no longer what the archive says. Whoever writes it sets it back."""
        self._archive = archive
        self._book = book
        self._outbox = outbox
        self._media = media
        self._speech = speech(settings.language)
        self._clock = clock

    def carry(self, decisions: Iterable[Decision]) -> None:
        """Carry decisions out. Within `Archive.writing`."""
        for decision in decisions:
            match decision:
                case Publish(number):
                    self._publish(self._book.drafts[number])
                case Change(number, words):
                    self._change(number, words)
                case Withdraw(number):
                    self._withdraw(number)
                case Ask(number):
                    self._ask(number, self._book.motions[number])
                case Tell(what, message):
                    self._tell(what, message)
                case Mark(message, stage):
                    self._outbox.put(React(message, SIGNS[Stage(stage)]))
                case Sign():
                    self._sign(decision)
                case Show(comment, ballot):
                    self._judge(comment, ballot, show=True)
                case Drop(comment, ballot):
                    self._judge(comment, ballot, show=False)
                case Answer():
                    self._answer(decision)

    def key(self, draft: int) -> str:
        """The key of the post that a draft became. The group is part of it: another group counts from one again."""
        return f"desk/{self._archive.note('desk epoch')}/{draft}"

    def _publish(self, draft: Draft) -> None:
        try:
            media = [self._keep(part.file) for part in draft.parts if part.file]
        except (OSError, TooLarge, BadPicture, BadRecording) as error:
            self._book.drafts[draft.number] = replace(draft, stage=Stage.GONE)
            unstripped = isinstance(error, BadPicture | BadRecording)
            self._tell(Told.UNSTRIPPED if unstripped else Told.TOO_LARGE, draft.number)
            return
        pen = self._book.pen(draft.by)
        self._archive.put(self._post(self.key(draft.number), draft.text, pen, tuple(media)))
        self.changed = True
        sender = next((author.name for author, _ in self._archive.authors() if author.slug == pen), "")
        first = Send(to=CHANNEL, text=draft.text, sender=sender, draft=draft.number)
        for part, each in enumerate(media or (None,)):
            send = replace(first, text=draft.text if not part else "", part=part)
            self._outbox.put(self._attached(send, each) if each else send)
        self._outbox.put(React(draft.number, SIGNS[Stage.PUBLISHED]))
        self._tell(Told.PUBLISHED, draft.number, Reference(draft=draft.number))

    def _post(self, key: str, words: str, pen: str, media: tuple[Medium, ...]) -> Post:
        title, body = headline(tidy(words))
        marked = text(body)
        tags = tuple(tags_of(text(title))) + tuple(tags_of(marked))
        return Post(
            key=key,
            published=int(self._clock()),
            author=pen,
            title=title,
            text=marked,
            media=media,
            tags=tuple(dict.fromkeys(tags)),
        )

    def _keep(self, file: File) -> Medium:
        """Something attached, into the media: without what its camera wrote into it, where that is known.

        Raises:
            BadPicture, BadRecording: that cannot be taken out.
            TooLarge, OSError: see `Media.keep`.
        """
        path = Path(file.path)
        with path.open("rb") as source:
            first = source.read(HEAD)
            source.seek(0)
            pieces: Iterable[bytes] = _pieces(source)
            found = filetype(first)
            if found in UNSTRIPPED:
                raise BadPicture(f"{found} cannot be stripped")
            if found in STRIPPED:
                octets = source.read(LARGEST + 1)
                if len(octets) > LARGEST:
                    raise TooLarge
                pieces = [strip(octets, found).octets]
            elif found in RECORDED:
                pieces = strip_recording(lambda: path.open("rb"), found)
            digest, size = self._media.keep(pieces, most=LARGEST)
        return medium(file, first, digest, size)

    def _attached(self, send: Send, each: Medium) -> Send:
        ending = (
            each.type.partition("/")[2].replace("jpeg", "jpg").replace("mpeg", "mp3").replace("octet-stream", "bin")
        )
        name = each.name or f"{each.kind}.{ending}"
        return replace(send, file=str(self._media.path(each.digest)), name=name, view=VIEWS[each.kind])

    def _change(self, number: int, words: str) -> None:
        filed = self._archive.find(self.key(number))
        if filed is None:
            return
        new = self._post(filed.post.key, words, filed.post.author, filed.post.media)
        published = filed.post.published
        self._archive.put(replace(new, published=published, changed=max(new.published, published)))
        self.changed = True
        self._outbox.put(Edit(number, words))
        self._tell(Told.CHANGED, number, Reference(draft=number))

    def _withdraw(self, number: int) -> None:
        filed = self._archive.find(self.key(number))
        if filed is not None:
            self._archive.withdraw(filed.number)
            self.changed = True
            if filed.post.media:
                others = {each.digest for other in self._archive.posts() for each in other.post.media}
                self._media.remove(each.digest for each in filed.post.media if each.digest not in others)
        self._outbox.put(Delete(number))
        self._outbox.put(React(number, SIGNS[Stage.GONE]))
        self._tell(Told.WITHDRAWN, number, Reference(draft=number))

    def _tell(self, what: Told, message: int, about: Reference | None = None) -> None:
        said = self._speech.say(what.value)
        self._outbox.put(Send(to=DESK, text=said, quoted=message, about=about or Reference()))

    def not_sent(self, draft: int, reason: str) -> None:
        """Tell the group that a post did not get through. Within `Archive.writing`."""
        said = self._speech.say(Told.NOT_SENT, reason=reason[:300])
        self._outbox.put(Send(to=DESK, text=said, quoted=draft, about=Reference(draft=draft)))

    def _ask(self, number: int, motion: Motion) -> None:
        say = self._speech.say
        quoted, words = motion.about, motion.text
        match motion.motive:
            case Motive.PUBLISH:
                head = say("waits")
            case Motive.CHANGE:
                head = say("change")
            case Motive.WITHDRAW:
                head, words = say("withdrawal"), self._book.drafts[motion.about].text or self._named(motion.about)
            case Motive.SHOW:
                head, quoted = self._whence(motion.about), 0
        self._outbox.put(Send(to=DESK, text=f"{head}\n\n{words}", quoted=quoted, motion=number))
        if motion.motive is Motive.SHOW and (address := self._address(motion.about)):
            said = self._speech.say("reply", address=address)
            self._outbox.put(Send(to=DESK, text=said, beside=number, about=Reference()))

    def _named(self, draft: int) -> str:
        """What a post without words is called among editors."""
        filed = self._archive.find(self.key(draft))
        return f"№ {filed.number} ({', '.join(each.kind for each in filed.post.media)})" if filed else ""

    def _whence(self, number: int) -> str:
        """What a reader's words are about, and the name they gave."""
        comment = self._comment(number)
        filed = self._archive.get(comment.post) if comment else None
        lines = []
        if filed is None:
            lines.append(self._speech.say("letter"))
        else:
            first = filed.post.title or filed.post.text.words.strip().partition("\n")[0] or f"№ {filed.number}"
            lines.append(self._speech.say("reader", title=first[:80]))
        if comment and comment.name:
            lines.append(comment.name)
        return "\n".join(lines)

    def _address(self, number: int) -> str:
        """What a reader typed to be answered at. It has a message of its own: a reply to the ballot would quote it."""
        comment = self._comment(number)
        return comment.reply_to if comment and not comment.reply_to.startswith(APP) else ""

    def _comment(self, number: int) -> Comment | None:
        return next((each for each in self._archive.waiting() if each.number == number), None)

    def _judge(self, number: int, ballot: int, *, show: bool) -> None:
        comment = self._comment(number)
        filed = self._archive.get(comment.post) if comment else None
        self._archive.judge_comment(number, show=show and filed is not None)
        self.changed = self.changed or filed is not None or comment is None
        self._outbox.put(React(ballot, SIGNS[Stage.PUBLISHED if show else Stage.GONE]))
        for message in self._book.take_beside(number):
            self._outbox.put(Forget(message))

    def _answer(self, answer: Answer) -> None:
        comment = self._comment(answer.comment)
        back = comment.reply_to if comment else ""
        if not back.startswith(APP):
            self._tell(Told.NO_WAY_BACK, answer.message)
            return
        self._outbox.put(Send(to=back.removeprefix(APP), text=answer.text))
        self._tell(Told.ANSWERED, answer.message)

    def _sign(self, sign: Sign) -> None:
        authors = {author.slug: author for author, _ in self._archive.authors()}
        if sign.name is not None:
            name = line(sign.name, NAME)
            named = slug(name)
            if bool(named) != bool(name) or not self._book.take_pen(sign.by, named):
                self._tell(Told.TAKEN, sign.message)
            elif not named:
                self._tell(Told.UNSIGNED, sign.message)
            else:
                self._archive.put_author(replace(authors.get(named, Author(named, name)), name=name))
                said = self._speech.say(Told.SIGNED, name=name)
                self._outbox.put(Send(to=DESK, text=said, quoted=sign.message, about=Reference()))
        elif not (pen := self._book.pen(sign.by)):
            self._tell(Told.NAME_FIRST, sign.message)
        else:
            author = authors.get(pen, Author(pen, pen))
            self._archive.put_author(replace(author, biography=tidy(sign.biography or "")[:BIOGRAPHY]))
            self._tell(Told.DESCRIBED, sign.message)
        self.changed = True


def _pieces(source: IO[bytes]) -> Iterable[bytes]:
    while piece := source.read(1 << 20):
        yield piece
