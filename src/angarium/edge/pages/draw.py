"""Pages from templates: HTML that carries its own style and picture and asks for nothing else.

The QR code is a PNG in the page itself: Tor Browser at its safest level shows no SVG, and a phone can keep a picture.
The only style is the one in `templates/style.css`, allowed by its hash (CSP level 2), so nothing injected could load
or run even if escaping failed.
"""

import base64
import hashlib
from importlib.resources import files
from typing import Final

import segno
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from angarium.edge.pages.exchange import Request, Response
from angarium.edge.pages.language import LANGUAGES, chosen

__all__ = ["CONTENT_SECURITY_POLICY", "TOR", "draw", "qr", "xml"]

SCALE = 8
"""Pixels of a module: enough to be printed, small enough to be sent (about 2 kB)."""
QUIET_ZONE = 4
"""Modules around the code (ISO/IEC 18004, 6.3.8)."""
DARK: Final = "#10151c"
TOR: Final = "socks5://127.0.0.1:9050"
"""Where Tor listens on a phone (Orbot, and Tor itself), as a link that makes it the app's proxy."""

STYLE = files(__package__).joinpath("templates", "style.css").read_text(encoding="utf-8").strip()
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def qr(link: str) -> str:
    """The link as a QR code: a PNG in a data URI (RFC 2397)."""
    code = segno.make(link, error="l", micro=False)
    return code.png_data_uri(scale=SCALE, border=QUIET_ZONE, dark=DARK, light="#fff")


_TEMPLATES = Environment(
    loader=PackageLoader(__package__ or __name__, "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TEMPLATES.globals.update(
    style=STYLE,
    languages=tuple(LANGUAGES.values()),
    qr=qr,
    tor=TOR,
    app_site=Markup('<a href="https://get.delta.chat/" rel="noreferrer" dir="ltr">get.delta.chat</a>'),
)


def draw(template: str, request: Request, *, status: int = 200, **values: object) -> Response:
    """A page in the language of whoever asks."""
    language = chosen(request)
    asked = request.parameter("lang") == language.code
    page = _TEMPLATES.get_template(f"{template}.html").render(
        language=language, say=language.say, base=request.base, keep=f"?lang={language.code}" if asked else "", **values
    )
    headers = (("Content-Language", language.code), ("Vary", "Accept-Language"))
    return Response(status, page.encode(), "text/html; charset=utf-8", headers)


def xml(template: str, **values: object) -> bytes:
    """A document for machines."""
    return _TEMPLATES.get_template(template).render(**values).encode()
