"""The desk against those in the group who mean harm, or think better of it: votes taken back, people put out, names."""

import pytest
from msgspec.structs import replace

from angarium.channel.decisions import Change, Mark, Publish, Sign, Told, Withdraw
from angarium.channel.matters import Rules, Seen, Stage
from tests.channel.desk_room import ADA, BEN, CAY, FILE, STRANGER, Room


def test_members_sign_as_they_say_once_others_approve() -> None:
    room = Room()
    named = room.say(ADA, "/name Parvin")
    about = room.say(ADA, "/about Writes.")
    assert (room.done(), room.told()) == ([], [Told.NOT_ONES_OWN] * 2)
    room.react(ADA, named)
    room.react(BEN, named)
    room.say(BEN, "publish", about)
    assert room.done() == [Sign(ADA, named, name="Parvin"), Sign(ADA, about, biography="Writes.")]
    unsigned = room.say(ADA, "/name")
    assert room.done()[2:] == [Sign(ADA, unsigned, name="")]
    room.say(BEN, "publish")
    room.say(BEN, "/help")
    assert room.told()[2:] == [Told.ABOUT_WHAT, Told.HELP]


def test_a_name_that_was_edited_refused_deleted_or_replaced_is_not_taken() -> None:
    room = Room()
    former, edited, deleted, refused = [room.say(by, f"/name {by}") for by in (ADA, ADA, BEN, CAY)]
    room.edit(edited, "/name The President")
    room.delete(deleted)
    room.say(ADA, "refuse", refused)
    for message in (former, edited, refused):
        room.react(BEN, message)
        room.react(ADA, message)
    room.group[50] = Seen(50, CAY, "/name Edited", edited=True, approving=frozenset({BEN}))
    room.look(50)
    room.say(BEN, "publish", 50)
    assert room.done() == []
    assert room.told()[-2:] == [Told.SAY_AGAIN, Told.ABOUT_WHAT]


def test_in_a_newsroom_of_one_a_name_is_taken_at_once() -> None:
    room = Room(Rules(own=True), (1, ADA))
    named = room.say(ADA, "/name Parvin")
    assert room.done() == [Sign(ADA, named, name="Parvin")]


def test_nothing_that_was_not_sent_yet_is_approved_by_a_word_without_a_message() -> None:
    room = Room()
    draft = room.say(ADA, "News")
    room.react(BEN, draft)
    room.desk.see(replace(room.group[draft], text="Lies", edited=True))  # the ballot is on its way
    room.say(BEN, "publish")
    room.say(CAY, "refuse")
    assert (room.done(), len(room.book.motions)) == ([Publish(draft)], 1)


def test_who_takes_it_back_has_not_approved_by_reaction_or_reply() -> None:
    room = Room(Rules(approvals=2))
    draft = room.say(ADA, "News")
    room.react(BEN, draft)
    room.take_back(BEN, draft)
    deleted, edited = room.say(CAY, "publish", draft), room.say(CAY, "publish", draft)
    room.delete(deleted)
    room.edit(edited, "publish it tomorrow, I meant")
    room.react(BEN, draft)
    assert room.done() == []
    room.say(CAY, "publish", draft)
    assert room.done() == [Publish(draft)]


@pytest.mark.parametrize("own", [False, True])
def test_two_approve_of_a_change_and_of_a_withdrawal_too(own: bool) -> None:
    room = Room(Rules(approvals=2, own=own))
    draft = room.say(ADA, "News")
    for member in (BEN, CAY):
        room.react(member, draft)
    room.say(ADA, "/edit Better news", draft)
    ballot = room.ballot()
    room.react(ADA, ballot)
    assert room.done() == [Publish(draft)], "nobody is two"
    room.react(BEN, ballot)
    if not own:
        room.take_back(BEN, ballot)
        room.react(CAY, ballot)
        assert room.done() == [Publish(draft)]
        room.say(BEN, "publish", ballot)
    assert room.done() == [Publish(draft), Change(draft, "Better news")]
    asked = room.say(ADA, "withdraw", draft)
    room.edit(asked, "keep it")
    room.react(BEN, room.ballot())
    assert len(room.done()) == 2, "who asked has thought better of it"
    room.say(CAY, "withdraw", draft)
    assert room.done()[2:] == [Withdraw(draft)]


@pytest.mark.parametrize("own", [False, True])
def test_who_was_put_out_decides_and_asks_for_nothing(own: bool) -> None:
    room = Room(Rules(own=own))
    published, waiting, edited = [room.say(CAY, text) for text in ("News", "More", "Yet more")]
    hers, his = room.say(ADA, "Hers"), room.say(BEN, "His")
    room.react(ADA, published)
    second = room.say(CAY, "And a picture", waiting, FILE)
    assert room.done() == [Publish(published)]
    room.put_out(CAY)
    room.log.clear()
    asked = sorted(room.book.motions)
    room.react(CAY, hers)
    room.say(CAY, "publish", his)
    room.say(CAY, "withdraw", published)
    room.say(CAY, "/edit Lies", published)
    room.say(CAY, "Lies")
    room.say(CAY, "/name Ada")
    room.edit(published, "Lies")
    room.delete(published)
    assert (room.log, sorted(room.book.motions)) == ([], asked)
    room.edit(edited, "Lies")
    room.delete(second)
    gone = [Mark(edited, Stage.GONE), Mark(waiting, Stage.GONE)]
    assert room.log == gone, "what others do not see any more is dropped"
    room.react(ADA, edited)
    room.say(BEN, "publish", waiting)
    assert room.done() == []


def test_what_waits_of_somebody_put_out_is_published_if_those_who_are_there_approve() -> None:
    room = Room()
    draft = room.say(CAY, "News")
    room.put_out(CAY)
    room.react(CAY, draft)
    assert room.done() == []
    room.react(BEN, draft)
    assert room.done() == [Publish(draft)]


def test_a_reader_who_writes_commands_only_writes() -> None:
    room = Room()
    draft = room.say(ADA, "News")
    for number, words in enumerate(("publish", "/edit Lies", "withdraw", "/name Ada")):
        ballot = room.hear(7 + number, words)
        room.group[ballot] = Seen(ballot, 1, words, quoted=draft)
        room.look(ballot)
        for refuse in (False, True):
            room.react(STRANGER, ballot, refuse=refuse)
    room.react(STRANGER, draft)
    assert room.done() == []


def test_any_editor_may_drop_what_waits() -> None:
    room = Room(Rules(approvals=2))
    draft = room.say(ADA, "News")
    room.react(BEN, draft)
    room.say(CAY, "refuse", draft)
    room.react(BEN, draft)
    room.react(CAY, draft)
    assert (room.done(), room.log[-1]) == ([], Mark(draft, Stage.GONE))
