"""What the site's files are called. Pure; all names are lower-case ASCII, so that any disk can hold them.

Links between pages are relative, so the site works under any address and without one. A folder holds no more posts than
a memory stick's old file systems bear.
"""

import hashlib
import re

__all__ = ["ARCHIVE", "AUTHORS", "FRONT", "PROOF", "SEARCH", "TAGS", "author", "block", "month", "post", "root", "tag"]

FRONT = "index.html"
ARCHIVE = "archive/index.html"
AUTHORS = "author/index.html"
TAGS = "tag/index.html"
SEARCH = "search/index.html"
PROOF = "proof/index.html"

BLOCK = 500
"""Posts whose pages share a folder."""
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
    """The page of a tag."""
    return f"tag/{plain(name)}{going_on(page)}"


def month(when: tuple[int, int], page: int = 0) -> str:
    """The page of a month."""
    return f"archive/{when[0]:04d}-{when[1]:02d}{going_on(page)}"


def going_on(page: int) -> str:
    """How a name ends: a point keeps the number apart from any name. 0: the page with the latest."""
    return f".{page}.html" if page else ".html"


def plain(name: str) -> str:
    """A name in letters that any disk can hold: itself, or what stands for it."""
    if PLAIN.fullmatch(name) and not RESERVED.fullmatch(name):
        return name
    return f"x-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"


def root(path: str) -> str:
    """What leads from a page to the front page's folder."""
    return "../" * path.count("/")
