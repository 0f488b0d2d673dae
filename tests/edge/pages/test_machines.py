"""What programs are told: accounts as JSON, autoconfig as XML, proofs as bytes."""

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from angarium.edge.pages.exchange import Request
from angarium.edge.pages.router import pages, plain_pages
from angarium.mail.invitation import Way

AUTOCONFIG = "/.well-known/autoconfig/mail/config-v1.1.xml"


async def test_an_open_relay_makes_an_account(http_relay: Any) -> None:
    response = await pages(http_relay.site())(Request("POST", "/new"))
    made = json.loads(response.body)
    name, _, domain = made["email"].partition("@")
    assert (response.status, response.content_type, domain) == (200, "application/json", "relay.example")
    assert made.keys() == {"email", "password"}
    assert (await http_relay.store.accounts.login(name, made["password"], day=20_000)).name == name


@pytest.mark.parametrize(
    ("registration", "query"), [("invite", ""), ("invite", "t=none"), ("closed", ""), ("closed", "t=tok")]
)
async def test_a_refusal_has_a_reason(http_relay: Any, registration: str, query: str) -> None:
    http_relay.registration = registration
    await http_relay.store.invitations.add("tok", uses=1, expires_day=20_000)
    response = await pages(http_relay.site())(Request("POST", "/new", query))
    assert response.status == 403
    (reason,) = json.loads(response.body).values()
    assert "reason" in json.loads(response.body)
    assert len(reason) > 10
    assert await http_relay.store.accounts.count() == 0


async def test_a_token_is_good_for_as_many_as_it_says(http_relay: Any) -> None:
    http_relay.registration = "invite"
    await http_relay.store.invitations.add("tok", uses=2, expires_day=20_000)
    handler = pages(http_relay.site())
    assert [(await handler(Request("POST", "/new", "t=tok"))).status for _ in range(3)] == [200, 200, 403]
    assert await http_relay.store.accounts.count() == 2


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_only_post_makes_an_account(http_relay: Any, method: str) -> None:
    response = await pages(http_relay.site())(Request(method, "/new"))
    assert response.status == 405
    assert ("Allow", "POST") in response.headers
    assert await http_relay.store.accounts.count() == 0


async def test_autoconfig_lists_every_way_once(http_relay: Any) -> None:
    http_relay.ways = [
        Way("relay.example", 993, "ssl", 465, "ssl", 443, True),
        Way("relay.example", 143, "starttls", 587, "starttls", 443, True),
        Way("relay.example", 443, "ssl", 443, "ssl", 443, True),
        Way("192.0.2.7", 993, "ssl", 443, "ssl", 443, True),
        Way("relay.example", 993, "ssl", 465, "ssl", 443, True),
    ]
    response = await pages(http_relay.site())(Request("GET", AUTOCONFIG, "emailaddress=a%40relay.example"))
    assert response.content_type == "text/xml; charset=utf-8"
    root = ET.fromstring(response.body)
    provider = root.find("emailProvider")
    assert (root.tag, root.attrib) == ("clientConfig", {"version": "1.1"})
    assert provider is not None
    assert provider.attrib == {"id": "relay.example"}
    assert provider.findtext("domain") == "relay.example"

    def servers(tag: str, kind: str) -> list[tuple[str | None, ...]]:
        found = provider.findall(tag)
        assert {server.get("type") for server in found} == {kind}
        assert {server.findtext("username") for server in found} == {"%EMAILADDRESS%"}
        assert {server.findtext("authentication") for server in found} == {"password-cleartext"}
        return [tuple(server.findtext(name) for name in ("hostname", "port", "socketType")) for server in found]

    assert servers("incomingServer", "imap") == [
        ("relay.example", "993", "SSL"),
        ("relay.example", "143", "STARTTLS"),
        ("relay.example", "443", "SSL"),
        ("192.0.2.7", "993", "SSL"),
    ]
    assert servers("outgoingServer", "smtp") == [
        ("relay.example", "465", "SSL"),
        ("relay.example", "587", "STARTTLS"),
        ("relay.example", "443", "SSL"),
        ("192.0.2.7", "443", "SSL"),
    ]


async def test_autoconfig_is_well_formed_whatever_the_relay_is_called(http_relay: Any) -> None:
    http_relay.domain = "a&b<c>\"d'"
    response = await pages(http_relay.site())(Request("GET", AUTOCONFIG))
    assert ET.fromstring(response.body).findtext("emailProvider/domain") == "a&b<c>\"d'"


async def test_no_captive_portal(http_relay: Any) -> None:
    response = await pages(http_relay.site())(Request("GET", "/generate_204"))
    assert (response.status, response.body) == (204, b"")


async def test_a_challenge_is_answered_without_tls(http_relay: Any) -> None:
    http_relay.challenges["tok-1"] = "tok-1.thumb"
    handler = plain_pages(http_relay.site())
    response = await handler(Request("GET", "/.well-known/acme-challenge/tok-1"))
    assert (response.status, response.body) == (200, b"tok-1.thumb")
    assert (await handler(Request("GET", "/.well-known/acme-challenge/other"))).status == 404
    assert (await handler(Request("POST", "/.well-known/acme-challenge/tok-1"))).status == 405


@pytest.mark.parametrize(
    ("port", "host", "expected"),
    [
        (443, "relay.example", "https://relay.example/delete?lang=fa"),
        (443, "relay.example:80", "https://relay.example/delete?lang=fa"),
        (10443, "192.168.1.5:10080", "https://192.168.1.5:10443/delete?lang=fa"),
        (10443, "[2001:db8::1]:80", "https://[2001:db8::1]:10443/delete?lang=fa"),
        (443, "", "https://relay.example/delete?lang=fa"),
        (443, "evil.example/path?", "https://relay.example/delete?lang=fa"),
        (443, "user@evil.example", "https://relay.example/delete?lang=fa"),
        (443, "a b", "https://relay.example/delete?lang=fa"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_everything_else_is_sent_to_tls(
    http_relay: Any, method: str, port: int, host: str, expected: str
) -> None:
    http_relay.https_port = port
    handler = plain_pages(http_relay.site())
    response = await handler(Request(method, "/delete", "lang=fa", {"host": host}))
    assert response.status == 308
    assert ("Location", expected) in response.headers


async def test_a_bare_ipv6_relay_redirects_to_its_bracketed_address(http_relay: Any) -> None:
    http_relay.domain = "2001:db8::1"
    response = await plain_pages(http_relay.site())(Request("GET", "/"))
    assert ("Location", "https://[2001:db8::1]/") in response.headers


async def test_without_tls_there_is_nowhere_to_go(http_relay: Any) -> None:
    http_relay.https_port = None
    assert (await plain_pages(http_relay.site())(Request("GET", "/"))).status == 404
