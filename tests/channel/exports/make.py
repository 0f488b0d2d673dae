"""Writes the sample exports beside it: `python -m tests.channel.exports.make`.

`telegram` is a channel as Telegram Desktop 5 exports it, with every kind of text and media there is, among them
traps; as JSON and as HTML; `group` a group; then an Atom and an RSS feed. All is made up here. What
is written is the same each time, so a test notices when it was not.
"""

import base64
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.channel.recording.make import film

HERE = Path(__file__).parent
CHANNEL, CHANNEL_ID = "The Morning Post", 1234567890
START = 1_700_000_000
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQ"
    "YEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAQABgD"
    "ASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAT/xAAcEAABAwUAAAAAAAAAAAAAAAASABEUNmSDkaH/xAAWAQEBAQAAAAAAAAAAAAAAAAAA"
    "AwT/xAAfEQACAgIBBQAAAAAAAAAAAAAREgBhMaEhIjKBsdH/2gAMAwEAAhEDEQA/AL6Su5eMR27lxKSu5eMR27lxKSu5eMR27lxKSu5eMR27lxae"
    "6z4YehuQxQ19OopK7l4xHbuXESkruXjEdu5cREfqVrI1DLwwrM//2Q=="
)
"""24 × 16 pixels."""
WEBP = base64.b64decode("UklGRiwAAABXRUJQVlA4TB8AAAAvF8ADAA9wP+4LmR8Ze/5jCQKBBGF/yyliiOh/xhknAA==")
GIF = base64.b64decode(
    "R0lGODdhGAAQAIEAAObcyChaoAAAAAAAACwAAAAAGAAQAEAIVAADCAwAoCCAgQQNIjR4cCDDhQodMowo8KHEghAxXmxYkSLChBo7hgQ5MSNHkh83"
    "mjRpUeTJlh9hyvQ4c+REmjht5nzpcaXKny59uqzJU6fRoicDAgA7"
)


def located(jpeg: bytes) -> bytes:
    """A JPEG that says where it was taken, by which camera, and something in a comment; turned by a quarter."""
    make, gps = b"SecretCam\0", struct.pack(">HHHI4s", 1, 1, 2, 2, b"N\0\0\0")
    first = struct.pack(">HHHII", 3, 0x010F, 2, len(make), 8 + 2 + 36 + 4)
    first += struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack(">HHII", 0x8825, 4, 1, 8 + 2 + 36 + 4 + len(make))
    tiff = b"MM\0*" + struct.pack(">I", 8) + first + bytes(4) + make + gps + bytes(4)
    exif, comment = b"Exif\0\0" + tiff, b"35.6892 N 51.3890 E"
    segments = b"".join(
        b"\xff" + bytes([code]) + struct.pack(">H", len(body) + 2) + body
        for code, body in ((0xE1, exif), (0xFE, comment))
    )
    return jpeg[:20] + segments + jpeg[20:] + b"what follows the end: 35.6892 N"


def png(width: int, height: int, shade: int, text: bytes = b"") -> bytes:
    """A grey picture, with a text chunk if there is a text."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + bytes((shade + x + y) % 256 for x in range(width)) for y in range(height))
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(rows), len(rows) ^ 0xFFFF) + rows
    packed = stored + struct.pack(">I", zlib.adler32(rows))
    said = chunk(b"tEXt", b"Comment\0" + text) if text else b""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + said + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def voice() -> bytes:
    """A second of silence as Ogg Opus (RFC 7845)."""

    def page(number: int, flags: int, position: int, packets: list[bytes]) -> bytes:
        head = struct.pack("<4sBBQIIIB", b"OggS", 0, flags, position, 7, number, 0, len(packets))
        body = head + bytes(len(packet) for packet in packets) + b"".join(packets)
        crc = 0
        for octet in body:
            crc ^= octet << 24
            for _ in range(8):
                crc = (crc << 1 ^ 0x04C11DB7) & 0xFFFFFFFF if crc & 0x80000000 else crc << 1
        return body[:22] + struct.pack("<I", crc) + body[26:]

    head = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 0, 48000, 0, 0)
    where = b"LOCATION=35.6892 N"
    tags = b"OpusTags" + struct.pack("<I4sII", 4, b"none", 1, len(where)) + where
    return page(0, 2, 0, [head]) + page(1, 0, 0, [tags]) + page(2, 4, 48000, [b"\xf8\xff\xfe"] * 50)


def wave() -> bytes:
    """A tenth of a second of silence."""
    data = bytes(800)
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8) + struct.pack("<4sI", b"data", len(data))
    more = b"LIST" + struct.pack("<I4s4sI", 20, b"INFO", b"IART", 8) + b"Jane Doe"
    return b"RIFF" + struct.pack("<I", 4 + len(head) + len(data) + len(more)) + b"WAVE" + head + data + more


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
FILES = {
    "photos/photo_1@14-11-2023_22-13-20.jpg": located(JPEG),
    "photos/photo_2@14-11-2023_22-13-20.jpg": JPEG,
    "photos/photo_3@14-11-2023_22-13-20.jpg": png(8, 6, 10),
    "photos/photo_4@14-11-2023_22-13-20.jpg": b"<html><script>alert(1)</script></html>",
    "video_files/demonstration.mp4": film(last=b"\0"),
    "video_files/animation.gif.mp4": film(last=b"\1"),
    "round_video_messages/file_1@14-11-2023_22-13-20.mp4": film(first=True, last=b"\2"),
    "voice_messages/audio_1@14-11-2023_22-13-20.ogg": voice(),
    "files/song.wav": wave(),
    "files/report.pdf": PDF,
    "files/scan.png": png(9, 7, 30, b"by Jane Doe, 35.6892 N"),
    "files/page.html": b"<!doctype html><script>alert(1)</script>",
    "stickers/sticker.webp": WEBP,
    "stickers/AnimatedSticker.tgs": b"\x1f\x8b\x08" + bytes(40),
    "animations/cat.gif": GIF,
}
ENTITIES: list[dict[str, Any]] = [
    {"type": "plain", "text": "Every kind:\n"},
    {"type": "bold", "text": "bold"},
    {"type": "plain", "text": " "},
    {"type": "italic", "text": "italic"},
    {"type": "plain", "text": " "},
    {"type": "underline", "text": "underlined"},
    {"type": "plain", "text": " "},
    {"type": "strikethrough", "text": "struck"},
    {"type": "plain", "text": " "},
    {"type": "code", "text": "code()"},
    {"type": "plain", "text": "\n"},
    {"type": "pre", "text": "for x in y:\n    pass", "language": "python"},
    {"type": "plain", "text": "\n"},
    {"type": "text_link", "text": "a link", "href": "https://example.org/a?b=1&c=2"},
    {"type": "plain", "text": " "},
    {"type": "link", "text": "https://example.org/plain"},
    {"type": "plain", "text": " "},
    {"type": "link", "text": "example.org/bare"},
    {"type": "plain", "text": " "},
    {"type": "mention", "text": "@somebody"},
    {"type": "plain", "text": " "},
    {"type": "mention_name", "text": "Some Body", "user_id": 4242424242},
    {"type": "plain", "text": " "},
    {"type": "hashtag", "text": "#news"},
    {"type": "plain", "text": " "},
    {"type": "hashtag", "text": "#خبر_روز"},
    {"type": "plain", "text": " "},
    {"type": "cashtag", "text": "$IRR"},
    {"type": "plain", "text": " "},
    {"type": "bot_command", "text": "/start"},
    {"type": "plain", "text": " "},
    {"type": "email", "text": "desk@example.org"},
    {"type": "plain", "text": " "},
    {"type": "phone", "text": "+1 555 0100"},
    {"type": "plain", "text": " "},
    {"type": "bank_card", "text": "4242 4242 4242 4242"},
    {"type": "plain", "text": " "},
    {"type": "spoiler", "text": "the butler"},
    {"type": "plain", "text": " "},
    {"type": "custom_emoji", "text": "🔥", "document_id": "stickers/sticker.webp"},
    {"type": "plain", "text": "\n"},
    {"type": "blockquote", "text": "said somebody", "collapsed": True},
    {"type": "unknown", "text": " and what is yet to come"},
]
HOSTILE: list[dict[str, Any]] = [
    {"type": "plain", "text": "<script>alert(1)</script> \u202egnp.exe\u202c "},
    {"type": "text_link", "text": "click", "href": "javascript:alert(1)"},
    {"type": "plain", "text": " \x01\x1f done"},
]


def messages() -> list[dict[str, Any]]:
    """The channel's messages, as the JSON has them."""
    video = {"file": "video_files/demonstration.mp4", "file_name": "demonstration.mp4", "media_type": "video_file"}
    bodies: list[dict[str, Any]] = [
        {"action": "create_channel", "title": CHANNEL},
        {"text": ENTITIES},
        {"photo": "photos/photo_1@14-11-2023_22-13-20.jpg", "width": 24, "height": 16, "text": "At the square"},
        {"photo": "photos/photo_2@14-11-2023_22-13-20.jpg", "text": "Three from today"},
        {**video, "mime_type": "video/mp4", "duration_seconds": 5, "width": 320, "height": 240},
        {"photo": "photos/photo_3@14-11-2023_22-13-20.jpg", "width": 8, "height": 6, "media_spoiler": True},
        {
            "file": "voice_messages/audio_1@14-11-2023_22-13-20.ogg",
            "media_type": "voice_message",
            "duration_seconds": 1,
        },
        {"file": "round_video_messages/file_1@14-11-2023_22-13-20.mp4", "media_type": "video_message"},
        {"file": "animations/cat.gif", "media_type": "animation", "file_name": "cat.gif"},
        {"file": "video_files/animation.gif.mp4", "media_type": "animation", "width": 64, "height": 48},
        {"file": "stickers/sticker.webp", "media_type": "sticker", "sticker_emoji": "👍", "width": 24, "height": 16},
        {"file": "stickers/AnimatedSticker.tgs", "media_type": "sticker", "sticker_emoji": "🎉"},
        {"file": "files/song.wav", "media_type": "audio_file", "performer": "Nobody", "title": "Silence"},
        {"file": "files/report.pdf", "file_name": "report.pdf", "mime_type": "application/pdf", "text": "The report"},
        {"file": "files/scan.png", "file_name": "scan.png", "mime_type": "image/png"},
        {"file": "files/page.html", "file_name": "page.html", "mime_type": "text/html"},
        {"photo": "photos/photo_4@14-11-2023_22-13-20.jpg", "text": "No picture at all"},
        {"photo": "(File not included. Change data exporting settings to download.)", "text": "Left behind"},
        {
            "file": "(File exceeds maximum size. Change data exporting settings to download.)",
            "media_type": "video_file",
        },
        {
            "poll": {
                "question": "Tea or coffee?",
                "closed": True,
                "total_voters": 12,
                "answers": [
                    {"text": "Tea", "voters": 9, "chosen": True},
                    {"text": "Coffee", "voters": 3, "chosen": False},
                ],
            }
        },
        {"reply_to_message_id": 6, "text": "More on that"},
        {"forwarded_from": "Another Channel", "text": "As others say"},
        {"edited": True, "text": "Corrected"},
        {"action": "pin_message", "message_id": 2},
        {
            "contact_information": {"first_name": "News", "last_name": "Desk", "phone_number": "+1 555 0101"},
            "contact_vcard": "(File not included. Change data exporting settings to download.)",
        },
        {"location_information": {"latitude": 35.69975, "longitude": 51.33805}},
        {"live_location_period_seconds": 900, "location_information": {"latitude": -33.5, "longitude": -70.25}},
        {
            "place_name": "Town Hall",
            "address": "1 Main Street",
            "location_information": {"latitude": 1.5, "longitude": 2.5},
        },
        {"game_title": "Chess", "game_description": "An old one", "game_link": "https://t.me/gamebot?game=chess"},
        {"invoice_information": {"title": "Mug", "description": "Blue", "amount": 1250, "currency": "EUR"}},
        {
            "giveaway_information": {
                "quantity": 3,
                "months": 6,
                "until_date": "2023-12-01T00:00:00",
                "channels": [CHANNEL_ID],
                "countries": [],
                "additional_prize": "a mug",
                "stars": 0,
                "is_only_new_subscribers": False,
            }
        },
        {
            "giveaway_results": {
                "channel": CHANNEL_ID,
                "winners": [111, 222],
                "winners_count": 2,
                "additional_prize": "",
            }
        },
        {"todo_list": {"title": "To do", "answers": [{"text": "write", "id": 1}, {"text": "print", "id": 2}]}},
        {
            "text": "With buttons",
            "inline_bot_buttons": [
                [{"type": "url", "text": "Read on", "data": "https://example.org/more"}],
                [{"type": "callback", "text": "Like", "dataBase64": "AQ", "data": ""}],
            ],
        },
        {"text": HOSTILE},
        {"author": "Maryam R.", "text": "Signed by somebody"},
        {"forwarded_from": None, "text": "From an account that is gone"},
        {"paid_stars_amount": 50},
        {"reply_to_message_id": 77, "reply_to_peer_id": "channel999", "text": "To another chat"},
        {
            "text": "گزارش میدانی از میدان آزادی",
            "reactions": [
                {
                    "type": "emoji",
                    "count": 1,
                    "emoji": "❤",
                    "recent": [{"from": "Reader", "from_id": "user555", "date": "2023-11-14T22:13:20"}],
                }
            ],
        },
        {"action": "pin_message", "message_id": 21},
    ]
    return [whole(number, body) for number, body in enumerate(bodies, 1)] + [{"id": 99, "type": "unsupported"}]


def whole(number: int, body: dict[str, Any], sender: str | None = CHANNEL, sender_id: str = "") -> dict[str, Any]:
    """A message with all that messages have. Those of the album, 4 to 6, were sent in the same second."""
    seconds = START + 600 * (4 if number in (5, 6) else number)
    service = "action" in body
    found: dict[str, Any] = {"id": number, "type": "service" if service else "message", **dated("date", seconds)}
    if body.pop("edited", False):
        found |= dated("edited", seconds + 60)
    who = "actor" if service else "from"
    found |= {who: sender, f"{who}_id": sender_id or f"channel{CHANNEL_ID}"}
    text = body.pop("text", "")
    entities = text if isinstance(text, list) else [{"type": "plain", "text": text}] if text else []
    parts = [each["text"] if each["type"] == "plain" else each for each in entities]
    last = {name: body.pop(name) for name in ("inline_bot_buttons", "reactions") if name in body}
    return found | body | {"text": parts if isinstance(text, list) else text, "text_entities": entities} | last


def dated(name: str, seconds: int) -> dict[str, str]:
    """A date in both forms; the computer stood in UTC."""
    day, rest = divmod(seconds - START, 86400)
    clock = 22 * 3600 + 13 * 60 + 20 + rest
    day, clock = 14 + day + clock // 86400, clock % 86400
    return {
        name: f"2023-11-{day:02}T{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}",
        f"{name}_unixtime": str(seconds),
    }


def exported(value: object) -> str:
    """JSON as Telegram Desktop writes it, control characters and all."""
    return json.dumps(value, ensure_ascii=False, indent=1).replace("\\u0001", "\\x01").replace("\\u001f", "\\x1F")


def group() -> dict[str, Any]:
    """A group in which people speak, some of them with a name that tells too much."""
    said: list[tuple[str | None, str, dict[str, Any]]] = [
        ("Zahra", "user1001", {"text": "Good morning"}),
        ("Алексей", "user1002", {"text": "Доброе утро", "reply_to_message_id": 1}),
        (None, "user1003", {"text": "From an account that is gone"}),
        ("+98 912 555 0100", "user1004", {"text": "My name is a number"}),
        ("Neighbours", "channel777", {"text": "As the group itself"}),
        ("Zahra", "user1001", {"contact_information": {"first_name": "Ali", "last_name": "", "phone_number": "+98 1"}}),
        ("A Channel", "channel888", {"text": "A channel speaks in the group"}),
    ]
    written = [whole(number, body, name, id_) for number, (name, id_, body) in enumerate(said, 1)]
    return {"name": "Neighbours", "type": "public_supergroup", "id": 777, "messages": written}


def write(into: Path) -> Iterator[Path]:
    """Write all samples into a folder; give the files."""
    from tests.channel.exports.feeds import ATOM, RSS
    from tests.channel.exports.html_form import pages

    said = messages()
    channel = {"name": CHANNEL, "type": "public_channel", "id": CHANNEL_ID, "messages": said}
    files: dict[str, bytes] = {
        "telegram/result.json": exported(channel).encode(),
        "group/result.json": exported(group()).encode(),
        "atom.xml": ATOM.encode(),
        "rss.xml": RSS.encode(),
    }
    files |= {f"telegram/{path}": octets for path, octets in FILES.items()}
    files |= {f"telegram/{name}": page.encode() for name, page in pages(CHANNEL, said, FILES)}
    for path, octets in files.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_bytes(octets)
        yield into / path


if __name__ == "__main__":
    for _ in write(HERE):
        pass
