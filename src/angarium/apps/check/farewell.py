"""Deleting the accounts of a check from the relay again, where it has a page for that (ours has `/delete`).

The page is looked at before a name and a password are sent to it. On a relay without such a page the accounts stay
until it forgets them; that is said, and is no failure.
"""

import asyncio
import contextlib
import http.client
import ssl
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from angarium.apps.check.links import Site
from angarium.lab.core import Core, CoreEnded, CoreError
from angarium.lab.profile import Profile

__all__ = ["leave"]

PATIENCE = 10.0
"""Seconds to wait for the page at each step of a request."""
PAGE = 1 << 20
"""Most bytes read of a page."""
FIELDS = (b'name="name"', b'name="password"')
"""What the page must hold to be taken for one that deletes accounts."""


async def leave(core: Core, people: Sequence[Profile], relay: Site) -> int:
    """Take everybody offline and delete their accounts from the relay; return how many it deleted."""
    with contextlib.suppress(CoreError, CoreEnded):
        await core.call("stop_io_for_all_accounts")
    return await asyncio.to_thread(_delete, [(person.address, person.password) for person in people], relay)


def _delete(logins: Sequence[tuple[str, str]], relay: Site) -> int:
    deleted = 0
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(_connect(relay)) as connection:
        if not _offers(connection):
            return 0
        for address, password in logins:
            form = urlencode({"name": address, "password": password, "sure": "yes"})
            connection.request("POST", "/delete", form, {"Content-Type": "application/x-www-form-urlencoded"})
            answer = connection.getresponse()
            answer.read(PAGE)
            deleted += answer.status == 200
    return deleted


def _offers(connection: http.client.HTTPSConnection) -> bool:
    connection.request("GET", "/delete")
    answer = connection.getresponse()
    page = answer.read(PAGE)
    return answer.status == 200 and all(field in page for field in FIELDS)


def _connect(relay: Site) -> http.client.HTTPSConnection:
    context = ssl.create_default_context()
    if not relay.verified:  # as the invitation tells the app
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    page = urlsplit(relay.page)
    assert page.hostname
    return http.client.HTTPSConnection(page.hostname, page.port, timeout=PATIENCE, context=context)
