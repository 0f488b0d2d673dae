"""The other ways in, as a page shows them: in order, each with its code, all of them for one account."""

import html
import re
from typing import Any

import pytest

from angarium.edge.pages.exchange import Request
from angarium.edge.pages.language import LANGUAGES
from angarium.edge.pages.people import TOR
from angarium.edge.pages.router import pages
from angarium.mail.invitation import Login, Way, parse

ENGLISH = LANGUAGES["en"].words
ONION = f"{'a' * 56}.onion"


def more(*, verified: bool) -> list[Way]:
    return [
        Way("203.0.113.5", 443, "ssl", 443, "ssl", 443, verified=False, kind="front"),
        Way("192.0.2.7", 10443, "ssl", 10443, "ssl", 10443, verified, kind="port"),
        Way(ONION, 993, "ssl", 465, "ssl", 443, verified=False, kind="onion"),
    ]


async def shown(http_relay: Any, query: str = "") -> str:
    response = await pages(http_relay.site())(Request("GET", "/", query))
    assert response.status == 200
    return str(response.body.decode())


def links(page: str) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'class="button" href="([^"]+)"', page)]


async def test_one_code_for_each_and_one_account_for_all(http_relay: Any) -> None:
    http_relay.bare()
    http_relay.more = more(verified=False)
    page = await shown(http_relay)
    read = [parse(link) for link in links(page)]
    assert [one.imap.host for one in read if isinstance(one, Login)] == ["192.0.2.7", "203.0.113.5", "192.0.2.7", ONION]
    assert len({(one.address, one.password) for one in read if isinstance(one, Login)}) == 1
    assert page.count("<details>") == 3
    assert page.count('src="data:image/png') == 5  # and the one that makes Tor the proxy
    assert page.count(TOR) == 1
    places = [page.index(host) for host in ("203.0.113.5", "10443", ONION)]
    assert places == sorted(places)


@pytest.mark.parametrize("verified", [True, False])
async def test_where_the_certificate_is_not_checked_though_the_relay_has_one_the_price_is_said(
    http_relay: Any, *, verified: bool
) -> None:
    if not verified:
        http_relay.bare()
    http_relay.more = more(verified=verified)
    page = await shown(http_relay)
    front = page[page.index("<details>") : page.index("</details>")]
    assert (ENGLISH["sees_unverified"][:40] in front) == verified
    assert page.count(ENGLISH["sees_unverified"][:40]) == 1  # once: the onion address is its own proof


async def test_a_relay_with_one_way_says_nothing_of_others(http_relay: Any) -> None:
    page = await shown(http_relay)
    assert "<details" not in page
    assert ENGLISH["ways"] not in page


@pytest.mark.parametrize("code", LANGUAGES)
async def test_in_every_language(http_relay: Any, code: str) -> None:
    http_relay.more = more(verified=True)
    page = await shown(http_relay, f"lang={code}")
    assert f'dir="{LANGUAGES[code].direction}"' in page
    assert html.escape(LANGUAGES[code].words["ways"]) in page
    assert '<bdi dir="ltr">203.0.113.5</bdi>' in page
