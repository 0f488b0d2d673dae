"""A request and a response as handlers see them: whole, plain, and without a connection.

Nothing about who asks is here: no IP address ever reaches a handler.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qsl

from angarium.edge.hold import Hold

__all__ = ["BadForm", "Handler", "Inlet", "NotHere", "Request", "Response", "plain"]

FIELDS = 20
"""Most fields of a query or a form; no page has that many."""


class BadForm(Exception):
    """The body of the request is not a form."""


class NotHere(Exception):
    """The answer is the one of an address where there is nothing, to the last octet."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request (RFC 9110). `headers` have lower-case names; of a name sent twice the first counts.

    `lines` are all of them, in order.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    lines: Sequence[tuple[str, str]] = ()
    base: str = ""
    """What the path began with, where the pages lie under something: links of pages begin with it too."""

    def every(self, name: str) -> list[str]:
        """The values of every header of that name, given in lower case."""
        return [value for each, value in self.lines if each == name]

    def parameter(self, name: str) -> str:
        """A field of the query; "" where it is not there."""
        return _fields(self.query).get(name, "")

    def form(self) -> dict[str, str]:
        """The fields of the body.

        Raises:
            BadForm: see there.
        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise BadForm
        return _fields(self.body.decode("ascii", "replace"))


@dataclass(frozen=True, slots=True)
class Response:
    """One response. What every response carries besides (safety, length, date) is added by `edge/http.py`."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Inlet:
    """A path that takes long bodies from strangers: its handler, how long they may be, and where they are counted."""

    handler: Handler
    octets: int
    hold: Hold
    admits: Callable[[str], bool] = lambda path: True
    """Whether there is anything at a path, where the inlet stands for many: what is not there takes no long body."""


def plain(status: int, text: str, *headers: tuple[str, str]) -> Response:
    """An answer in one plain sentence."""
    return Response(status, text.encode() + b"\n", headers=headers)


def _fields(text: str) -> dict[str, str]:
    try:
        return dict(reversed(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS)))
    except ValueError:  # too many fields
        return {}
