"""The session's view: what a counting client would count is what the view counts, at every moment."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from angarium.wire.imap.entry import Arrived, Change, Entry, Expunged, Flagged, Resync, Snapshot
from angarium.wire.imap.sequence import SequenceSet
from angarium.wire.imap.view import Announcement, Exists, Expunge, Flags, Moment, NoSuchNumber, View

NONE: frozenset[str] = frozenset()
SEEN = frozenset({"\\Seen"})
ALL = SequenceSet(((1, None),))


def entry(uid: int, flags: frozenset[str] = NONE, modseq: int | None = None) -> Entry:
    return Entry(uid, size=100, flags=flags, day=20000, modseq=uid if modseq is None else modseq)


def view(*uids: int) -> View:
    entries = tuple(entry(uid) for uid in uids)
    return View(Snapshot(7, max(uids, default=0) + 1, max(uids, default=1), entries))


def uids(pairs: list[tuple[int, Entry]]) -> list[tuple[int, int]]:
    return [(number, one.uid) for number, one in pairs]


def test_new_messages_are_announced_once_and_together() -> None:
    seen = view(1, 2)
    seen.apply(Arrived(entry(3)))
    seen.apply(Arrived(entry(5)))
    assert seen.count == 2
    assert seen.announce(Moment.NUMBERED) == [Exists(4)]
    assert seen.announce(Moment.FREE) == []
    assert seen.uidnext == 6


def test_expunged_messages_keep_their_numbers_until_it_may_be_said() -> None:
    seen = view(1, 2, 3, 4)
    seen.apply(Expunged(2))
    seen.apply(Expunged(4))
    assert seen.announce(Moment.NUMBERED) == []
    assert uids(seen.resolve(ALL, by_uid=False)) == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert uids(seen.resolve(ALL, by_uid=True)) == [(1, 1), (3, 3)]
    assert uids(list(seen.living())) == [(1, 1), (3, 3)]
    assert seen.announce(Moment.EXPUNGING) == [Expunge(4), Expunge(2)]
    assert uids(seen.resolve(ALL, by_uid=False)) == [(1, 1), (2, 3)]


def test_what_came_and_went_unannounced_is_never_mentioned() -> None:
    seen = view(1)
    seen.apply(Arrived(entry(2)))
    seen.apply(Flagged(entry(2, SEEN, 9)))
    seen.apply(Expunged(2))
    assert seen.announce(Moment.FREE) == []


def test_expunges_are_said_before_arrivals() -> None:
    seen = view(1)
    seen.apply(Arrived(entry(2)))
    seen.apply(Expunged(1))
    assert seen.announce(Moment.FREE) == [Expunge(1), Exists(1)]


def test_flags_nobody_asked_for_wait_for_a_free_moment() -> None:
    seen = view(1, 2)
    seen.apply(Flagged(entry(2, SEEN, 9)))
    assert seen.announce(Moment.NUMBERED) == []
    assert seen.announce(Moment.EXPUNGING) == []
    assert seen.announce(Moment.FREE) == [Flags(2, entry(2, SEEN, 9))]
    assert seen.announce(Moment.FREE) == []


def test_flags_of_a_new_message_need_no_announcement_of_their_own() -> None:
    seen = view()
    seen.apply(Arrived(entry(1)))
    seen.apply(Flagged(entry(1, SEEN, 9)))
    assert seen.announce(Moment.FREE) == [Exists(1)]
    assert seen.current(1) == entry(1, SEEN, 9)


def test_flags_that_were_asked_for_are_not_told_again() -> None:
    seen = view(1, 2, 3)
    for uid in (1, 2, 3):
        seen.apply(Flagged(entry(uid, SEEN, 9)))
    seen.told(1)
    seen.learn(entry(2, SEEN, 10))
    assert seen.announce(Moment.FREE) == [Flags(3, entry(3, SEEN, 9))]


def test_a_silent_store_is_told_only_where_the_client_would_be_wrong() -> None:
    seen = view(1, 2)
    seen.assume(entry(1, SEEN, 9), expected=SEEN)
    seen.apply(Flagged(entry(1, SEEN, 9)))
    seen.assume(entry(2, SEEN | {"x"}, 10), expected=SEEN)
    assert seen.announce(Moment.FREE) == [Flags(2, entry(2, SEEN | {"x"}, 10))]


def test_changes_that_are_in_the_snapshot_already_do_no_harm() -> None:
    seen = view(1, 3)
    for change in (Arrived(entry(1)), Arrived(entry(2)), Flagged(entry(2)), Expunged(2), Flagged(entry(1))):
        seen.apply(change)
    assert seen.announce(Moment.FREE) == []


def test_catching_up() -> None:
    seen = view(1, 2, 3)
    seen.apply(Arrived(entry(4)))
    seen.resync(Snapshot(7, 8, 20, (entry(2), entry(3, SEEN, 15), entry(6, NONE, 20))))
    assert seen.announce(Moment.FREE) == [Expunge(1), Exists(3), Flags(2, entry(3, SEEN, 15))]
    assert (seen.uidnext, seen.modseq) == (8, 20)
    with pytest.raises(TypeError):
        seen.apply(Resync())


def test_a_star_is_the_last_that_is_there() -> None:
    star = SequenceSet(((None, None),))
    seen = view(3, 5)
    assert uids(seen.resolve(star, by_uid=True)) == [(2, 5)]
    assert uids(seen.resolve(SequenceSet(((9, None),)), by_uid=True)) == [(2, 5)]
    seen.apply(Expunged(5))
    assert uids(seen.resolve(star, by_uid=True)) == [(1, 3)]
    assert uids(seen.resolve(star, by_uid=False)) == [(2, 5)]


def test_numbers_beyond_the_end() -> None:
    seen = view(3, 5)
    with pytest.raises(NoSuchNumber):
        seen.resolve(SequenceSet(((1, 3),)), by_uid=False)
    assert uids(seen.resolve(SequenceSet(((1, 3),)), by_uid=True)) == [(1, 3)]
    assert view().resolve(ALL, by_uid=False) == []
    assert view().resolve(ALL, by_uid=True) == []


class Client:
    """A client that counts as RFC 3501 says, and the connection it has."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.view = View(snapshot)
        self.numbered: list[int] = [one.uid for one in snapshot.entries]
        self.flags: dict[int, frozenset[str]] = {one.uid: one.flags for one in snapshot.entries}
        self.missed: list[Change] = []

    def hear(self, said: list[Announcement], mailbox: dict[int, Entry]) -> None:
        for one in said:
            match one:
                case Expunge(number):
                    gone = self.numbered.pop(number - 1)
                    del self.flags[gone]
                    assert gone not in mailbox, "told that a message is gone which is there"
                case Exists(count):
                    assert count > len(self.numbered), "EXISTS may only grow (RFC 3501, 7.3.1)"
                    for number in range(len(self.numbered) + 1, count + 1):
                        self.ask(number)
                case Flags(number, now):
                    assert self.numbered[number - 1] == now.uid
                    self.flags[now.uid] = now.flags

    def ask(self, number: int) -> None:
        [(_, new)] = self.view.resolve(SequenceSet(((number, number),)), by_uid=False)
        self.numbered.append(new.uid)
        self.flags[new.uid] = new.flags


class Mailbox(RuleBasedStateMachine):
    """One mailbox, several devices, everything in any order."""

    @initialize(already=st.integers(0, 4), devices=st.integers(1, 3))
    def begin(self, already: int, devices: int) -> None:
        self.entries: dict[int, Entry] = {}
        self.uidnext = 1
        self.modseq = 1
        self.clients: list[Client] = []
        for _ in range(already):
            self.deliver()
        self.clients = [Client(self.snapshot()) for _ in range(devices)]

    def snapshot(self) -> Snapshot:
        return Snapshot(7, self.uidnext, self.modseq, tuple(self.entries.values()))

    def tell(self, change: Change) -> None:
        for client in self.clients:
            client.missed.append(change)

    def client(self, which: int) -> Client:
        return self.clients[which % len(self.clients)]

    def some(self, which: int) -> int | None:
        return list(self.entries)[which % len(self.entries)] if self.entries else None

    def change(self, uid: int, flags: frozenset[str]) -> Entry:
        before = self.entries[uid]
        if before.flags != flags:
            self.modseq += 1
            self.entries[uid] = replace(before, flags=flags, modseq=self.modseq)
            self.tell(Flagged(self.entries[uid]))
        return self.entries[uid]

    @rule()
    def deliver(self) -> None:
        self.modseq += 1
        new = entry(self.uidnext, modseq=self.modseq)
        self.uidnext += 1
        self.entries[new.uid] = new
        self.tell(Arrived(new))

    @rule(which=st.integers(0))
    def vanish(self, which: int) -> None:
        uid = self.some(which)
        if uid is not None:
            del self.entries[uid]
            self.tell(Expunged(uid))

    @rule(which=st.integers(0), flags=st.frozensets(st.sampled_from(["\\Seen", "\\Deleted"])))
    def somebody_flags(self, which: int, flags: frozenset[str]) -> None:
        uid = self.some(which)
        if uid is not None:
            self.change(uid, flags)

    @rule(who=st.integers(0), number=st.integers(0), flags=st.frozensets(st.sampled_from(["\\Seen", "x"])))
    def a_client_stores(self, who: int, number: int, flags: frozenset[str]) -> None:
        client = self.client(who)
        if client.numbered:
            uid = client.numbered[number % len(client.numbered)]
            if uid in self.entries:
                now = self.change(uid, flags)
                client.view.learn(now)
                client.flags[uid] = now.flags

    @rule(who=st.integers(0), some=st.integers(1, 5))
    def hear_of_some(self, who: int, some: int) -> None:
        client = self.client(who)
        for change in client.missed[:some]:
            client.view.apply(change)
        del client.missed[:some]

    @rule(who=st.integers(0))
    def miss_too_much(self, who: int) -> None:
        client = self.client(who)
        client.missed.clear()
        client.view.resync(self.snapshot())

    @rule(who=st.integers(0), moment=st.sampled_from(Moment))
    def announce(self, who: int, moment: Moment) -> None:
        client = self.client(who)
        said = client.view.announce(moment)
        allowed = {
            Moment.NUMBERED: (Exists,),
            Moment.EXPUNGING: (Exists, Expunge),
            Moment.FREE: (Exists, Expunge, Flags),
        }[moment]
        assert all(isinstance(one, allowed) for one in said)
        client.hear(said, self.entries)

    @rule(who=st.integers(0))
    def be_told_everything(self, who: int) -> None:
        client = self.client(who)
        for change in client.missed:
            client.view.apply(change)
        client.missed.clear()
        assert [one for _, one in client.view.living()] == list(self.entries.values())
        client.hear(client.view.announce(Moment.FREE), self.entries)
        assert client.numbered == list(self.entries)
        assert client.flags == {uid: one.flags for uid, one in self.entries.items()}
        assert (client.view.uidnext, client.view.modseq) == (self.uidnext, self.modseq)

    @invariant()
    def client_and_server_count_alike(self) -> None:
        for client in self.clients:
            assert client.view.count == len(client.numbered)
            resolved = client.view.resolve(ALL, by_uid=False)
            assert uids(resolved) == list(enumerate(client.numbered, 1))


Mailbox.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestMailbox = Mailbox.TestCase
