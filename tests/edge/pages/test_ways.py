"""The other ways in, as a page shows them: in order, each with its code, all of them for one account."""

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from angarium.edge.pages.draw import TOR
from angarium.edge.pages.exchange import Request
from angarium.edge.pages.language import LANGUAGES
from angarium.edge.pages.router import pages
from angarium.mail.invitation import Login, Way, parse
from angarium.store.interfaces import WrongPassword

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


PROXY = "https://someone123:a-secret-of-the-proxy@relay.example:443"
OTHERS = ["https://someone123:a-secret-of-the-proxy@spare.example:443", "ss://YWVz@relay.example:8388"]


async def test_the_proxy_comes_first_where_an_invitation_brings_one(http_relay: Any) -> None:
    http_relay.proxies = {None: [PROXY, *OTHERS]}
    page = await shown(http_relay)
    places = [
        page.index(what) for what in (ENGLISH["proxy_first"], PROXY, *OTHERS, ENGLISH["proxy_then"], "dcaccount:")
    ]
    assert places == sorted(places)
    assert "spare.example</bdi>" in page
    assert page.count('src="data:image/png') == 4
    assert f'href="{PROXY}' not in page  # which a browser would open


async def test_each_invitation_shows_its_own(http_relay: Any) -> None:
    http_relay.registration = "invite"
    await http_relay.store.invitations.add("one", uses=1, expires_day=20_000)
    await http_relay.store.invitations.add("two", uses=1, expires_day=20_000)
    http_relay.proxies = {"one": [PROXY]}
    handler = pages(http_relay.site())
    assert PROXY in (await handler(Request("GET", "/invite/one"))).body.decode()
    assert ENGLISH["proxy_first"] not in (await handler(Request("GET", "/invite/two"))).body.decode()


@pytest.mark.parametrize("path", ["/", "/invite/one"])
async def test_where_people_come_in_by_the_proxy_only_no_code_is_shown_that_leads_nowhere(
    http_relay: Any, path: str
) -> None:
    await http_relay.store.invitations.add("one", uses=1, expires_day=20_000)
    http_relay.by_proxy = True
    response = await pages(http_relay.site())(Request("GET", path))
    page = html.unescape(response.body.decode())
    assert response.status == 200
    assert ENGLISH["shut"] in page
    assert ENGLISH["shut_why"] in page
    assert "<img" not in page
    assert http_relay.links == []
    http_relay.proxies = {None: [PROXY], "one": [PROXY]}
    assert PROXY in (await pages(http_relay.site())(Request("GET", path))).body.decode()


async def test_an_invitation_that_is_used_up_still_shows_its_proxy_and_the_way_to_the_others(http_relay: Any) -> None:
    http_relay.registration = "invite"
    http_relay.proxies = {"used": [PROXY]}
    response = await pages(http_relay.site())(Request("GET", "/invite/used"))
    page = html.unescape(response.body.decode())
    assert response.status == 404
    assert ENGLISH["void"] in page
    assert ENGLISH["proxy_still"] in page
    assert PROXY in page
    assert 'href="/ways/used"' in page
    wrong = (await pages(http_relay.site())(Request("GET", "/invite/wrong.token"))).body.decode()
    assert 'href="/ways"' in wrong
    assert PROXY not in wrong


FORM = {"content-type": "application/x-www-form-urlencoded"}


async def ask(http_relay: Any, path: str = "/ways", query: str = "", **fields: str) -> tuple[int, str]:
    response = await pages(http_relay.site())(Request("POST", path, query, FORM, urlencode(fields).encode()))
    return response.status, html.unescape(response.body.decode())


async def test_who_has_an_account_is_shown_all_that_leads_to_it(http_relay: Any) -> None:
    await http_relay.store.accounts.create("nine.chars", "a password", day=20_000)
    http_relay.more, http_relay.personal = more(verified=True), [PROXY, *OTHERS]
    asked = (await pages(http_relay.site())(Request("GET", "/ways"))).body.decode()
    assert re.findall(r'<input id="(\w+)"', asked) == ["name", "password"]
    assert http_relay.persons == []
    status, page = await ask(http_relay, name="Nine.Chars", password="a password")
    assert status == 200
    assert http_relay.persons == ["nine.chars@relay.example"]
    read = [parse(link) for link in re.findall(r"dclogin:[^<\s\"]+", page)]
    assert [one.imap.host for one in read if isinstance(one, Login)] == [
        *("relay.example", "203.0.113.5", "192.0.2.7", ONION)
    ]
    assert {(one.address, one.password) for one in read if isinstance(one, Login)} == {
        ("nine.chars@relay.example", "a password")
    }
    places = [
        page.index(what) for what in (PROXY, *OTHERS, ENGLISH["servers"], "203.0.113.5", "10443", TOR, f"ih={ONION}")
    ]
    assert places == sorted(places)
    assert 'href="dclogin:' not in page  # from a browser the app would begin a second profile
    assert ENGLISH["have_secret"] in page
    front = page[page.index("203.0.113.5") : page.index("10443")]
    assert ENGLISH["sees_unverified"] in front
    assert ENGLISH["by_hand_unchecked"] in front


async def test_the_token_of_an_invitation_shows_what_that_one_shows(http_relay: Any) -> None:
    await http_relay.store.accounts.create("nine.chars", "a password", day=20_000)
    http_relay.more, http_relay.proxies = more(verified=True), {"north": [PROXY]}
    asked = (await pages(http_relay.site())(Request("GET", "/ways/north", "lang=fa"))).body.decode()
    assert 'action="/ways/north?lang=fa"' in asked
    _, page = await ask(http_relay, "/ways/north", name="nine.chars", password="a password")
    assert PROXY in page
    assert "ih=relay.example" not in page
    assert http_relay.persons == []


@pytest.mark.parametrize(
    ("name", "password", "status", "error"),
    [
        ("nine.chars", "another password", 403, "second_match"),
        ("nobody.here", "a password", 403, "second_match"),
        ("nine.chars@else.example", "a password", 403, "second_match"),
        ("", "a password", 400, "error_empty"),
        ("nine.chars", "", 400, "error_empty"),
    ],
)
async def test_a_stranger_is_shown_nothing_and_no_account_is_made(
    http_relay: Any, name: str, password: str, status: int, error: str
) -> None:
    await http_relay.store.accounts.create("nine.chars", "a password", day=20_000)
    http_relay.more, http_relay.personal = more(verified=True), [PROXY]
    told, page = await ask(http_relay, name=name, password=password)
    assert told == status
    assert ENGLISH[error] in page
    assert "<img" not in page
    assert "203.0.113.5" not in page
    assert password == "" or password not in page
    assert http_relay.persons == []
    assert await http_relay.store.accounts.count() == 1


async def test_the_second_password_empties_the_account_here_too(http_relay: Any) -> None:
    await http_relay.store.accounts.create("nine.chars", "a password", day=20_000)
    await http_relay.store.accounts.set_duress("nine.chars", "a password", "give me that", day=20_000)
    status, _ = await ask(http_relay, name="nine.chars", password="give me that")
    assert status == 200
    with pytest.raises(WrongPassword):
        await http_relay.store.accounts.login("nine.chars", "a password", day=20_000)


@pytest.mark.parametrize("code", LANGUAGES)
async def test_the_ways_to_an_account_in_every_language(http_relay: Any, code: str) -> None:
    await http_relay.store.accounts.create("nine.chars", "a password", day=20_000)
    http_relay.more, http_relay.personal = more(verified=True), [PROXY, *OTHERS]
    words = LANGUAGES[code].words
    _, page = await ask(http_relay, query=f"lang={code}", name="nine.chars", password="a password")
    for key in ("have", "proxy", "proxy_by_ss", "servers", "servers_how", "servers_not", "way_onion_first"):
        assert words[key].replace("Delta Chat", "Delta\N{NO-BREAK SPACE}Chat") in page, key
    if code != "en":
        english = LANGUAGES["en"].words
        assert not [key for key, text in english.items() if "{" not in text and text in page]
