"""A Telegram channel taken over: all of the sample, again, newer, and with everything that could be wrong with it."""

import json
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from angarium.channel.archive import Put
from angarium.channel.intake.attachments import Left
from angarium.channel.intake.refusal import Refused
from angarium.channel.post import Author, Mark, MediumKind, Poll
from tests.channel.exports.make import CHANNEL, ENTITIES, HERE, PDF, write
from tests.channel.intake.conftest import Room

Chat = Callable[..., Path]


def test_the_samples_are_what_their_script_writes(tmp_path: Path) -> None:
    written = {str(path.relative_to(tmp_path)): path.read_bytes() for path in write(tmp_path)}
    kept = {str(path.relative_to(HERE)): path.read_bytes() for path in HERE.rglob("*") if path.is_file()}
    assert written == {name: octets for name, octets in kept.items() if not name.endswith((".py", ".pyc"))}


def test_the_sample(room: Room) -> None:
    done = room.take(HERE / "telegram")
    assert (done.title, done.new, done.changed, done.same, done.service, done.empty) == (CHANNEL, 33, 0, 0, 3, 4)
    assert done.left == Left(missing=2, damaged=1)
    posts = room.posts()
    assert not {"1", "5", "6", "19", "24", "27", "38", "99"} & posts.keys()
    kinds = {number: [medium.kind for medium in post.media] for number, post in posts.items() if post.media}
    photo, video = MediumKind.PHOTO, MediumKind.VIDEO
    assert kinds == {
        "3": [photo],
        "4": [photo, video, photo],
        "7": [MediumKind.VOICE],
        "8": [video],
        "9": [MediumKind.ANIMATION],
        "10": [MediumKind.ANIMATION],
        "11": [MediumKind.STICKER],
        "13": [MediumKind.AUDIO],
        "14": [MediumKind.FILE],
        "15": [MediumKind.FILE],
        "16": [MediumKind.FILE],
    }
    assert posts["3"].text.words == "At the square"
    assert posts["4"].also == ("telegram/1234567890/5", "telegram/1234567890/6")
    assert posts["4"].media[2].spoiler
    assert posts["13"].media[0].name == "Nobody – Silence.wav"
    assert posts["16"].media[0].type == "application/octet-stream"
    poll = posts["20"].poll
    assert isinstance(poll, Poll)
    assert ([(each.text, each.voters) for each in poll.options], poll.closed) == ([("Tea", 9), ("Coffee", 3)], True)
    assert posts["21"].answers == "telegram/1234567890/6"
    answered = room.archive.find(posts["21"].answers)
    assert answered is not None
    assert answered.post.key == "telegram/1234567890/4"
    assert (posts["22"].source, posts["37"].source, posts["39"].answers) == ("Another Channel", "", "")
    assert (posts["23"].published, posts["23"].changed) == (1_700_013_800, 1_700_013_860)
    assert (posts["36"].author, posts["2"].author) == ("maryam-r", "")
    assert room.archive.authors() == [(Author("maryam-r", "Maryam R."), 1)]
    assert {filed.post.key for filed in room.archive.pinned()} == {"telegram/1234567890/2", "telegram/1234567890/21"}
    assert room.files() == room.archive.digests()


def test_every_mark(room: Room) -> None:
    room.take(HERE / "telegram")
    text = room.posts()["2"].text
    assert text.words == "".join(each["text"] for each in ENTITIES)
    marked = [(span.mark, text.words[span.start : span.start + span.length], span.value) for span in text.spans]
    assert marked == [
        (Mark.BOLD, "bold", ""),
        (Mark.ITALIC, "italic", ""),
        (Mark.UNDERLINE, "underlined", ""),
        (Mark.STRIKE, "struck", ""),
        (Mark.CODE, "code()", ""),
        (Mark.BLOCK, "for x in y:\n    pass", "python"),
        (Mark.LINK, "a link", "https://example.org/a?b=1&c=2"),
        (Mark.LINK, "https://example.org/plain", "https://example.org/plain"),
        (Mark.LINK, "example.org/bare", "https://example.org/bare"),
        (Mark.MENTION, "@somebody", ""),
        (Mark.MENTION, "Some Body", ""),
        (Mark.HASHTAG, "#news", ""),
        (Mark.HASHTAG, "#خبر_روز", ""),
        (Mark.LINK, "desk@example.org", "mailto:desk@example.org"),
        (Mark.SPOILER, "the butler", ""),
        (Mark.QUOTE, "said somebody", ""),
    ]
    assert room.posts()["2"].tags == ("news", "خبر_روز")


def test_what_messages_hold_besides(room: Room) -> None:
    room.take(HERE / "telegram")
    posts = room.posts()
    assert {
        number: posts[number].text.words for number in ("12", "25", "26", "28", "29", "30", "31", "32", "33", "34")
    } == {
        "12": "🎉",
        "25": "👤 News Desk — +1 555 0101",
        "26": "📍 35.69975, 51.33805",
        "28": "📍 Town Hall — 1 Main Street 1.50000, 2.50000",
        "29": "🎮 Chess — An old one https://t.me/gamebot?game=chess",
        "30": "🧾 Mug — Blue — 12.50 EUR",
        "31": "🎁 3 × 🏆 — a mug — 2023-12-01",
        "32": "🎁 2 × 🏆",
        "33": "☑ To do\n• write\n• print",
        "34": "With buttons\nRead on",
    }


def test_nothing_says_where_or_with_what_a_picture_was_taken_or_who_reacted(room: Room) -> None:
    room.take(HERE / "telegram")
    room.archive.close()
    kept = [file.read_bytes() for file in room.folder.rglob("*") if file.is_file()]
    assert any(PDF in octets for octets in kept)
    for secret in (b"SecretCam", b"35.6892", b"Jane Doe", b"Reader", b"user555", b"4242424242", b"javascript:"):
        assert not any(secret in octets for octets in kept), secret


def test_a_second_time_changes_nothing(room: Room) -> None:
    room.take(HERE / "telegram")
    before = (room.posts(), room.files(), [filed.number for filed in room.archive.posts()])
    done = room.take(HERE / "telegram")
    assert (done.new, done.changed, done.same) == (0, 0, 33)
    assert (room.posts(), room.files(), [filed.number for filed in room.archive.posts()]) == before


def test_a_newer_export_adds_and_changes_and_what_is_withdrawn_stays_so(room: Room, chat: Chat) -> None:
    first = ({"text": "one"}, {"text": "two"}, {"text": "three"})
    room.take(chat(*first))
    two = room.archive.find("telegram/5/2")
    assert two is not None
    with room.archive.writing():
        room.archive.withdraw(two.number)
    done = room.take(chat(*({"text": "one, corrected", "edited_unixtime": "1700000500"}, *first[1:], {"text": "four"})))
    assert (done.new, done.changed, done.same, done.withdrawn) == (1, 1, 1, 1)
    assert [room.posts()[number].text.words for number in ("1", "3", "4")] == ["one, corrected", "three", "four"]


def test_what_was_changed_here_later_stays(room: Room, chat: Chat) -> None:
    path = chat({"text": "said", "edited_unixtime": "1700000500"})
    room.take(path)
    filed = room.archive.find("telegram/5/1")
    assert filed is not None
    ours = msgspec.structs.replace(filed.post, changed=1_700_000_900, title="Corrected here")
    with room.archive.writing():
        assert room.archive.put(ours) is Put.CHANGED
    assert room.take(path).same == 1
    assert room.posts()["1"] == ours


def test_an_album_that_lost_its_first_picture_is_the_same_post(room: Room, sample: Path) -> None:
    album = ("4", "5", "6")
    room.take(sample)
    whole = json.loads((sample / "result.json").read_text("utf-8").replace("\\x", "\\u00"))
    whole["messages"] = [each for each in whole["messages"] if str(each["id"]) != album[0]]
    (sample / "result.json").write_text(json.dumps(whole))
    done = room.take(sample)
    assert (done.new, done.changed) == (0, 1)
    filed = room.archive.find("telegram/1234567890/6")
    assert filed is not None
    assert (filed.post.key, len(filed.post.media)) == ("telegram/1234567890/4", 2)
    with room.archive.writing():
        room.archive.withdraw(filed.number)
    assert room.take(sample).withdrawn == 1


def test_albums_are_told_from_posts_of_the_same_second(room: Room, sample: Path, chat: Chat) -> None:
    picture = (sample / "photos/photo_3@14-11-2023_22-13-20.jpg").read_bytes()
    at = {"date_unixtime": "1700000000", "photo": "p.png"}
    path = chat(
        {**at, "text": "first"},
        {**at, "text": "second words, second post"},
        {**at},
        {**at, "forwarded_from": "Other"},
        {**at, "date_unixtime": "1700000009"},
        *({**at, "date_unixtime": "1700001000"} for _ in range(11)),
    )
    (path / "p.png").write_bytes(picture)
    room.take(path)
    assert {number: len(post.media) for number, post in room.posts().items()} == {
        "1": 1,
        "2": 2,
        "4": 1,
        "5": 1,
        "6": 10,
        "16": 1,
    }


def test_pins_are_the_editors_once_they_were_taken_over(room: Room, chat: Chat) -> None:
    pins = [{"type": "service", "action": "pin_message", "message_id": number} for number in (1, 2, 3, 4, 2)]
    path = chat(*({"text": str(number)} for number in range(1, 5)), *pins)
    room.take(path)
    assert {filed.post.text.words for filed in room.archive.pinned()} == {"2", "4", "3"}
    filed = room.archive.find("telegram/5/2")
    assert filed is not None
    with room.archive.writing():
        room.archive.put(msgspec.structs.replace(filed.post, pinned=False))
    assert room.take(path).same == 4
    assert {filed.post.text.words for filed in room.archive.pinned()} == {"4", "3"}
    assert room.take(path, pins=1).changed == 0
    assert {filed.post.text.words for filed in room.archive.pinned()} == {"2"}


def test_a_group_signs_with_names_and_never_with_numbers(room: Room) -> None:
    room.take(HERE / "group")
    signed = {number: post.author for number, post in room.posts().items()}
    assert signed == {"1": "zahra", "2": "алексей", "3": "", "4": "", "5": "", "6": "zahra", "7": "a-channel"}
    assert room.posts()["6"].text.words == "👤 Ali"
    room.archive.close()
    for file in room.folder.rglob("*"):
        if file.is_file():
            assert b"555 0100" not in file.read_bytes()
            assert b"user100" not in file.read_bytes()


@pytest.mark.parametrize(
    "type_", ["personal_chat", "private_group", "private_channel", "saved_messages", "bot_chat", None]
)
def test_what_is_not_public_is_refused_unless_all_agree(room: Room, chat: Chat, type_: str | None) -> None:
    path = chat({"text": "hello"}, type=type_)
    with pytest.raises(Refused, match="--agreed"):
        room.take(path)
    assert room.archive.count() == 0
    assert room.take(path, agreed=True).new == 1


def test_an_account_has_many_chats(room: Room, chat: Chat) -> None:
    said = {"id": 1, "type": "message", "date_unixtime": "1700000000", "text": "x"}
    chats = [
        {"name": name, "type": type_, "id": number, "messages": [said | {"text": name}]}
        for number, (name, type_) in enumerate(
            [("A", "public_channel"), ("B", "personal_chat"), ("C", "public_channel")], 1
        )
    ]
    path = chat() / "result.json"
    path.write_text(json.dumps({"about": "x", "contacts": {"list": [{}]}, "chats": {"about": "y", "list": chats}}))
    with pytest.raises(Refused, match=r"--chat NAME: public ones in it are A \(1\), C \(3\)"):
        room.take(path)
    with pytest.raises(Refused, match="no chat called 'D'"):
        room.take(path, chat="D")
    with pytest.raises(Refused, match="--agreed"):
        room.take(path, chat="B")
    assert room.take(path, chat="C").title == "C"
    assert room.take(path, chat="1").title == "A"
    assert {post.text.words for post in (filed.post for filed in room.archive.posts())} == {"A", "C"}


def test_what_telegram_desktop_writes_wrongly_is_read(room: Room, chat: Chat) -> None:
    path = chat({"text": "x"}) / "result.json"
    text = path.read_text("utf-8")
    emoji = '{\n     "type": "custom_emoji",\n     "text": "🔥",\n     "document_id": video (2).webm\n    }'
    said = "[" + emoji + r', " \x1B\\x41 \ud800"]'
    path.write_text(text.replace('"text": "x"', f'"text": {said}'), "utf-8")
    room.take(path)
    assert room.posts()["1"].text.words == "🔥 \\x41 \ufffd"


def test_old_exports_give_local_time(room: Room, chat: Chat) -> None:
    path = chat({"text": "x", "date": "2019-05-31T21:28:30", "date_unixtime": None, "from_id": 4_242_424_242})
    room.take(path, zone=ZoneInfo("Asia/Tehran"))
    assert room.posts()["1"].published == 1_559_321_910


def test_the_html_says_the_same_as_far_as_it_says_it(room: Room, tmp_path: Path) -> None:
    (tmp_path / "html").mkdir()
    html = Room(tmp_path / "html")
    room.take(HERE / "telegram" / "result.json")
    html.take(HERE / "telegram" / "messages.html")
    theirs, ours = html.posts(), room.posts()
    assert ours.keys() - theirs.keys() == {"12", "31", "32", "33"}
    assert theirs.keys() <= ours.keys()
    for number, post in theirs.items():
        other = ours[number]
        for name in ("published", "author", "poll", "source", "tags", "pinned"):
            assert getattr(post, name) == getattr(other, name), (number, name)
        assert [(each.digest, each.kind) for each in post.media] == [(each.digest, each.kind) for each in other.media]
        if number not in ("2", "25", "34"):
            assert post.text == other.text
    without_language = [span for span in ours["2"].text.spans if span.mark is not Mark.BLOCK]
    assert [span for span in theirs["2"].text.spans if span.mark is not Mark.BLOCK] == without_language
    assert theirs["21"].answers == "telegram/~the-morning-post/6"
    done = html.take(HERE / "telegram" / "result.json")
    assert (done.new, done.same + done.changed) == (4, 29)


def test_html_of_a_group_is_taken_if_all_agree(room: Room, sample: Path) -> None:
    page = (sample / "messages.html").read_text("utf-8")
    at = page.index("from_name", page.index('id="message3"'))
    (sample / "messages.html").write_text(page[:at] + page[at:].replace(CHANNEL, "Zahra", 1), "utf-8")
    with pytest.raises(Refused, match="--agreed"):
        room.take(sample / "messages.html")
    assert room.archive.count() == len(room.files()) == 0
    room.take(sample / "messages.html", agreed=True)
    assert room.posts()["3"].author == "zahra"


def test_halves_of_pairs_are_mended_wherever_they_stand(room: Room, chat: Chat) -> None:
    half = "x \ud83d y"
    path = chat(
        {"text": [half, {"type": "bold", "text": half}], "author": half, "forwarded_from": half},
        {"poll": {"question": half, "answers": [{"text": half}]}},
        {"file": "x.pdf", "file_name": half, "reactions": [{"emoji": half}]},
        name=half,
        other=[half, {half: half}],
    )
    (path / "x.pdf").write_bytes(PDF)
    octets = (path / "result.json").read_bytes()
    (path / "result.json").write_bytes(octets.replace(b"\xed\xa0\xbd", b"\\ud83d"))
    assert room.take(path).title == "x \ufffd y"
    posts = room.posts()
    assert posts["1"].text.words == "x \ufffd yx \ufffd y"
    assert (posts["1"].source, posts["3"].media[0].name) == ("x \ufffd y", "x \ufffd y")
    assert room.take(path).same == 3
    (path / "result.json").write_bytes(octets)
    with pytest.raises(Refused, match=r"line \d+, column \d+"):
        room.take(path)
    assert room.posts() == posts


def test_what_is_written_wrongly_in_chats_nobody_wants_is_passed_over(room: Room, chat: Chat) -> None:
    said = '{"id": 1, "type": "message", "date_unixtime": "1700000000", "text": "x"}'
    wrong = '{"id": 1, "text": ["\\ud83d", "\\x1b", {"type": "custom_emoji",\n "document_id": video (2).webm\n}]}'
    chats = ", ".join(
        f'{{"name": "{name}", "type": "public_channel", "id": {number}, "messages": [{text}]}}'
        for number, (name, text) in enumerate((("A\\ud83d", wrong), ("B", said)), 1)
    )
    path = chat() / "result.json"
    path.write_text(f'{{"personal_information": {{"bio": "\\ud83d \\x1b"}}, "chats": {{"list": [{chats}]}}}}')
    assert room.take(path, chat="B").new == 1
