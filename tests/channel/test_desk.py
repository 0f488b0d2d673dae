"""The desk: what is published, changed, withdrawn and shown, and that nothing is without approval."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from angarium.channel.decisions import Answer, Change, Drop, Mark, Publish, Show, Told, Withdraw
from angarium.channel.matters import Rules, Seen, Stage
from tests.channel.desk_room import ADA, BEN, CAY, FILE, MEMBERS, STRANGER, Room


def test_a_draft_is_published_by_another_members_reaction_and_once() -> None:
    room = Room()
    draft = room.say(ADA, "News")
    room.react(ADA, draft)
    assert room.done() == []
    room.react(BEN, draft)
    room.react(CAY, draft)
    room.look(draft)
    assert room.done() == [Publish(draft)]
    assert room.log[0] == Mark(draft, Stage.WAITING)


def test_or_by_a_reply_and_not_by_ones_own() -> None:
    room = Room()
    draft = room.say(ADA, "News")
    room.say(ADA, "publish", draft)
    assert room.told() == [Told.NOT_ONES_OWN]
    room.say(BEN, "انتشار", draft)
    assert room.done() == [Publish(draft)]
    room.say(CAY, "publish", draft)
    assert room.told()[-1] is Told.NOTHING_TO_DO


def test_as_many_as_the_newsroom_wants_by_reaction_or_reply() -> None:
    room = Room(Rules(approvals=2))
    draft = room.say(ADA, "News")
    room.react(BEN, draft)
    room.react(STRANGER, draft)
    assert room.done() == []
    room.say(CAY, "publish", draft)
    assert room.done() == [Publish(draft)]


def test_a_newsroom_of_one_approves_its_own_but_says_so() -> None:
    room = Room(Rules(own=True), (1, ADA))
    draft = room.say(ADA, "News")
    assert room.done() == []
    room.react(ADA, draft)
    room.edit(draft, "Other news")
    room.say(ADA, "withdraw", draft)
    assert room.done() == [Publish(draft), Change(draft, "Other news"), Withdraw(draft)]


def test_strangers_replies_and_talk_are_no_posts() -> None:
    room = Room()
    room.say(STRANGER, "Hello")
    draft = room.say(ADA, "News")
    talk = room.say(BEN, "Is that so?", draft)
    room.react(CAY, talk)
    assert room.done() == []
    assert list(room.book.drafts) == [draft]


def test_who_approved_another_text_has_not_approved_this_one() -> None:
    room = Room()
    draft = room.say(ADA, "News")
    room.group[draft] = replace(room.group[draft], approving=frozenset({BEN}))  # on its way while Ada writes again
    room.edit(draft, "Lies")
    assert room.done() == []
    room.react(CAY, draft)
    room.say(CAY, "publish", draft)
    assert (room.done(), room.told()) == ([], [Told.NOT_THE_LATEST])
    assert room.ours[room.ballot()] == "Lies"
    room.react(BEN, room.ballot())
    assert room.done() == [Publish(draft)]


def test_a_draft_that_was_edited_before_it_was_seen_needs_a_ballot_of_ours() -> None:
    room = Room()
    room.group[50] = Seen(50, ADA, "Lies", edited=True, approving=frozenset({BEN}))
    room.look(50)
    assert (room.done(), room.ours[room.ballot()]) == ([], "Lies")


def test_a_published_post_is_changed_in_the_app_or_by_a_reply() -> None:
    room = Room()
    draft = room.say(ADA, "News")
    room.react(BEN, draft)
    room.edit(draft, "Better news")
    assert room.done() == [Publish(draft)]
    room.react(ADA, room.ballot())
    room.react(BEN, room.ballot())
    room.say(BEN, "/edit Best news", draft)
    room.react(BEN, room.ballot())
    room.react(ADA, room.ballot())
    assert room.done() == [Publish(draft), Change(draft, "Better news"), Change(draft, "Best news")]


def test_a_later_text_takes_the_place_of_one_that_waits() -> None:
    room = Room()
    draft = room.say(ADA, "News")
    room.react(BEN, draft)
    room.edit(draft, "Second")
    second = room.ballot()
    room.edit(draft, "Third")
    room.react(BEN, second)
    assert room.done() == [Publish(draft)]
    room.edit(draft, "News")
    assert not room.book.motions
    room.say(CAY, "/edit", draft)
    assert room.told() == [Told.NO_TEXT]


def test_withdrawing_needs_approval_once_it_is_published() -> None:
    room = Room()
    first, second = room.say(ADA, "News"), room.say(ADA, "More")
    room.delete(second)
    assert (room.done(), room.book.drafts[second].stage) == ([], Stage.GONE)
    room.react(BEN, first)
    room.delete(first)
    room.react(ADA, room.ballot())
    assert room.done() == [Publish(first)]
    room.react(BEN, room.ballot())
    assert room.done() == [Publish(first), Withdraw(first)]
    room.say(CAY, "withdraw", first)
    assert room.told() == [Told.NOTHING_TO_DO]


def test_who_asks_for_what_another_asks_for_approves_of_it() -> None:
    room = Room()
    draft = room.say(ADA, "News")
    room.react(BEN, draft)
    room.say(ADA, "withdraw", draft)
    room.say(ADA, "withdraw", draft)
    assert room.done() == [Publish(draft)]
    room.say(CAY, "withdraw", draft)
    assert room.done() == [Publish(draft), Withdraw(draft)]


def test_pictures_are_added_by_replies_of_their_author_and_the_last_is_voted_on() -> None:
    room = Room()
    draft = room.say(ADA, "One", file=FILE)
    more = room.say(ADA, "Two", draft, FILE)
    other = room.say(BEN, "Mine", draft, FILE)
    room.react(BEN, draft)
    assert room.done() == []
    last = room.say(ADA, "", draft, FILE)
    room.react(BEN, last)
    assert room.done() == [Publish(draft)]
    assert [part.message for part in room.book.drafts[draft].parts] == [draft, more, last]
    assert room.book.drafts[draft].text == "One\n\nTwo"
    assert other not in room.book.drafts


def test_a_picture_that_is_deleted_before_it_is_published_is_not() -> None:
    room = Room()
    draft = room.say(ADA, "One", file=FILE)
    more = room.say(ADA, "Two", draft, FILE)
    room.delete(more)
    assert room.ours[room.ballot()] == "One"
    room.react(BEN, room.ballot())
    assert room.done() == [Publish(draft)]
    assert len(room.book.drafts[draft].parts) == 1


def test_what_a_reader_says_is_shown_refused_or_answered() -> None:
    room = Room()
    first = room.hear(5, "Well done")
    room.say(BEN, "nice", first)
    room.say(BEN, "/answer Thanks", first)
    room.react(BEN, first)
    second = room.hear(6, "Buy this")
    room.react(CAY, second, refuse=True)
    third = room.hear(7, "And this")
    room.say(ADA, "refuse", third)
    room.say(ADA, "publish", third)
    assert room.done() == [
        Answer(5, "Thanks", first + 2),
        Show(5, first),
        Drop(6, second),
        Drop(7, third),
    ]
    assert room.told() == [Told.NOTHING_TO_DO]


def test_what_is_too_long_is_said_to_be() -> None:
    room = Room()
    draft = room.say(ADA, "x" * 60_001)
    room.react(BEN, draft)
    assert (room.done(), room.told()) == ([], [Told.TOO_LONG])


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["say", "add", "react", "take back", "publish", "edit", "reply", "withdraw", "delete"]),
        st.sampled_from([ADA, BEN, CAY, STRANGER]),
        st.integers(0, 30),
    ),
    max_size=40,
)


@settings(max_examples=150)
@given(STEPS, st.integers(1, 2), st.booleans())
def test_whatever_happens_what_is_published_was_approved_as_it_is(
    steps: list[tuple[str, int, int]], approvals: int, own: bool
) -> None:
    """Votes are counted here by what each voter had before their eyes. Every text is written once only."""
    room = Room(Rules(approvals, own))
    cast: dict[tuple[str, int, int], tuple[int, str, int]] = {}
    """Votes that stand, by how and by which message they were cast, and by whom."""
    writers: dict[str, int] = {}

    for count, (step, by, which) in enumerate(steps):
        messages = list(room.group)
        at = messages[which % len(messages)] if messages else 0
        mine = bool(at) and room.group[at].by == by
        text, begun = f"text {count}", len(room.log)
        writers[text] = by
        if step == "say" or not at:
            room.say(by, text)
        elif step == "add":
            room.say(by, text, at, FILE)
        elif step in ("react", "publish"):
            vote = (at, room.ours.get(at, room.group[at].text), by)
            if step == "react":
                cast["reaction", at, by] = vote
                room.react(by, at)
            else:
                cast["reply", room.last + 1, by] = vote
                room.say(by, "publish", at)
        elif step == "take back":
            cast.pop(("reaction", at, by), None)
            room.take_back(by, at)
        elif step == "edit" and mine:
            cast.pop(("reply", at, by), None)
            room.edit(at, text)
        elif step == "reply":
            room.say(by, f"/edit {text}", at)
        elif step == "withdraw":
            room.say(by, "withdraw", at)
        elif step == "delete" and mine:
            cast.pop(("reply", at, by), None)
            room.delete(at)
        for decision in room.log[begun:]:
            if isinstance(decision, Publish | Change):
                approvers = approved(room, decision, set(cast.values())) & set(MEMBERS)
                asker = room.book.drafts[decision.draft].by
                if isinstance(decision, Change):
                    asker = writers[decision.text.rpartition("\n\n")[2]] if own else asker
                    approvers |= {asker} if own else set()
                assert len(approvers - (set() if own else {asker})) >= approvals
    before = len(room.done())
    for message in list(room.group):
        room.look(message)
    assert len(room.done()) == before, "looking again decides nothing anew"
    assert len({each.draft for each in room.done() if isinstance(each, Publish)}) == sum(
        isinstance(each, Publish) for each in room.done()
    )


def approved(room: Room, decision: Publish | Change, votes: set[tuple[int, str, int]]) -> set[int]:
    """Who voted on a message that showed what is now published."""
    draft = room.book.drafts[decision.draft]
    parts = {(part.message, part.text) for part in draft.parts} if isinstance(decision, Publish) else set()
    return {
        voter
        for message, text, voter in votes
        if (message, text) in parts or (message in room.ours and text == draft.text)
    }
