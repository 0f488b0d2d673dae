"""What the site's files are called. Pure; all names are lower-case ASCII, so that any disk can hold them.

Links between pages are relative, so the site works under any address and without one. No folder grows with the channel
beyond what the old file systems of memory sticks bear, and what the list of its files may hold: pages of posts and of
lists are filed by number, tags by a hash of their name.
"""

import hashlib
import re

__all__ = [
    *("ARCHIVE", "AUTHORS", "FRONT", "PROOF", "SEARCH", "TAGS"),
    *("author", "block", "month", "period", "post", "root", "tag"),
]

FRONT = "index.html"
ARCHIVE = "archive/index.html"
AUTHORS = "author/index.html"
TAGS = "tag/index.html"
SEARCH = "search/index.html"
PROOF = "proof/index.html"

BLOCK = 500
"""Posts whose pages share a folder; and pages of a list."""
PLAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
RESERVED = re.compile(r"x-.*|index|con|prn|aux|nul|com\d|lpt\d")
"""Names that are ours, or that some systems keep for themselves."""


def block(number: int) -> int:
    """Which folder a post's page is in."""
    return number // BLOCK


def post(number: int) -> str:
    """The page of a post."""
    return f"post/{block(number)}/{number}.html"


def author(slug: str, page: int = 0) -> str:
    """The page of an author, or one that goes on from it."""
    return f"author/{plain(slug)}{going_on(page)}"


def tag(name: str, page: int = 0) -> str:
    """The page of a tag, of which there may be as many as posts."""
    return f"tag/{hashed(name)[:2]}/{plain(name)}{going_on(page)}"


def month(when: tuple[int, int], page: int = 0) -> str:
    """The page of a month."""
    return f"archive/{when[0]:04d}-{when[1]:02d}{going_on(page)}"


def going_on(page: int) -> str:
    """How a name goes on. 0: the page with the latest."""
    return f"/{block(page)}/{page}.html" if page else ".html"


def period(number: int) -> str:
    """The page of the words of a period."""
    return f"search/{number}/index.html"


def plain(name: str) -> str:
    """A name in letters that any disk can hold: itself, or what stands for it."""
    if PLAIN.fullmatch(name) and not RESERVED.fullmatch(name):
        return name
    return f"x-{hashed(name)[:20]}"


def hashed(name: str) -> str:
    """What stands for a name, in hexadecimal."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def root(path: str) -> str:
    """What leads from a page to the front page's folder."""
    return "../" * path.count("/")
