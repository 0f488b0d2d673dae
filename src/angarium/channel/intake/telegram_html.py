"""Telegram Desktop's `messages.html`, `messages2.html` and so on: the form made to be looked at, message by message.

It says less than the JSON: no edits, no language of code, no kind or number of the chat. What Telegram Desktop writes
closes every element it opens, so a file that does not is damaged.
"""

import re
from collections import deque
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NoReturn

from msgspec import Struct

from angarium.channel.intake.message import Answer, Contact, GivenPoll, Message, Place, Placed
from angarium.channel.intake.refusal import Refused
from angarium.channel.marking import Marking
from angarium.channel.markup import EMPTY, MARKS
from angarium.channel.post import Mark, link
from angarium.channel.words import line

__all__ = ["Page"]

DEEPEST = 100
LONGEST = 1 << 20
"""Code points of a tag that does not end, or of what is said of a message."""
DATE = re.compile(r"(\d\d)\.(\d\d)\.(\d{4}) (\d\d:\d\d:\d\d)(?: UTC([+-]\d\d:\d\d))?")
GO_TO = re.compile(r"#go_to_message(-?\d{1,15})")
IN_ACCOUNT = re.compile(r"^\.\./\.\./chats/[^/]{1,100}/")
"""Where files of a chat lie, as its pages in the export of an account say it."""
VIA = re.compile(r" via @\w+$")
VOTES = re.compile(r"(\d{1,15}) votes?")
COORDINATES = re.compile(r"(-?\d{1,3}(?:\.\d+)?), (-?\d{1,3}(?:\.\d+)?)")
SECONDS = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d\d)")
WRAPS = {"photo_wrap": "", "video_file_wrap": "video_file", "animated_wrap": "animation", "sticker_wrap": "sticker"}
"""Elements that show a file, and its kind."""
GENERIC = {
    "Photo": "photo",
    "Sticker": "sticker",
    "Animation": "animation",
    "Video file": "video_file",
    "Video message": "video_message",
    "Voice message": "voice_message",
}
"""What stands over a file that is not shown, and its kind; a song or another file has a name there."""


class _Element(Struct):
    """An open element: what it is, and what becomes of the words in it."""

    tag: str
    role: str = ""
    marked: bool = False
    target: str = ""


class Page(HTMLParser):
    """One file of an export; fed as it comes, it gives messages as they are whole.

    Args:
        name: what the file is called.
    """

    def __init__(self, name: str) -> None:
        super().__init__(convert_charrefs=True)
        self._name = name
        self._open: list[_Element] = []
        self._done: deque[Placed] = deque()
        self._message: Message | None = None
        self._place = (1, 1)
        self._sender: str | None = None
        self._forwarded: str | None = None
        self._said: dict[str, str] = {}
        """What was said in each role of the message so far."""
        self._marking = Marking()
        self._answers: list[Answer] = []
        self.title = ""
        """What the chat is called."""
        self._began = False

    def read(self, text: str) -> Iterator[Placed]:
        """Go on with further text; give the messages that are whole. Raises Refused."""
        try:
            self.feed(text)
        except AssertionError:
            self.fail("a declaration that is none")
        if len(self.rawdata) > LONGEST:
            self.fail("a tag that does not end")
        while self._done:
            yield self._done.popleft()

    def finish(self) -> None:
        """There is no more. Raises Refused if there should be."""
        rest = self.rawdata.strip()
        if self._open or rest or not self._began:
            self.fail("the file ends too early" if self._began or not rest else "this is no export")

    def handle_decl(self, decl: str) -> None:
        """HTML says so at its start."""
        self._began = self._began or decl.lower() == "doctype html"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element with nothing in it."""
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.handle_endtag(tag)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        if not self._began:
            self.fail("this is no export of Telegram Desktop's")
        if tag == "br":
            self.handle_data("\n", literal=True)
        if tag in EMPTY:
            return
        if len(self._open) >= DEEPEST:
            self.fail(f"more than {DEEPEST} elements within each other")
        given = {name: value or "" for name, value in attrs}
        classes = given.get("class", "").split()
        if "message" in classes and tag == "div":
            self._begin(classes, given.get("id", ""))
        self._open.append(self._element(tag, classes, given))

    def _element(self, tag: str, classes: list[str], given: dict[str, str]) -> _Element:
        outer = self._open[-1].role if self._open else ""
        if outer == "text":
            if tag == "a" or tag in MARKS or "spoiler" in classes:
                self._marking.open()
                return _Element(tag, "text", marked=True, target=_target(given) if tag == "a" else "")
            return _Element(tag, "text")
        if self._message is None:
            header = "page_header" in classes or outer == "header"
            return _Element(tag, "title" if header and "text" in classes else "header" if header else "")
        return _Element(tag, self._role(tag, classes, given, outer))

    def _role(self, tag: str, classes: list[str], given: dict[str, str], outer: str) -> str:
        message = self._message
        assert message is not None
        if "message" in classes:
            return "message"
        if "forwarded" in classes and "body" in classes:
            self._said["forwarded"] = "yes"
            return "forwarded"
        if "date" in classes and "title" in given and outer in ("message", "body", "forwarded"):
            self._date(message, given["title"])
            return "mute"
        if "userpic_wrap" in classes or outer in ("mute", "pin"):
            return "mute"
        if "from_name" in classes:
            return "source" if outer == "forwarded" else "sender"
        if outer in ("sender", "source"):
            return "mute"
        if "reply_to" in classes or outer == "reply":
            if (found := GO_TO.search(given.get("href", ""))) and tag == "a":
                message.reply_to_message_id = int(found[1])
            return "reply"
        if message.type == "service":
            if (found := GO_TO.search(given.get("href", ""))) and tag == "a":
                message.message_id = int(found[1])
                return "pin"
            return "service" if "body" in classes or outer == "service" else "mute"
        if classes == ["text"]:
            return "text"
        if "signature" in classes:
            return "signature"
        for name, kind in WRAPS.items():
            if name in classes:
                self._file(message, kind or "photo", given.get("href", ""))
                return "mute"
        if "media" in classes:
            self._said["class"] = next((name for name in classes if name.startswith("media_")), "")
            self._said["href"] = given.get("href", "")
            return "media"
        if "media_poll" in classes:
            message.poll = GivenPoll()
            return "poll"
        if outer in ("media", "poll"):
            for name in ("title", "description", "status", "question", "answer", "total"):
                if name in classes:
                    return name
            return "final" if outer == "poll" and "details" in classes else outer
        if outer == "answer":
            return "votes"
        return "mute" if outer in ("title", "description", "status", "question", "total", "final", "votes") else "body"

    def handle_data(self, data: str, *, literal: bool = False) -> None:
        """Words between tags. Those that break lines are written as elements; others' line breaks are the writer's."""
        if not self._open:
            if data.strip():
                self.fail("words where none can be")
            return
        role = self._open[-1].role
        if role == "text":
            self._marking.write(data if literal else data.replace("\n", ""))
        elif role not in ("", "header", "mute", "message", "body", "forwarded", "media", "poll", "reply"):
            said = self._said.get(role, "")
            if len(said) + len(data) > LONGEST:
                self.fail("more words than a message has")
            self._said[role] = said + data

    def handle_endtag(self, tag: str) -> None:
        """An element ends: the one that was opened last."""
        if tag in EMPTY:
            return
        if not self._open or self._open[-1].tag != tag:
            self.fail(f"</{tag[:20]}> closes what was not opened")
        element = self._open.pop()
        if element.role == "text" and self._open[-1].role == "text":
            self._close_mark(element)
        elif element.role == "answer":
            self._answer()
        elif element.role == "title" and self._message is None:
            self.title = line(self._said.pop("title", ""))
        elif element.role == "message":
            self._end()

    def _close_mark(self, element: _Element) -> None:
        marking, target = self._marking, element.target
        if not element.marked:
            return
        words = marking.within()
        if element.tag != "a":
            marking.close(MARKS.get(element.tag, Mark.SPOILER))
        elif target == "hashtag":
            marking.close(
                Mark.HASHTAG if words.startswith(("#", "＃")) and " " not in words and len(words) > 1 else None
            )
        elif target == "mention" or (words.startswith("@") and target.startswith("https://t.me/")):
            marking.close(Mark.MENTION)
        else:
            target = link(target) or (link(f"https://{target}") if target == words else "")
            marking.close(Mark.LINK if target else None, target)

    def _begin(self, classes: list[str], id_: str) -> None:
        found = re.fullmatch(r"message(-?\d{1,15})", id_)
        if self._message is not None or found is None:
            self.fail("a message within another" if found else "a message without its number")
        line_, offset = self.getpos()
        self._place = line_, offset + 1
        self._message = Message(id=int(found[1]), type="service" if "service" in classes else "message")
        self._said, self._marking, self._answers = {}, Marking(), []
        if "joined" not in classes and self._message.type == "message":
            self._sender = self._forwarded = None

    def _end(self) -> None:
        message, said = self._message, self._said
        assert message is not None
        self._message = None
        if message.type == "service":
            pins = said.get("service", "").strip().endswith("pinned") and message.message_id is not None
            message.action = "pin_message" if pins else "other"
            if message.id > 0 or pins:
                self._done.append(Placed(message, self._name, *self._place))
            return
        if not message.date:
            self._refuse("a message without its date")
        self._sender = line(VIA.sub("", line(said["sender"]))) if "sender" in said else self._sender
        self._forwarded = line(VIA.sub("", line(said["source"]))) if "source" in said else self._forwarded
        message.sender = _alive(self._sender)
        message.forwarded_from = _alive(self._forwarded) if said.get("forwarded") else None
        message.author = line(said.get("signature", "")) or None
        if "class" in said:
            self._generic(message)
        if message.poll is not None:
            self._poll(message.poll)
        text = self._marking.text()
        message.text = text.words
        self._done.append(Placed(message, self._name, *self._place, text))

    def _date(self, message: Message, title: str) -> None:
        found = DATE.fullmatch(title)
        if found is None:
            self.fail(f"{line(title, 40)!r} is no date")
        day, month, year, time, zone = found.groups()
        message.date = f"{year}-{month}-{day}T{time}{zone or ''}"

    def _file(self, message: Message, kind: str, path: str) -> None:
        path = IN_ACCOUNT.sub("", path)
        if kind == "photo":
            message.photo = path or "(Photo not included)"
        else:
            message.file, message.media_type = path or "(File not included)", None if kind == "file" else kind

    def _generic(self, message: Message) -> None:
        """What is not shown but named: a file, a card, a place."""
        said = {name: line(words, 1000) for name, words in self._said.items()}
        title, status, href = said.get("title", ""), said.get("status", ""), self._said["href"]
        match said["class"]:
            case "media_contact":
                message.contact_information = Contact(title, phone_number=status.removesuffix(" - vCard"))
            case "media_location" | "media_venue":
                if said["class"] == "media_venue":
                    message.place_name, message.address = title, said.get("description", "")
                if found := COORDINATES.fullmatch(status) or re.search(r"q=(-?[\d.]{1,20}),(-?[\d.]{1,20})&", href):
                    message.location_information = Place(_degrees(found[1]), _degrees(found[2]))
            case "media_game":
                message.game_title, message.game_description = title, said.get("description", "")
                message.game_link = href
            case "media_invoice":
                self._marking.line()
                parts = (title, said.get("description", ""), status)
                self._marking.write("🧾 " + " — ".join(part for part in parts if part))
            case "media_call" | "media_live_location":
                pass
            case kind:
                named = {"media_file": "file", "media_audio_file": "audio_file"}.get(kind) or GENERIC.get(title, "file")
                self._file(message, named, href)
                message.file_name = title if kind == "media_file" else None
                if found := SECONDS.match(status):
                    message.duration_seconds = int(found[1] or 0) * 3600 + int(found[2]) * 60 + int(found[3])

    def _answer(self) -> None:
        words = line(self._said.pop("answer", ""), 500).removeprefix("- ")
        found = VOTES.search(self._said.pop("votes", ""))
        self._answers.append(Answer(words, int(found[1]) if found else 0))

    def _poll(self, poll: GivenPoll) -> None:
        found = VOTES.search(self._said.get("total", ""))
        poll.question, poll.answers = self._said.get("question", ""), self._answers
        poll.total_voters = int(found[1]) if found else 0
        poll.closed = "Final results" in self._said.get("final", "")

    def fail(self, why: str) -> NoReturn:
        """Refuse the file here."""
        line_, offset = self.getpos()
        raise Refused.at(self._name, line_, offset + 1, why)

    def _refuse(self, why: str) -> NoReturn:
        raise Refused.at(self._name, *self._place, why)


def _alive(name: str | None) -> str | None:
    """A name, unless it is what stands for those that are gone."""
    return None if name == "Deleted Account" else name


def _degrees(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 999.0


def _target(given: dict[str, str]) -> str:
    """Where a link in a text leads, or `hashtag` or `mention`, or nothing."""
    click = given.get("onclick", "")
    if "ShowHashtag" in click:
        return "hashtag"
    return "mention" if "ShowMentionName" in click else given.get("href", "")
