"""Boxes for relays that fetch their mail, over HTTP: what `mail.federation.box` says, and what it hears.

Anybody may leave a parcel in a box whose number they know; the rest is for who shows its token. A box that is not
there, a wrong token, and a page that is not there are answered alike.

    POST /box/BOX              200 held; 400 no parcel; 413 too large; 507 the box is full; 503 not now
    GET /box/BOX?after=&wait=  200 "after CURSOR", and a line for each parcel: its name (SHA-256 in hex) and octets
    GET /box/BOX/PARCEL        200; 206 where a rest is asked for (Range: bytes=N-); 416; 404
    DELETE /box/BOX/PARCEL     204, also where it is gone already

RFC 9110, 14 (ranges); RFC 6750, 2.1 (Bearer); RFC 4918, 11.5 (507).
"""

import base64
import re
from collections.abc import Mapping

from angarium.edge.hold import Hold
from angarium.edge.pages.exchange import Handler, Inlet, NotHere, Request, Response, plain
from angarium.mail.federation.holder import Holder, Left
from angarium.mail.settings import Messages
from angarium.store.interfaces import StoreError, StoreFull
from angarium.wire.parcel import size_class

__all__ = ["BOXES", "WAIT_SECONDS", "box_inlet", "box_routes", "known", "most"]

BOXES, PARCELS = "/box/*", "/box/*/*"
WAIT_SECONDS = 50.0
"""Longest that an answer waits for something to come."""
ENVELOPE = 1 << 20
"""More than the addresses of any envelope take."""

_PATH = re.compile(r"/box/([A-Za-z0-9_-]{22})(?:/([0-9a-f]{64}))?")
_RANGE = re.compile(r"bytes=([0-9]{1,10})-")
_TOKEN = re.compile(r"Bearer ([A-Za-z0-9_-]{43})")
_WAIT = re.compile(r"[0-9]{1,3}")


def box_inlet(holder: Holder, messages: Messages, hold: Hold) -> Inlet:
    """What takes parcels."""
    return Inlet(_Boxes(holder).leave, most(messages), hold, admits=lambda path: holder.there(_number(path)))


def box_routes(holder: Holder) -> Mapping[str, Mapping[str, Handler]]:
    """What gives them out."""
    boxes = _Boxes(holder)
    return {
        BOXES: {"POST": boxes.leave, "GET": boxes.listing},
        PARCELS: {"GET": boxes.parcel, "DELETE": boxes.remove},
    }


def known(holder: Holder, request: Request) -> bool:
    """Whether a request is from somebody who knows a box: to leave something there, or with what opens it."""
    number = _number(request.path)
    if request.method == "POST":
        return "/" not in request.path.removeprefix("/box/") and holder.there(number)
    return request.method in ("GET", "HEAD", "DELETE") and holder.opens(number, _token(request))


def most(messages: Messages) -> int:
    """Octets of the largest parcel that is held."""
    return size_class(messages.max_size + ENVELOPE)


class _Boxes:
    def __init__(self, holder: Holder) -> None:
        self._holder = holder

    async def leave(self, request: Request) -> Response:
        """Hold a parcel."""
        try:
            left = await self._holder.leave(_number(request.path), request.body)
        except StoreFull:
            return plain(507, "There is no room.")
        except StoreError:
            return plain(503, "Not now.")
        match left:
            case Left.HELD:
                return plain(200, "OK")
            case Left.FULL:
                return plain(507, "The box is full.")
            case Left.MALFORMED:
                return plain(400, "That is no parcel.")
            case Left.NONE:
                raise NotHere

    async def listing(self, request: Request) -> Response:
        """Say what waits."""
        number = self._opened(request)
        wait = request.parameter("wait")
        seconds = min(WAIT_SECONDS, float(wait)) if _WAIT.fullmatch(wait) else 0.0
        found = await self._holder.listing(number, request.parameter("after"), seconds)
        lines = [f"after {found.after}", *(f"{name.hex()} {octets}" for name, octets in found.parcels)]
        return plain(200, "\n".join(lines))

    async def parcel(self, request: Request) -> Response:
        """Give a parcel, or the rest of it."""
        number = self._opened(request)
        try:
            parcel = await self._holder.parcel(number, _name(request.path))
        except StoreError:
            return plain(503, "Not now.")
        if parcel is None:
            raise NotHere
        asked = _RANGE.fullmatch(request.headers.get("range", ""))
        if asked is None:
            return _octets(200, parcel, ("Accept-Ranges", "bytes"))
        begin, whole = int(asked[1]), len(parcel)
        if begin >= whole:
            return plain(416, "There is no more of it.", ("Content-Range", f"bytes */{whole}"))
        return _octets(206, parcel[begin:], ("Content-Range", f"bytes {begin}-{whole - 1}/{whole}"))

    async def remove(self, request: Request) -> Response:
        """Let go of a parcel that has arrived."""
        number = self._opened(request)
        try:
            await self._holder.remove(number, _name(request.path))
        except StoreError:
            return plain(503, "Not now.")
        return Response(204)

    def _opened(self, request: Request) -> bytes:
        """The number of the box, where the token is its own. Raises NotHere."""
        number = _number(request.path)
        if not self._holder.opens(number, _token(request)):
            raise NotHere
        return number


def _number(path: str) -> bytes:
    """The box of a path; empty where it is none."""
    found = _PATH.fullmatch(path)
    return base64.urlsafe_b64decode(found[1] + "==") if found else b""


def _token(request: Request) -> bytes:
    """What is shown to open a box; empty: nothing."""
    shown = _TOKEN.fullmatch(request.headers.get("authorization", ""))
    return base64.urlsafe_b64decode(shown[1] + "=") if shown else b""


def _name(path: str) -> bytes:
    """The parcel of a path. Raises NotHere."""
    found = _PATH.fullmatch(path)
    if found is None or found[2] is None:
        raise NotHere
    return bytes.fromhex(found[2])


def _octets(status: int, body: bytes, *headers: tuple[str, str]) -> Response:
    return Response(status, body, "application/octet-stream", headers)
