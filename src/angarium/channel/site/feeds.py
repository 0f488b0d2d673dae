"""The latest posts for feed readers: Atom (RFC 4287) and JSON Feed 1.1.

Entries are named by the channel's key and the post's number, so that they stay the same ones when the site moves. Links
are absolute where the site has an address, and relative where it has none. What is hidden is left out.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

from angarium.channel.settings import Settings
from angarium.channel.site.text import visible

__all__ = ["FEED", "JSON_FEED", "Item", "atom", "json_feed", "lasting"]

FEED, JSON_FEED = "feed.xml", "feed.json"
NAMESPACE = uuid.UUID("6f0d7c58-7f1c-5d0e-9a4f-3a0c6b0d9f11")
ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, slots=True)
class Item:
    """A post in a feed."""

    number: int
    path: str
    title: str
    author: str
    published: datetime
    changed: datetime
    html: str
    tags: Sequence[str]


def lasting(key: str, name: str) -> str:
    """A name for good of something a channel has: a URN of a UUID (RFC 9562, version 5)."""
    return uuid.uuid5(NAMESPACE, f"{key} {name}").urn


def atom(settings: Settings, key: str, items: Sequence[Item]) -> bytes:
    """The Atom feed."""
    feed = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": settings.language})
    element(feed, "id", lasting(key, "channel"))
    element(feed, "title", settings.title)
    if settings.description:
        element(feed, "subtitle", settings.description)
    element(feed, "updated", latest(items).isoformat())
    element(element(feed, "author"), "name", settings.title)
    element(feed, "link", rel="self", href=settings.address + FEED, type="application/atom+xml")
    element(feed, "link", rel="alternate", href=settings.address or "index.html", type="text/html")
    for item in items:
        entry = element(feed, "entry")
        element(entry, "id", lasting(key, str(item.number)))
        element(entry, "title", item.title)
        element(entry, "published", item.published.isoformat())
        element(entry, "updated", item.changed.isoformat())
        element(entry, "link", rel="alternate", href=settings.address + item.path, type="text/html")
        element(element(entry, "author"), "name", item.author)
        for tag in item.tags:
            element(entry, "category", term=tag)
        element(entry, "content", item.html, type="html")
    ElementTree.indent(feed)
    written: bytes = ElementTree.tostring(feed, "utf-8", xml_declaration=True)
    return written + b"\n"


def element(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    """An element in another. What XML cannot hold is left out."""
    clean = {each: visible(value) for each, value in attributes.items()}
    child = ElementTree.SubElement(parent, name, clean)
    child.text = visible(text) or None
    return child


def json_feed(settings: Settings, key: str, items: Sequence[Item]) -> bytes:
    """The JSON feed."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": settings.title,
        "description": settings.description,
        "language": settings.language,
        "home_page_url": settings.address or "index.html",
        "feed_url": settings.address + JSON_FEED,
        "items": [
            {
                "id": lasting(key, str(item.number)),
                "url": settings.address + item.path,
                "title": item.title,
                "content_html": item.html,
                "date_published": item.published.isoformat(),
                "date_modified": item.changed.isoformat(),
                "authors": [{"name": item.author}],
                "tags": list(item.tags),
            }
            for item in items
        ],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def latest(items: Sequence[Item]) -> datetime:
    """When a feed last changed."""
    return max((item.changed for item in items), default=datetime.fromisoformat("1970-01-01T00:00:00+00:00"))
