"""The site's own words: one file for each language, loaded once."""

from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from types import MappingProxyType

import msgspec

from angarium.channel.dates import Calendars
from angarium.channel.settings import LANGUAGES as CODES

__all__ = ["LANGUAGES", "Language"]


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One language's words, and how it writes days. `{name}` in a text is a place that `say` fills."""

    name: str
    direction: str
    digits: str
    solar_first: bool
    months: tuple[str, ...]
    solar_months: tuple[str, ...]
    words: dict[str, str]
    code: str = ""

    def say(self, key: str, /, **places: str | int) -> str:
        """A text, with its places filled. Numbers are written in the language's digits."""
        if not places:
            return self.words[key]
        filled = {
            name: self.calendars.number(value) if isinstance(value, int) else value for name, value in places.items()
        }
        return self.words[key].format(**filled)

    @cached_property
    def calendars(self) -> Calendars:
        """Days in this language."""
        return Calendars(self.months, self.solar_months, self.solar_first, self.digits)

    def size(self, octets: int) -> str:
        """How large something is, about."""
        unit = "kilobytes" if octets < 1_000_000 else "megabytes"
        value = max(octets / (1_000 if unit == "kilobytes" else 1_000_000), 1)
        return self.say(unit, size=self.calendars.number(f"{value:.0f}" if value >= 10 else f"{value:.1f}"))


def _load(code: str) -> Language:
    text = files("angarium.channel.site").joinpath("languages", f"{code}.toml").read_text(encoding="utf-8")
    return msgspec.structs.replace(msgspec.toml.decode(text, type=Language), code=code)


LANGUAGES: Mapping[str, Language] = MappingProxyType({code: _load(code) for code in CODES})
