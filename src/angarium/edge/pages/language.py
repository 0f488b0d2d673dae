"""The languages of the pages: one file of words for each, loaded once; and which one a person is shown.

`?lang=fa` counts first, then what the browser asks for (Accept-Language, RFC 9110, 12.5.4), then English.
"""

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

import msgspec
from markupsafe import Markup, escape
from msgspec import Struct

from angarium.edge.pages.exchange import Request

__all__ = ["DEFAULT", "LANGUAGES", "Language", "chosen", "preferred"]

DEFAULT = "en"
CODES = ("en", "fa", "ar", "ru")
APP, UNBROKEN_APP = "Delta Chat", "Delta\N{NO-BREAK SPACE}Chat"
RANGES = 32
"""Language ranges looked at; a browser sends a handful."""


class Language(Struct, frozen=True, forbid_unknown_fields=True):
    """One language's words. `{name}` in a text is a place that `say` fills."""

    name: str
    direction: str
    words: dict[str, str]
    code: str = ""

    def say(self, key: str, /, **places: str | Markup) -> Markup:
        """A text as HTML. Text put into its places is isolated from the direction around it (addresses, hosts)."""
        isolated = {name: _isolated(value) for name, value in places.items()}
        return escape(self.words[key].replace(APP, UNBROKEN_APP)).format(**isolated)


def preferred(accept: str) -> str | None:
    """The language of ours that an Accept-Language header likes best; None where it names none of them."""
    best, weight = None, 0.0
    for part in accept.split(",")[:RANGES]:
        tag, _, parameter = part.partition(";")
        code = tag.strip().lower().partition("-")[0]
        if code in LANGUAGES and (quality := _quality(parameter.strip())) > weight:
            best, weight = code, quality
    return best


def chosen(request: Request) -> Language:
    """The language to answer in."""
    asked = request.parameter("lang")
    code = asked if asked in LANGUAGES else preferred(request.headers.get("accept-language", ""))
    return LANGUAGES[code or DEFAULT]


def _quality(parameter: str) -> float:
    if not parameter:
        return 1.0
    name, _, value = parameter.partition("=")
    whole, dot, fraction = value.partition(".")
    if name.strip() != "q" or whole not in {"0", "1"} or (dot and not (fraction.isascii() and fraction.isdigit())):
        return 0.0
    return min(float(value.rstrip(".")), 1.0)


def _isolated(value: str | Markup) -> Markup:
    return value if isinstance(value, Markup) else Markup('<bdi dir="ltr">{}</bdi>').format(value)


def _load(code: str) -> Language:
    text = files(__package__).joinpath("languages", f"{code}.toml").read_text(encoding="utf-8")
    return msgspec.structs.replace(msgspec.toml.decode(text, type=Language), code=code)


LANGUAGES: Mapping[str, Language] = MappingProxyType({code: _load(code) for code in CODES})
