"""A newsroom of `approvals = 2` with the real core: one is not enough, one's own is none, and who takes it back has not
approved; for what is new, what is changed and what is withdrawn; by reaction and by reply.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from angarium.apps.check.links import fresh
from angarium.apps.check.throwaway import Relay
from angarium.channel.archive import Archive
from angarium.lab.core import Core
from tests.e2e.newsroom import Angarium, Chat, assembled, entered, founded, person, says, serving

CHANGE = "قرار است"
"""How the desk begins when a published post is to be changed or withdrawn."""


async def heard(*chats: Chat) -> None:
    """Wait until the desk has read all that these people did: it answers what each asks last."""
    for chat in chats:
        await chat.wait(answers(await chat.say("/help")))


def answers(message: int) -> Callable[[dict[str, Any]], bool]:
    """Whether something is a reply to a message."""
    return lambda held: (held.get("quote") or {}).get("messageId") == message


def ballot(text: str, after: int) -> Callable[[dict[str, Any]], bool]:
    """The desk's message that puts something to the vote."""
    return lambda message: message["text"].startswith(CHANGE) and text in message["text"] and message["id"] > after


@pytest.mark.timeout(240)
async def test_two_approve_or_nothing_happens(up: Relay, apps: Core, angarium: Angarium, tmp_path: Path) -> None:
    room, invited = await founded(angarium, tmp_path / "newsroom", up.ready.invitation)
    room.settings_file.write_text(room.settings_file.read_text().replace("approvals = 1", "approvals = 2"))

    def account() -> str:
        return fresh(up.ready.invitation)

    with Archive(tmp_path / "newsroom" / "posts.db") as archive:
        async with serving(room), assembled(apps, (room, invited), account) as cast:
            ada, ben, reader = cast.ada, cast.ben, cast.reader
            cay = await entered(await person(apps, "Cay", account()), invited.edit, 4)
            for chat in (ada, ben):
                await chat.all_in(4)

            def words() -> list[str]:
                return [filed.post.text.words for filed in archive.posts()]

            draft = await ada.say("The bridge is open.")
            at_ben = (await ben.wait(says("bridge")))["id"]
            at_cay = (await cay.wait(says("bridge")))["id"]
            await ada.react(draft)
            await ben.react(at_ben)
            await heard(ada, ben)
            assert words() == [], "one, and the author"
            await ben.take_back(at_ben)
            await heard(ben)
            yes = await cay.say("publish", quoting=at_cay)
            await heard(cay)
            assert words() == [], "one, after another took it back"
            await cay.delete(yes)
            await heard(cay)
            await ben.react(at_ben)
            await heard(ben)
            assert words() == [], "one, after another deleted the reply by which they approved"
            await cay.react(at_cay, "✅")
            post = (await reader.wait(says("bridge")))["id"]

            await ada.edit(draft, "The bridge is shut.")
            at_ada, at_ben, at_cay = [(await chat.wait(ballot("shut", 0)))["id"] for chat in (ada, ben, cay)]
            await ada.react(at_ada)
            await ben.react(at_ben)
            await heard(ada, ben)
            await ben.take_back(at_ben)
            await heard(ben)
            await cay.say("انتشار", quoting=at_cay)
            await heard(cay)
            assert words() == ["The bridge is open."]
            await ben.say("publish", quoting=at_ben)
            assert (await reader.wait(says("shut")))["id"] == post

            await ada.delete(draft)
            at_ada, at_ben, at_cay = [
                (await chat.wait(ballot("shut", last)))["id"]
                for chat, last in ((ada, at_ada), (ben, at_ben), (cay, at_cay))
            ]
            await ada.react(at_ada)
            await ben.react(at_ben)
            await heard(ada, ben)
            await ben.take_back(at_ben)
            await heard(ben)
            await cay.say("publish", quoting=at_cay)
            await heard(cay)
            assert words() == ["The bridge is shut."]
            with reader.who.when("MsgDeleted", msgId=post) as gone:
                await ben.react(at_ben)
                await gone
            assert words() == []
            await cay.who.call("stop_io")
