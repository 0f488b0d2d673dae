"""The desk: what becomes of what editors write in their group, and what readers send. Rules, and nothing else.

Each message in the group that is no reply and no command is a draft. A draft is published, a published post changed or
withdrawn, and what a reader says shown, once enough members approve: by a reaction, or by saying so in a reply. What is
being voted upon is a motion, and its ballot is one message of the group: the draft itself at first, and whenever its
text is no longer what was first seen there, a message of ours that holds it. A vote for another message does not count,
so nobody approves what they have not seen. A vote counts for as long as it stands: a reaction that is taken back, or a
reply that is deleted or edited, is none. A name to sign with and what is said of its bearer stand on the site too, and
are approved of in the same way; the message that asks for it is the ballot.

Who is not a member any more decides nothing, and neither do changes that they make to what they wrote: the app takes
those of anybody. What waited of theirs is dropped then, as it is no longer what the others see.

It is told what there is (`see`) and not what happened, any number of times and in any order: a message with the
reactions that it has now. So nothing is lost by a crash; whoever looks again at everything comes to the same. What it
decides is returned, and carried out elsewhere; what it remembers is in its book, kept together with what was decided.
"""

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from angarium.channel.commands import Command, Word, command
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
from angarium.channel.matters import Book, Draft, Motion, Motive, Part, Reference, Rules, Seen, Stage

__all__ = ["MYSELF", "Desk"]

MYSELF = 1
"""The desk's own number among the members."""
TEXT = 60_000
"""Most characters of a post."""


class Desk:
    """The rules at work on a book."""

    def __init__(self, book: Book, rules: Rules, members: Collection[int]) -> None:
        self._book = book
        self._rules = rules
        self._members = frozenset(members) - {MYSELF}

    def see(self, seen: Seen) -> list[Decision]:
        """Look at a message that is in the group."""
        reference = self._book.references.get(seen.message)
        if reference is None:
            return list(self._new(seen)) if seen.by in self._members else []
        decided: list[Decision] = []
        if (draft := self._book.drafts.get(reference.draft)) and seen.by == draft.by:
            decided += self._again(draft, seen)
        else:
            self._reread(seen)
        return decided + [done for number in self._on(seen.message) for done in self._count(number, seen)]

    def gone(self, message: int) -> list[Decision]:
        """A message that was in the group is not there any more."""
        reference = self._book.references.get(message)
        draft = self._book.drafts.get(reference.draft) if reference else None
        if draft is None or message not in [part.message for part in draft.parts]:
            self._reread(Seen(message, MYSELF))
            return []
        if draft.stage is Stage.GONE or (draft.stage is Stage.PUBLISHED and draft.by not in self._members):
            return []
        if message == draft.number or draft.by not in self._members:
            return list(self._take_back(draft, draft.by, message))
        if draft.stage is Stage.PUBLISHED:
            return []
        left = replace(draft, parts=tuple(part for part in draft.parts if part.message != message))
        return list(self._restate(replace(left, text=left.words)))

    def hear(self, comment: int, words: str) -> list[Decision]:
        """A reader says something, which was put into the archive under that number."""
        return [self._move(Motion(Motive.SHOW, comment, 0, words))]

    def sent(self, message: int, *, motion: int = 0, reference: Reference | None = None) -> None:
        """A message of ours is in the group: the ballot of a motion, or about something."""
        if found := self._book.motions.get(motion):
            self._book.motions[motion] = replace(found, ballot=message)
            by_comment = found.motive is Motive.SHOW
            reference = Reference(comment=found.about) if by_comment else Reference(draft=found.about)
        self._book.references[message] = reference or Reference()

    def _new(self, seen: Seen) -> Iterator[Decision]:
        about = self._book.references.get(seen.quoted) if seen.quoted else None
        said = command(seen.text)
        self._book.references[seen.message] = Reference()
        draft = self._book.drafts.get(about.draft) if about else None
        if said is None and not seen.quoted:
            yield from self._begin(seen)
        elif said is None:
            if draft and seen.file and seen.by == draft.by and draft.stage is Stage.WAITING:
                yield from self._add(draft, seen)
        elif said.word in (Word.NAME, Word.ABOUT, Word.HELP):
            yield from self._oneself(said, seen)
        elif draft:
            yield from self._about_draft(draft, said, seen)
        elif about and about.comment:
            yield from self._about_comment(about.comment, said, seen)
        elif seen.quoted and self._on(seen.quoted):
            yield from self._about_name(said, seen)
        else:
            yield Tell(Told.ABOUT_WHAT, seen.message)

    def _oneself(self, said: Command, seen: Seen) -> Iterator[Decision]:
        if said.word is Word.HELP:
            yield Tell(Told.HELP, seen.message)
            return
        motive = Motive.NAME if said.word is Word.NAME else Motive.ABOUT
        motion = Motion(motive, seen.by, seen.by, said.text, ballot=seen.message)
        if not said.text:
            self._close(seen.by, motive)
            yield _signing(motion)
        elif seen.edited:  # who approved may have seen something else
            yield Tell(Told.SAY_AGAIN, seen.message)
        else:
            number = self._open(replace(motion, by_reply={seen.message: seen.by}))
            decided = list(self._count(number, seen))
            if not decided:
                yield Tell(Told.NOT_ONES_OWN, seen.message)
            yield from decided

    def _about_name(self, said: Command, seen: Seen) -> Iterator[Decision]:
        match said.word:
            case Word.PUBLISH:
                yield from self._approve(seen)
            case Word.REFUSE | Word.WITHDRAW:
                for number in self._on(seen.quoted):
                    del self._book.motions[number]
                yield Mark(seen.quoted, Stage.GONE)
            case _:
                yield Tell(Told.NOTHING_TO_DO, seen.message)

    def _reread(self, seen: Seen) -> None:
        """A message that is no part of a draft, once more: it may no longer ask for, or approve of, what it did."""
        said = command(seen.text)
        for number, motion in list(self._book.motions.items()):
            if motion.motive in (Motive.NAME, Motive.ABOUT) and motion.ballot == seen.message:
                if said is None or said.text != motion.text:
                    del self._book.motions[number]
            elif seen.message in motion.by_reply and not _approves(said, motion):
                left = {message: by for message, by in motion.by_reply.items() if message != seen.message}
                self._book.motions[number] = replace(motion, by_reply=left)

    def _begin(self, seen: Seen) -> Iterator[Decision]:
        if not seen.text.strip() and seen.file is None:
            return
        draft = Draft(seen.by, (Part(seen.message, seen.text, seen.file),), seen.text.strip())
        self._book.drafts[seen.message] = draft
        self._book.references[seen.message] = Reference(draft=seen.message)
        if len(seen.text) > TEXT:
            self._book.drafts[seen.message] = replace(draft, stage=Stage.GONE)
            yield Tell(Told.TOO_LONG, seen.message)
            return
        yield Mark(seen.message, Stage.WAITING)
        motion = Motion(Motive.PUBLISH, seen.message, seen.by, draft.text)
        if seen.edited:  # who approved may have seen something else
            yield self._move(motion)
        else:
            yield from self._count(self._open(replace(motion, ballot=seen.message)), seen)

    def _add(self, draft: Draft, seen: Seen) -> Iterator[Decision]:
        """Another picture: from now on it is the message to vote on, since it shows what the draft has become."""
        grown = replace(draft, parts=(*draft.parts, Part(seen.message, seen.text, seen.file)))
        grown = replace(grown, text=grown.words)
        self._book.drafts[draft.number] = grown
        self._book.references[seen.message] = Reference(draft=draft.number)
        yield Mark(seen.message, Stage.WAITING)
        motion = self._open(Motion(Motive.PUBLISH, draft.number, draft.by, grown.text, ballot=seen.message))
        yield from self._count(motion, seen)

    def _again(self, draft: Draft, seen: Seen) -> Iterator[Decision]:
        """A message of a draft: whether its author wrote something else into it."""
        before = next((part for part in draft.parts if part.message == seen.message), None)
        if before is None or before.text == seen.text or draft.stage is Stage.GONE:
            return
        if draft.by not in self._members:
            if draft.stage is Stage.WAITING:
                yield from self._take_back(draft, draft.by, 0)
            return
        changed = replace(before, text=seen.text)
        parts = tuple(changed if part is before else part for part in draft.parts)
        draft = replace(draft, parts=parts)
        if draft.stage is Stage.WAITING:
            yield from self._restate(replace(draft, text=draft.words))
        else:
            self._book.drafts[draft.number] = draft
            yield from self._propose(draft, draft.words, draft.by, seen.message)

    def _restate(self, draft: Draft) -> Iterator[Decision]:
        """A draft that waits is no longer what its first message says: a message of ours is to be voted on."""
        self._book.drafts[draft.number] = draft
        if self._fits(draft.text):
            yield self._move(Motion(Motive.PUBLISH, draft.number, draft.by, draft.text))
        else:
            self._close(draft.number)
            yield Tell(Told.TOO_LONG, draft.number)

    def _propose(self, draft: Draft, text: str, by: int, message: int) -> Iterator[Decision]:
        """Another text for a published post."""
        text = text.strip()
        if not text or not self._fits(text):
            yield Tell(Told.TOO_LONG if text else Told.NO_TEXT, message)
        elif text == draft.text:
            self._close(draft.number, Motive.CHANGE)
        else:
            yield from self._asked(Motion(Motive.CHANGE, draft.number, by, text), message)

    def _fits(self, text: str) -> bool:
        return len(text) <= TEXT

    def _about_draft(self, draft: Draft, said: Command, seen: Seen) -> Iterator[Decision]:
        match said.word:
            case Word.WITHDRAW | Word.REFUSE if draft.stage is not Stage.GONE:
                yield from self._take_back(draft, seen.by, seen.message)
            case Word.EDIT if draft.stage is Stage.PUBLISHED:
                yield from self._propose(draft, said.text, seen.by, seen.message)
            case Word.EDIT if draft.stage is Stage.WAITING and said.text and seen.by == draft.by:
                yield from self._restate(replace(draft, text=said.text))
            case Word.PUBLISH if self._open_about(draft.number):
                yield from self._approve(seen)
            case _:
                yield Tell(Told.NOTHING_TO_DO, seen.message)

    def _about_comment(self, comment: int, said: Command, seen: Seen) -> Iterator[Decision]:
        waits = bool(self._found(Motive.SHOW, comment))
        match said.word:
            case Word.PUBLISH if waits:
                yield from self._approve(seen)
            case Word.REFUSE | Word.WITHDRAW if waits:
                yield from self._refuse(comment, seen.quoted)
            case Word.WITHDRAW:
                yield Drop(comment, seen.quoted)
            case Word.ANSWER if waits and said.text:
                yield Answer(comment, said.text, seen.message)
            case _:
                yield Tell(Told.NOTHING_TO_DO, seen.message)

    def _approve(self, seen: Seen) -> Iterator[Decision]:
        """Somebody said "publish" to a message; that counts if it is a ballot."""
        on = self._on(seen.quoted)
        if not on:
            yield Tell(Told.NOT_THE_LATEST, seen.message)
        for number in on:
            if self._may(self._book.motions[number], seen.by):
                yield from self._speak(number, seen.by, seen.message)
            else:
                yield Tell(Told.NOT_ONES_OWN, seen.message)

    def _speak(self, number: int, member: int, message: int) -> Iterator[Decision]:
        motion = self._book.motions[number]
        self._book.motions[number] = replace(motion, by_reply={**motion.by_reply, message: member})
        yield from self._count(number)

    def _take_back(self, draft: Draft, by: int, message: int) -> Iterator[Decision]:
        if draft.stage is Stage.PUBLISHED:
            yield from self._asked(Motion(Motive.WITHDRAW, draft.number, by), message)
            return
        self._close(draft.number)
        self._book.drafts[draft.number] = replace(draft, stage=Stage.GONE)
        if message != draft.number:
            yield Mark(draft.number, Stage.GONE)

    def _asked(self, motion: Motion, message: int) -> Iterator[Decision]:
        """A motion that somebody makes on purpose, by that message. Who asks for what is asked for already approves of
        it by that, and who may approve of their own does so too."""
        for number in self._found(motion.motive, motion.about):
            there = self._book.motions[number]
            if there.text == motion.text:
                if self._may(there, motion.by):
                    yield from self._speak(number, motion.by, message)
                return
        if self._rules.own:
            motion = replace(motion, by_reply={message: motion.by})
            if self._rules.approvals == 1:
                yield from self._count(self._open(motion))
                return
        yield self._move(motion)

    def _may(self, motion: Motion, member: int) -> bool:
        return member in self._members and (self._rules.own or member != motion.by)

    def _count(self, number: int, seen: Seen | None = None) -> Iterator[Decision]:
        """See whether a motion is carried, after another vote or with its ballot as it is now."""
        motion = self._book.motions[number]
        if seen:
            if motion.motive is Motive.SHOW and seen.refusing & self._members:
                yield from self._refuse(motion.about, seen.message)
                return
            motion = self._book.motions[number] = replace(motion, reacted=seen.approving)
        voters = motion.reacted.union(motion.by_reply.values())
        approving = [member for member in voters if self._may(motion, member)]
        if len(approving) >= self._rules.approvals:
            yield from self._carry(motion)

    def _carry(self, motion: Motion) -> Iterator[Decision]:
        if motion.motive in (Motive.NAME, Motive.ABOUT):
            self._close(motion.about, motion.motive)
            if motion.by in self._members:
                yield _signing(motion)
            return
        if motion.motive is Motive.SHOW:
            self._close(motion.about, Motive.SHOW)
            yield Show(motion.about, motion.ballot)
            return
        draft = self._book.drafts[motion.about]
        match motion.motive:
            case Motive.PUBLISH:
                self._close(draft.number)
                published = replace(draft, stage=Stage.PUBLISHED)
                self._book.drafts[draft.number] = published
                yield Publish(draft.number)
            case Motive.CHANGE:
                self._close(draft.number, Motive.CHANGE)
                self._book.drafts[draft.number] = replace(draft, text=motion.text)
                yield Change(draft.number, motion.text)
            case _:
                self._close(draft.number)
                self._book.drafts[draft.number] = replace(draft, stage=Stage.GONE)
                yield Withdraw(draft.number)

    def _refuse(self, comment: int, ballot: int) -> Iterator[Decision]:
        self._close(comment, Motive.SHOW)
        yield Drop(comment, ballot)

    def _on(self, message: int) -> list[int]:
        """Motions whose ballot is that message."""
        return [number for number, motion in self._book.motions.items() if motion.ballot == message]

    def _found(self, motive: Motive, about: int) -> list[int]:
        motions = self._book.motions.items()
        return [number for number, motion in motions if motion.motive is motive and motion.about == about]

    def _close(self, about: int, motive: Motive | None = None) -> None:
        """End the motions about a draft, or of one kind only."""
        for number in self._found(motive, about) if motive else self._open_about(about):
            del self._book.motions[number]

    def _open_about(self, draft: int) -> list[int]:
        kinds = (Motive.PUBLISH, Motive.CHANGE, Motive.WITHDRAW)
        return [number for kind in kinds for number in self._found(kind, draft)]

    def _open(self, motion: Motion) -> int:
        """Put a motion, in place of one of its kind that there was; return its number."""
        self._close(motion.about, motion.motive)
        number = self._book.serial()
        self._book.motions[number] = motion
        return number

    def _move(self, motion: Motion) -> Ask:
        """Put a motion that a message of ours is to be voted on for."""
        return Ask(self._open(motion))


def _approves(said: Command | None, motion: Motion) -> bool:
    """Whether what somebody says approves of a motion, or asks for the same."""
    match said.word if said else None:
        case Word.PUBLISH:
            return True
        case Word.WITHDRAW:
            return motion.motive is Motive.WITHDRAW
        case Word.EDIT:
            return said is not None and motion.motive is Motive.CHANGE and said.text == motion.text
        case _:
            return False


def _signing(motion: Motion) -> Sign:
    if motion.motive is Motive.NAME:
        return Sign(motion.by, motion.ballot, name=motion.text)
    return Sign(motion.by, motion.ballot, biography=motion.text)
