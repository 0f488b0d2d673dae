"""What the desk says in the group, and the form on its pages, in the channel's language."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

__all__ = ["Speech", "speech"]


class Speech(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One language's words; `{name}` in a text is a place to be filled."""

    direction: str
    desk: Mapping[str, str]
    form: Mapping[str, str]

    def say(self, key: str, **places: object) -> str:
        """What the desk says."""
        said = self.desk[key]
        for name, value in places.items():
            said = said.replace(f"{{{name}}}", str(value))
        return said


@cache
def speech(language: str) -> Speech:
    """The words of a language."""
    path = files(__package__) / "languages" / f"{language}.toml"
    return msgspec.toml.decode(path.read_text(encoding="utf-8"), type=Speech)
