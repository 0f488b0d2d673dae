"""`channel.toml`: what a newsroom says about its channel. Written once, at `init`, and edited by hand afterwards."""

import json
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from angarium.channel.dates import zone
from angarium.reach.files import write_whole

__all__ = ["BadSettings", "Settings", "address"]

LANGUAGES = ("en", "fa", "ar", "ru")
"""Those the site has words for. Posts may be in any."""
Line = Annotated[str, Meta(max_length=200, pattern=r"^[^\r\n]*$")]


class BadSettings(Exception):
    """The settings cannot be used; the text says which and why."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One channel's settings.

    Raises:
        ValueError: one of them is none that can be used.
    """

    title: Annotated[Line, Meta(min_length=1)]
    language: str = "en"
    description: Annotated[str, Meta(max_length=2000)] = ""
    address: str = ""
    mirrors: tuple[str, ...] = ()
    zone: str = "UTC"
    comments: bool = False
    approvals: Annotated[int, Meta(ge=1, le=100)] = 1
    own_approval: bool = False
    theme: str = ""

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ValueError(f"language is one of {', '.join(LANGUAGES)}")
        for each in (self.address, *self.mirrors):
            if each and address(each) != each:
                raise ValueError(f"{each} is no address of a site: https://… or http://….onion/, with / at its end")
        if self.comments and not self.address:
            raise ValueError("comments need an address, since mirrors cannot take them")
        zone(self.zone)

    @classmethod
    def load(cls, path: Path) -> "Settings":
        """Read them.

        Raises:
            BadSettings: they are missing, or cannot be used.
        """
        try:
            return msgspec.toml.decode(path.read_text("utf-8"), type=cls)
        except FileNotFoundError:
            raise BadSettings(f"there is no {path}. It is made by: angarium channel init") from None
        except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
            raise BadSettings(f"{path}: {error}") from None

    def save(self, path: Path) -> None:
        """Write them with what each means. What was written by hand into the file is lost. Raises OSError."""
        write_whole(path, self.text().encode())

    def text(self) -> str:
        """The file."""
        return "\n".join(f"# {why}\n{name} = {toml(getattr(self, name))}\n" for name, why in MEANINGS.items())


MEANINGS = {
    "title": "What the channel is called.",
    "language": f"The language of the site's own words: {', '.join(LANGUAGES)}. Posts may be in any.",
    "description": "What it is about, in a sentence or two.",
    "address": "Where the site is read, such as https://news.example.org/, if it has an address of its own.",
    "mirrors": "Where else it is read: addresses of copies, which are listed on the site and in its manifest.",
    "zone": "The newsroom's time zone, which times of posts are shown in, such as Asia/Tehran.",
    "comments": "Whether a form stands under posts. What is sent there is shown once an editor lets it.",
    "approvals": "How many of the editors' group have to approve before something is published, changed or withdrawn.",
    "own_approval": "Whether who wrote it may be one of them. For a newsroom of one: true.",
    "theme": "A folder of templates that replace the site's own, one by one; empty: none.",
}


def toml(value: str | bool | int | tuple[str, ...]) -> str:
    """A value as TOML, whose strings are JSON's but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def address(target: str) -> str:
    """The address of a site, made to end in a slash: https, or http to an onion. The empty string if it is none."""
    try:
        parts = urlsplit(target)
        host = parts.hostname or ""
        fit = parts.port is None or parts.port > 0
    except ValueError:
        return ""
    clean = fit and not parts.query and not parts.fragment and "@" not in parts.netloc and target.isprintable()
    if not clean or not host or any(sign in target for sign in ' "<>\\'):
        return ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host.endswith(".onion")):
        return ""
    return target if target.endswith("/") else f"{target}/"
