"""Pages for whose account it is: a form that asks for name and password, in the body and never in an address."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from angarium.edge.pages.exchange import BadForm, Request, Response, plain
from angarium.edge.pages.site import HttpSite
from angarium.mail.accounts import Refused

__all__ = ["OwnersPage"]


class OwnersPage(ABC):
    """What such a page shows and does; looking changes nothing."""

    wrong = "error"
    """How the names of the words begin that say why somebody was refused."""

    def __init__(self, site: HttpSite) -> None:
        self._site = site

    async def form(self, request: Request) -> Response:
        """Ask for name and password."""
        return self._form(request, 200)

    async def submitted(self, request: Request) -> Response:
        """Do what is asked for, where name and password are there; whether they are right shows in `_asked`."""
        try:
            fields = request.form()
        except BadForm:
            return plain(415, "Send a form (application/x-www-form-urlencoded).")
        name, password = fields.get("name", "").strip(), fields.get("password", "")
        if not name or not password:
            return self._form(request, 400, name=name, error="error_empty")
        return await self._asked(request, fields, name, password)

    def _refused(self, request: Request, name: str, refused: Refused) -> Response:
        """The form again, with the reason why the gate refused."""
        error = f"{self.wrong}_{'match' if 'authentication' in refused.text.lower() else 'other'}"
        return self._form(request, 503 if refused.temporary else 403, name=name, error=error, reason=refused.text)

    @abstractmethod
    async def _asked(self, request: Request, fields: Mapping[str, str], name: str, password: str) -> Response:
        """Do it."""

    @abstractmethod
    def _form(self, request: Request, status: int, name: str = "", error: str = "", reason: str = "") -> Response:
        """The form, with what was typed and what is wrong with it."""
