"""News of several processes, in whatever order they come: a session that goes by them counts as its client does."""

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from angarium.store.changes import Hub
from angarium.wire.imap.entry import Arrived, Change, Entry, Expunged, Flagged, Resync, Snapshot
from angarium.wire.imap.view import Exists, Expunge, Flags, Moment, View

if TYPE_CHECKING:
    from angarium.store.rows import News

BOX = 7
SEEN = frozenset({"\\Seen"})


def arrived(uid: int, modseq: int) -> Arrived:
    return Arrived(Entry(uid, 100, frozenset(), 9, modseq))


def test_what_follows_is_kept_and_a_gap_is_a_resync() -> None:
    hub = Hub()
    listener = hub.listen(BOX, 10)
    hub.hear([(BOX, arrived(1, 11))])
    hub.hear([(BOX, Expunged(1, 12))])
    assert listener.take() == [arrived(1, 11), Expunged(1)]
    hub.hear([(BOX, arrived(3, 14))])  # 13 was committed elsewhere
    assert listener.take() == [Resync()]
    hub.hear([(BOX, arrived(2, 13))])  # it is in the look that followed
    hub.hear([(BOX, arrived(4, 15))])
    assert listener.take() == [arrived(2, 13), arrived(4, 15)]


def test_several_changes_of_one_commit_are_no_gap() -> None:
    hub = Hub()
    listener = hub.listen(BOX, 10)
    hub.hear([(BOX, Expunged(uid, 11)) for uid in (1, 2, 3)])
    assert listener.take() == [Expunged(1), Expunged(2), Expunged(3)]


def test_while_a_resync_waits_nothing_else_is_kept() -> None:
    hub = Hub()
    listener = hub.listen(BOX, 10)
    hub.hear([(BOX, arrived(2, 12)), (BOX, arrived(3, 13))])
    assert listener.take() == [Resync()]


def test_what_was_committed_here_is_told_elsewhere_and_what_was_heard_is_not() -> None:
    told: list[News] = []
    hub = Hub()
    hub.elsewhere = told.append
    hub.publish([(BOX, None)])
    hub.publish([])
    hub.hear([(8, None)])
    assert told == [[(BOX, None)]]


@dataclass
class Mailbox:
    """The truth, and what was committed by whom."""

    entries: dict[int, Entry] = field(default_factory=dict)
    uidnext: int = 1
    modseq: int = 0

    def commit(self, chance: random.Random) -> list[tuple[int, Change | None]]:
        self.modseq += 1
        some = chance.sample(sorted(self.entries), min(len(self.entries), chance.randint(1, 3)))
        what = chance.random()
        if what < 0.5 or not some:
            changes: list[Change] = []
            for _ in range(chance.randint(1, 2)):
                self.entries[self.uidnext] = Entry(self.uidnext, 1, frozenset(), 1, self.modseq)
                changes.append(Arrived(self.entries[self.uidnext]))
                self.uidnext += 1
        elif what < 0.75:
            for uid in some:
                before = self.entries[uid]
                self.entries[uid] = Entry(uid, 1, before.flags ^ SEEN, 1, self.modseq)
            changes = [Flagged(self.entries[uid]) for uid in some]
        else:
            for uid in some:
                del self.entries[uid]
            changes = [Expunged(uid, self.modseq) for uid in some]
        return [(BOX, change) for change in changes]

    def snapshot(self) -> Snapshot:
        return Snapshot(1, self.uidnext, self.modseq, tuple(self.entries[uid] for uid in sorted(self.entries)))


@dataclass
class Client:
    """Who counts as RFC 3501 says, and asks for what is new by UID."""

    known: list[int]
    flags: dict[int, frozenset[str]]

    def told(self, view: View) -> None:
        for said in view.announce(Moment.FREE):
            match said:
                case Exists(count):
                    living = [entry.uid for _, entry in view.living()]
                    assert len(living) == count
                    self.known = living
                    self.flags.update((entry.uid, entry.flags) for _, entry in view.living())
                case Expunge(number):
                    del self.known[number - 1]
                case Flags(number, entry):
                    assert self.known[number - 1] == entry.uid
                    self.flags[entry.uid] = entry.flags
        assert self.known == sorted(self.known)


@pytest.mark.parametrize("seed", range(300))
def test_in_whatever_order_news_come_the_client_ends_with_what_is_there(seed: int) -> None:
    chance = random.Random(seed)
    mailbox = Mailbox()
    for _ in range(chance.randint(0, 5)):
        mailbox.commit(chance)
    hub = Hub()
    snapshot = mailbox.snapshot()
    listener, view = hub.listen(BOX, snapshot.modseq), View(snapshot)
    client = Client([entry.uid for entry in snapshot.entries], {entry.uid: entry.flags for entry in snapshot.entries})
    on_the_way: list[list[list[tuple[int, Change | None]]]] = [[], [], []]  # each process's, in its own order

    def look() -> None:
        for change in listener.take():
            if isinstance(change, Resync):
                view.resync(mailbox.snapshot())
            else:
                view.apply(change)
        client.told(view)

    resyncs = 0
    for _ in range(60):
        chance.choice(on_the_way).append(mailbox.commit(chance))
        for process in on_the_way:
            while process and chance.random() < 0.6:
                hub.hear(process.pop(0))
        if chance.random() < 0.4:
            resyncs += any(isinstance(change, Resync) for change in listener._changes or ())
            look()
    while any(on_the_way):
        hub.hear(chance.choice([process for process in on_the_way if process]).pop(0))
    look()
    assert client.known == sorted(mailbox.entries)
    assert {uid: client.flags[uid] for uid in client.known} == {uid: mailbox.entries[uid].flags for uid in client.known}
    assert resyncs < 60
