"""Which handler answers which path. Two tables: the pages over TLS, and the few things that plain HTTP may do."""

import re
from collections.abc import Mapping

from angarium.edge.pages.exchange import Handler, NotHere, Request, Response, plain
from angarium.edge.pages.machines import CHALLENGES, Machines
from angarium.edge.pages.people import DeletePage, InvitationPage, LostPage, PasswordPage
from angarium.edge.pages.site import HttpSite
from angarium.edge.pages.ways import WaysPage

__all__ = ["Router", "pages", "plain_pages"]

HOST = re.compile(r"(?P<name>[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?")


class Router:
    """Answers with the handler of a path and a method; a path that ends in `/*` stands for all one level below, and one
    that ends in `/*/*` for all two levels below.

    Who can GET can HEAD; what else is refused with 405 and the methods there are (RFC 9110, 15.5.6).
    """

    def __init__(self, routes: Mapping[str, Mapping[str, Handler]], otherwise: Handler) -> None:
        self._routes = {path: _with_head(methods) for path, methods in routes.items()}
        self._otherwise = otherwise

    async def __call__(self, request: Request) -> Response:
        above, _, _ = request.path.rpartition("/")
        top, _, _ = above.rpartition("/")
        spellings = (request.path, f"{above}/*", f"{top}/*/*")
        methods = next((self._routes[each] for each in spellings if each in self._routes), None)
        if methods is None:
            return await self._otherwise(request)
        if handler := methods.get(request.method):
            try:
                return await handler(request)
            except NotHere:
                return await self._otherwise(request)
        allowed = ", ".join(sorted(methods))
        return plain(405, f"This address answers only {allowed}.", ("Allow", allowed))


def pages(site: HttpSite) -> Handler:
    """All that the relay answers over TLS."""
    invitation, delete, password = InvitationPage(site), DeletePage(site), PasswordPage(site)
    ways, machines = WaysPage(site), Machines(site)
    return Router(
        {
            "/": {"GET": invitation.front},
            "/invite/*": {"GET": invitation.personal},
            "/delete": {"GET": delete.form, "POST": delete.submitted},
            "/password": {"GET": password.form, "POST": password.submitted},
            "/ways": {"GET": ways.form, "POST": ways.submitted},
            "/ways/*": {"GET": ways.form, "POST": ways.submitted},
            "/new": {"POST": machines.new},
            "/.well-known/autoconfig/mail/config-v1.1.xml": {"GET": machines.autoconfig},
            "/generate_204": {"GET": machines.no_content},
            **{path: {"POST": inlet.handler} for path, inlet in site.inlets.items()},
            **site.routes,
        },
        otherwise=LostPage(site),
    )


def plain_pages(site: HttpSite) -> Handler:
    """All that the relay answers without TLS: proofs for ACME, and the way to the pages."""

    async def elsewhere(request: Request) -> Response:
        return _redirect(site, request)

    return Router({f"{CHALLENGES}*": {"GET": Machines(site).challenge}}, otherwise=elsewhere)


def _redirect(site: HttpSite, request: Request) -> Response:
    port = site.https_port()
    if port is None:
        return plain(404, "This relay has no pages.")
    found = HOST.fullmatch(request.headers.get("host", ""))
    host = found["name"] if found else _bracketed(site.domain())
    query = f"?{request.query}" if request.query else ""
    # 308: an app that POSTs to /new by a plain address posts again
    target = f"https://{host}{'' if port == 443 else f':{port}'}{request.path}{query}"
    return plain(308, "Over TLS, please.", ("Location", target))


def _bracketed(domain: str) -> str:
    return f"[{domain}]" if ":" in domain and not domain.startswith("[") else domain


def _with_head(methods: Mapping[str, Handler]) -> dict[str, Handler]:
    return {"HEAD": methods["GET"], **methods} if "GET" in methods else dict(methods)
