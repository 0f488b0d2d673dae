"""The line between two processes: everything in its order, answers to who asked, and what does not fit is `missed`."""

import asyncio
import logging
import socket
from dataclasses import dataclass, field

import pytest
from msgspec import Struct

from angarium.edge.link import Link, LinkLost


class Word(Struct, tag=True, array_like=True):
    text: str
    filling: bytes = b""


class Lost(Struct, tag=True, array_like=True):
    pass


@dataclass
class End:
    """What one end heard."""

    heard: list[object] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, question: object) -> object:
        assert isinstance(question, Word)
        match question.text:
            case "slow":
                await self.gate.wait()
            case "broken":
                raise ValueError(question.text * 2)
        return Word(question.text.upper())

    async def open(self, end: socket.socket) -> Link:
        return await Link.open(end, Word | Lost, hear=self.heard.append, answer=self.answer, missed=Lost())


@pytest.fixture
async def ends() -> tuple[End, Link, End, Link]:
    mine, theirs = socket.socketpair()
    left, right = End(), End()
    return left, await left.open(mine), right, await right.open(theirs)


async def test_what_is_told_arrives_in_order_whatever_its_size(ends: tuple[End, Link, End, Link]) -> None:
    _, link, there, other = ends
    told = [Word(str(number), bytes(number * 1000)) for number in range(300)]
    for each in told:
        link.insist(each)
    await link.ask(Word("ready"))
    assert there.heard == told
    await link.close()
    await other.close()


async def test_answers_find_who_asked(ends: tuple[End, Link, End, Link]) -> None:
    _, link, there, other = ends
    slow = asyncio.create_task(link.ask(Word("slow")))
    assert await link.ask(Word("quick")) == Word("QUICK")
    assert not slow.done()
    there.gate.set()
    assert await slow == Word("SLOW")
    assert await other.ask(Word("back")) == Word("BACK")
    await link.close()
    await other.close()


async def test_a_question_comes_after_what_was_told_before(ends: tuple[End, Link, End, Link]) -> None:
    _, link, there, other = ends
    link.tell(Word("before"))
    asked = asyncio.create_task(link.ask(Word("question")))
    await asked
    assert there.heard == [Word("before")]
    await link.close()
    await other.close()


async def test_what_does_not_fit_is_missed_and_questions_are_not(ends: tuple[End, Link, End, Link]) -> None:
    here, link, _, other = ends
    other.bound(100_000)
    transport = link._transport
    assert transport is not None
    transport.pause_reading()
    for _ in range(50):
        other.tell(Word("much", bytes(50_000)))
        await asyncio.sleep(0)
    other.insist(Word("never dropped"))
    asked = asyncio.create_task(other.ask(Word("question")))
    await asyncio.sleep(0)
    transport.resume_reading()
    assert await asked == Word("QUESTION")
    await other.ask(Word("and another"))
    assert 0 < here.heard.count(Word("much", bytes(50_000))) < 50
    assert here.heard.count(Lost()) == 1
    assert Word("never dropped") in here.heard
    await link.close()
    await other.close()


async def test_who_asked_somebody_that_goes_is_told(ends: tuple[End, Link, End, Link]) -> None:
    _, link, _, other = ends
    asked = asyncio.create_task(link.ask(Word("slow")))
    await asyncio.sleep(0.01)
    await other.close()
    with pytest.raises(LinkLost):
        await asked
    await link.lost()
    with pytest.raises(LinkLost):
        await link.ask(Word("too late"))
    link.tell(Word("nor does this harm"))


async def test_a_question_that_breaks_something_breaks_only_itself(
    ends: tuple[End, Link, End, Link], caplog: pytest.LogCaptureFixture
) -> None:
    _, link, _, other = ends
    with caplog.at_level(logging.ERROR), pytest.raises(LinkLost):
        await link.ask(Word("broken"))
    assert "ValueError" in caplog.text
    assert "brokenbroken" not in caplog.text
    assert await link.ask(Word("whole")) == Word("WHOLE")
    await link.close()
    await other.close()


async def test_what_is_mentioned_goes_along_with_what_is_said_and_does_not_wait_for_long(
    ends: tuple[End, Link, End, Link],
) -> None:
    _, link, there, other = ends
    link.mention(Word("by the way"))
    await asyncio.sleep(0)
    assert there.heard == []
    link.tell(Word("said"))
    await link.ask(Word("question"))
    assert there.heard == [Word("by the way"), Word("said")]
    link.mention(Word("alone"))
    async with asyncio.timeout(5):
        while len(there.heard) < 3:
            await asyncio.sleep(0.01)
    await link.close()
    await other.close()
