"""A theme: a folder of templates, the site's own, or a newsroom's that replaces some of them.

`*.html` are jinja2 templates of pages, `style.css` is the style, and what lies in `static/` is copied as it is. What a
theme does not have is taken from the site's own. Templates see values and make text; they open no files, since those of
a newsroom run in a sandbox. Our own alone need none, and are drawn faster.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from angarium.channel.site.ledger import mark
from angarium.channel.site.text import visible

__all__ = ["BadTheme", "Theme"]

OWN = Path(str(files("angarium.channel.site").joinpath("theme")))
NAME = re.compile(r"[a-z0-9_-][a-z0-9._-]*[a-z0-9]")
LOOSE = ("style.css", "search.js")
"""Files that pages name, beside those in `static/`."""


class BadTheme(Exception):
    """The theme cannot be used; the text says which file of it, and why."""


class Theme:
    """The templates in use.

    Raises:
        BadTheme: there is no such folder.
    """

    def __init__(self, folder: Path | None, values: Mapping[str, object]) -> None:
        """`values` are seen by every template."""
        folders = [OWN]
        if folder is not None:
            if not folder.is_dir():
                raise BadTheme(f"there is no theme {folder}")
            folders.insert(0, folder)
        self._folders = folders
        environment = Environment if folder is None else ImmutableSandboxedEnvironment
        self._jinja = environment(
            loader=ChoiceLoader([FileSystemLoader(each) for each in folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._jinja.globals.update(values)

    def mark(self) -> bytes:
        """A mark of all templates: pages are made again when one has changed."""
        return mark(*((file.name, file.read_bytes()) for each in self._folders for file in sorted(each.glob("*.html"))))

    def draw(self, template: str, **values: object) -> bytes:
        """A page. Raises BadTheme."""
        try:
            page: str = self._jinja.get_template(f"{template}.html").render(**values)
        except TemplateError as error:
            where = f", line {error.lineno}" if hasattr(error, "lineno") else ""
            raise BadTheme(f"{template}.html{where}: {error.message}") from None
        return visible(page).encode()

    def piece(self, template: str, **values: object) -> Markup:
        """A piece of a page, to be put into others. Raises BadTheme."""
        return Markup(self.draw(template, **values).decode())  # noqa: S704 (escaped by the template)

    def loose(self) -> Mapping[str, Path]:
        """What pages name besides: by its place in the site, the file it is copied from. Raises BadTheme."""
        found = {name: next(each / name for each in self._folders if (each / name).is_file()) for name in LOOSE}
        for folder in reversed(self._folders):
            for file in sorted((folder / "static").glob("*")):
                if not NAME.fullmatch(file.name) or not file.is_file() or file.is_symlink():
                    raise BadTheme(f"{file}: files of a theme are called by small letters, digits, points and hyphens")
                found[f"static/{file.name}"] = file
        return found
