"""The sample channel as the HTML that Telegram Desktop writes: its elements, classes and white space."""

import html
from collections.abc import Iterator
from typing import Any

PAGE = 15
"""Messages on a page; Telegram Desktop puts a thousand."""
MARKS = {
    "bold": ("<strong>", "</strong>"),
    "italic": ("<em>", "</em>"),
    "underline": ("<u>", "</u>"),
    "strikethrough": ("<s>", "</s>"),
    "code": ("<code>", "</code>"),
    "pre": ("<pre>", "</pre>"),
    "blockquote": ("<blockquote>", "</blockquote>"),
    "spoiler": (
        '<span class="spoiler hidden" onclick="ShowSpoiler(this)"><span aria-hidden="true">',
        "</span></span>",
    ),
    "mention_name": ('<a href="" onclick="return ShowMentionName()">', "</a>"),
    "custom_emoji": ('<a href="stickers/sticker.webp">', "</a>"),
}
VOTES = {0: "No votes", 1: "1 vote"}


class Page:
    """Elements within each other, indented as they are there."""

    def __init__(self) -> None:
        self.out = ["<!DOCTYPE html>"]
        self._open: list[str] = []

    def open(self, tag: str, **attributes: str) -> None:
        said = "".join(f' {name.strip("_")}="{escaped(value)}"' for name, value in attributes.items())
        self.out.append(f"\n{' ' * len(self._open)}<{tag}{said}>\n")
        self._open.append(tag)

    def close(self, count: int = 1) -> None:
        for _ in range(count):
            tag = self._open.pop()
            self.out.append(f"\n{' ' * len(self._open)}</{tag}>\n")

    def div(self, class_: str, words: str = "", **more: str) -> None:
        """An element of its own, closed at once."""
        self.open("div", class_=class_, **more)
        self.out.append(words)
        self.close()

    def end(self) -> str:
        self.close(len(self._open))
        return "".join(self.out)


def escaped(text: str) -> str:
    signs = {"\n": "<br>", '"': "&quot;", "&": "&amp;", "'": "&apos;", "<": "&lt;", ">": "&gt;"}
    return "".join(signs.get(sign) or (f"&#x{ord(sign):02X};" if sign < " " else sign) for sign in text)


def pages(title: str, messages: list[dict[str, Any]], files: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    """The pages, by their names."""
    for at in range(0, len(messages), PAGE):
        number = at // PAGE + 1
        page = Page()
        page.open("html")
        page.open("head")
        page.out.append('\n  <meta charset="utf-8"/>\n<title>Exported Data</title>')
        page.out.append('\n  <link href="css/style.css" rel="stylesheet"/>\n')
        page.open("script", src="js/script.js", type="text/javascript")
        page.close(2)
        page.open("body", onload="CheckLocation();")
        page.open("div", class_="page_wrap")
        page.open("div", class_="page_header")
        page.open("div", class_="content")
        page.div("text bold", escaped(f"{title} "))
        page.close(2)
        page.open("div", class_="page_body chat_page")
        page.open("div", class_="history")
        page.open("div", class_="message service", id=f"message-{number}")
        page.div("body details", "14 November 2023")
        page.close()
        for message in messages[at : at + PAGE]:
            write(page, title, message, files)
        yield f"messages{number if number > 1 else ''}.html", page.end()


def write(page: Page, title: str, message: dict[str, Any], files: dict[str, bytes]) -> None:
    """One message."""
    number = f"message{message['id']}"
    if message["type"] != "message":
        page.open("div", class_="message service", id=number)
        if message.get("action") == "pin_message":
            target = message["message_id"]
            link = f'<a href="#go_to_message{target}" onclick="return GoToMessage({target})">this message</a>'
            page.div("body details", f"{escaped(title)} pinned {link}")
        else:
            page.div("body details", "Channel &laquo;The Morning Post&raquo; created")
        page.close()
        return
    day, time = message["date"].split("T")
    year, month, date = day.split("-")
    page.open("div", class_="message default clearfix", id=number)
    page.open("div", class_="pull_left userpic_wrap")
    page.open("div", class_="userpic userpic7", style="width: 42px; height: 42px")
    page.div("initials", "T", style="line-height: 42px")
    page.close(2)
    page.open("div", class_="body")
    page.div("pull_right date details", time[:5], title=f"{date}.{month}.{year} {time} UTC+00:00")
    page.div("from_name", escaped(title))
    if "forwarded_from" in message:
        name = message["forwarded_from"] or "Deleted Account"
        page.open("div", class_="forwarded body")
        page.div(
            "from_name", f'{escaped(name)}<span class="date details" title="01.01.2023 00:00:00"> 01.01.2023</span>'
        )
    if "reply_to_message_id" in message:
        target = message["reply_to_message_id"]
        link = f'<a href="messages.html#go_to_message{target}" onclick="return GoToMessage({target})">this message</a>'
        other = "reply_to_peer_id" in message
        page.div("reply_to details", "In reply to a message in another chat" if other else f"In reply to {link}")
    media(page, message, files)
    if words := "".join(part(each) for each in message["text_entities"]):
        page.div("text", words)
    if "author" in message:
        page.div("signature details", escaped(message["author"]))
    page.close(3 if "forwarded_from" in message else 2)


def part(entity: dict[str, Any]) -> str:
    """A piece of a text."""
    type_, text = entity["type"], escaped(entity["text"])
    if type_ in MARKS:
        before, after = MARKS[type_]
        return before + text + after
    shown = {"hashtag": "ShowHashtag", "cashtag": "ShowCashtag", "bot_command": "ShowBotCommand"}
    if type_ in shown:
        return f'<a href="" onclick="return {shown[type_]}(&quot;{text[1:]}&quot;)">{text}</a>'
    href = {
        "mention": f"https://t.me/{text[1:]}",
        "link": text,
        "email": f"mailto:{text}",
        "phone": f"tel:{text}",
        "text_link": escaped(entity.get("href", "")),
    }.get(type_)
    return text if href is None else f'<a href="{href}">{text}</a>'


def media(page: Page, message: dict[str, Any], files: dict[str, bytes]) -> None:
    """What a message holds besides words."""
    path = message.get("photo") or message.get("file")
    kind = "photo" if "photo" in message else message.get("media_type", "file")
    if path:
        page.open("div", class_="media_wrap clearfix")
        wrap = {"photo": "photo_wrap", "video_file": "video_file_wrap", "animation": "animated_wrap"}.get(kind)
        if path in files and (wrap or (kind == "sticker" and path.endswith("webp"))):
            page.open("a", class_=f"{wrap or 'sticker_wrap'} clearfix pull_left", href=path)
            page.out.append(f'\n<img class="{kind}" style="width: 12px; height: 8px" src="{path}_thumb.jpg"/>\n')
            page.close(2)
            return
        generic(page, message, kind, path if path in files else "")
        page.close()
    elif "poll" in message:
        poll = message["poll"]
        page.open("div", class_="media_wrap clearfix")
        page.open("div", class_="media_poll")
        page.div("question bold", escaped(poll["question"]))
        page.div("details", "Final results" if poll["closed"] else "Anonymous poll")
        for answer in poll["answers"]:
            chosen = ", chosen vote" if answer["chosen"] else ""
            votes = f' <span class="details">{answer["voters"]} votes{chosen}</span>' if answer["voters"] else ""
            page.div("answer", f"- {escaped(answer['text'])}{votes}")
        page.div("total details	", VOTES.get(poll["total_voters"], f"{poll['total_voters']} votes"))
        page.close(2)
    else:
        special(page, message)


def generic(page: Page, message: dict[str, Any], kind: str, path: str) -> None:
    """A file that is named and not shown."""
    length = f"00:{message.get('duration_seconds', 0):02}"
    song = f"{message.get('performer')} – {message.get('title')}"
    classes, title, status = {
        "photo": ("media_photo", "Photo", "24x16"),
        "sticker": ("media_photo", "Sticker", message.get("sticker_emoji", "")),
        "video_file": ("media_video", "Video file", length),
        "animation": ("media_video", "Animation", "1 KB"),
        "video_message": ("media_video", "Video message", length),
        "voice_message": ("media_voice_message", "Voice message", length),
        "audio_file": ("media_audio_file", song, length),
        "file": ("media_file", message.get("file_name", "File"), "1 KB"),
    }[kind]
    note = "" if path else "Not included, change data exporting settings to download."
    entry(page, classes, title, note, status, path)


def special(page: Page, message: dict[str, Any]) -> None:
    """Cards, places, games and prices."""
    place = message.get("location_information")
    where = f"{place['latitude']},{place['longitude']}" if place else ""
    link = f"https://maps.google.com/maps?q={where}&ll={where}&z=16" if place else ""
    if card := message.get("contact_information"):
        wrapped(page, "media_contact", f"{card['first_name']} {card['last_name']}", "", card["phone_number"], "")
    elif "place_name" in message:
        wrapped(page, "media_venue", message["place_name"], message["address"], "", link)
    elif "live_location_period_seconds" in message:
        wrapped(page, "media_live_location", "Live location", "", where.replace(",", ", "), link)
    elif place:
        wrapped(page, "media_location", "Location", "", where.replace(",", ", "), link)
    elif "game_title" in message:
        game = message["game_link"]
        wrapped(page, "media_game", message["game_title"], message["game_description"], game, game)
    elif invoice := message.get("invoice_information"):
        wrapped(page, "media_invoice", invoice["title"], invoice["description"], "12.50 EUR", "")


def wrapped(page: Page, classes: str, title: str, description: str, status: str, link: str) -> None:
    """An entry in the element around it."""
    page.open("div", class_="media_wrap clearfix")
    entry(page, classes, title, description, status, link)
    page.close()


def entry(page: Page, classes: str, title: str, description: str, status: str, link: str) -> None:
    """A sign, a title, and what is said under it."""
    if link:
        page.open("a", class_=f"media clearfix pull_left block_link {classes}", href=html.unescape(link))
    else:
        page.open("div", class_=f"media clearfix pull_left {classes}")
    page.div("fill pull_left")
    page.open("div", class_="body")
    page.div("title bold", escaped(title))
    if description:
        page.div("description", escaped(description))
    if status:
        page.div("status details", escaped(status))
    page.close(2)
