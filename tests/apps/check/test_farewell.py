"""Deleting accounts by a page that may be there or not."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs

import pytest
import trustme

from angarium.apps.check.farewell import leave
from angarium.apps.check.links import Site
from angarium.lab.core import Core, CoreEnded
from angarium.lab.profile import Profile

FORM = b'<form method="post"><input name="name"><input name="password" type="password"></form>'
Forms = list[dict[str, list[str]]]


class Pages(BaseHTTPRequestHandler):
    """A web site with one page, that refuses the account of "stranger"."""

    protocol_version = "HTTP/1.1"
    page: tuple[int, bytes]
    forms: Forms

    def do_GET(self) -> None:
        self._answer(*self.page)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.forms.append({"path": [self.path], **form})
        self._answer(403 if form["name"] == ["stranger@x"] else 200, b"done")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def serving(page: tuple[int, bytes]) -> Iterator[tuple[Site, Forms]]:
    forms: Forms = []
    handler = type("OnePage", (Pages,), {"page": page, "forms": forms})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Site("127.0.0.1", f"https://127.0.0.1:{server.server_port}/", verified=False), forms
        finally:
            server.shutdown()
            thread.join()


class OfflineCore:
    """As much of a core as leaving needs."""

    def __init__(self) -> None:
        self.called: list[str] = []

    async def call(self, method: str, *params: object) -> None:
        self.called.append(method)
        raise CoreEnded


def people(*names: str) -> list[Profile]:
    core = cast("Core", OfflineCore())
    return [Profile(core, number, f"{name}@x", f"secret of {name}&") for number, name in enumerate(names)]


async def test_every_account_is_deleted_where_there_is_a_page() -> None:
    with serving((200, FORM)) as (site, forms):
        assert await leave(cast("Core", OfflineCore()), people("ada", "ben"), site) == 2
    assert forms == [
        {"path": ["/delete"], "name": [f"{name}@x"], "password": [f"secret of {name}&"], "sure": ["yes"]}
        for name in ("ada", "ben")
    ]


async def test_an_account_that_is_refused_does_not_count() -> None:
    with serving((200, FORM)) as (site, forms):
        assert await leave(cast("Core", OfflineCore()), people("ada", "stranger", "ben"), site) == 2
    assert len(forms) == 3


@pytest.mark.parametrize("page", [(404, FORM), (200, b"<form>some other form</form>")], ids=["none", "another"])
async def test_no_password_is_sent_to_a_page_that_does_not_ask_for_one(page: tuple[int, bytes]) -> None:
    with serving(page) as (site, forms):
        assert await leave(cast("Core", OfflineCore()), people("ada"), site) == 0
    assert forms == []


async def test_no_password_is_sent_where_the_certificate_should_be_right_and_is_not() -> None:
    with serving((200, FORM)) as (site, forms):
        assert await leave(cast("Core", OfflineCore()), people("ada"), Site(site.name, site.page, verified=True)) == 0
    assert forms == []


async def test_a_relay_without_pages_is_no_failure(unused_tcp_port_factory: Callable[[], int]) -> None:
    site = Site("127.0.0.1", f"https://127.0.0.1:{unused_tcp_port_factory()}/", verified=False)
    assert await leave(cast("Core", OfflineCore()), people("ada"), site) == 0


async def test_everybody_goes_offline_first() -> None:
    core = OfflineCore()
    with serving((404, b"")) as (site, _):
        await leave(cast("Core", core), people("ada"), site)
    assert core.called == ["stop_io_for_all_accounts"]
