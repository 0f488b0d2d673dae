"""The ways into a relay, as links that the app reads."""

import asyncio
import sys
from pathlib import Path

import pytest

from angarium.apps.config import parse as parse_config
from angarium.lab.censor.relay import (
    SCHEMES,
    SETTINGS,
    WAYS,
    NoSuchWay,
    Ready,
    Relay,
    RelayFailed,
    _another,
    opened,
)
from angarium.mail.invitation import Entrance, Login, parse

PRINTED = (
    "dclogin:abcdefghi@_relay.example?p=old&v=1&ih=_relay.example&ip=993&is=ssl&sh=_relay.example&sp=465&ss=ssl&ic=1"
)


PROXIED = [f"{scheme}://a:b@_relay.example:{port}" for scheme, port in (("https", 443), ("http", 80), ("socks5", 1080))]
PROXIED.append("ss://YTpi@_relay.example:8388")


def relay(*proxies: str) -> Relay:
    return Relay("_relay.example", "192.0.2.10", Ready(PRINTED, []), None, proxies)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("way", "host", "imap", "smtp", "security"),
    [
        ("invitation", "_relay.example", 993, 465, "ssl"),
        ("ip", "192.0.2.10", 993, 465, "ssl"),
        ("spare", "garden.example", 993, 465, "ssl"),
        ("443", "_relay.example", 443, 443, "ssl"),
        ("front", "garden.example", 443, 443, "ssl"),
        ("starttls", "_relay.example", 143, 587, "starttls"),
    ],
)
def test_each_way_leads_where_it_says(way: str, host: str, imap: int, smtp: int, security: str) -> None:
    login = parse(relay().entry(way, other="garden.example").link)
    assert isinstance(login, Login)
    assert (login.imap.host, login.imap.port, login.imap.security) == (host, imap, security)
    assert (login.smtp.host, login.smtp.port, login.smtp.security) == (host, smtp, security)
    assert login.address.endswith("@_relay.example")


def test_the_domain_alone_is_a_way() -> None:
    assert isinstance(parse(relay().entry("domain").link), Entrance)


@pytest.mark.parametrize(("way", "link"), list(zip(SCHEMES, PROXIED, strict=True)))
def test_the_proxy_is_a_way_where_there_is_one(way: str, link: str) -> None:
    with pytest.raises(NoSuchWay):
        relay(*(other for other in PROXIED if other != link)).entry(way)
    assert relay(*PROXIED).entry(way).settings == {"proxy_enabled": "1", "proxy_url": link}


def test_the_proxy_may_be_sought_at_another_port() -> None:
    entry = relay(*PROXIED).entry("socks", port=443)
    assert entry.settings["proxy_url"] == "socks5://a:b@_relay.example:443"


def test_what_is_off_as_a_rule_is_opened() -> None:
    for way in WAYS:
        told = SETTINGS.format(https=443) + opened(way, 80) + "[limits]\nbreath_bytes = 14336\n"
        config = parse_config(told, "angarium.toml")
        assert config.proxy.http is (way == "http")
        assert config.listen.socks == (1080 if way == "socks" else -1)
        assert config.listen.shadowsocks == (80 if way == "ss" else -1)


def test_every_way_is_known() -> None:
    for way in WAYS:
        relay(*PROXIED).entry(way, other="garden.example")
    with pytest.raises(NoSuchWay):
        relay().entry("by sea")


def test_the_same_invitation_for_another_is_for_somebody_else() -> None:
    one, other = parse(_another(PRINTED)), parse(_another(PRINTED))
    assert isinstance(one, Login)
    assert isinstance(other, Login)
    assert len({one.address, other.address, "abcdefghi@_relay.example"}) == 3
    assert len({one.password, other.password, "old"}) == 3
    assert (one.imap.host, one.verify) == ("_relay.example", True)
    assert _another("dcaccount:relay.example") == "dcaccount:relay.example"


async def test_a_relay_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from angarium.lab.censor import relay as module

    monkeypatch.setattr(module, "through", lambda name: ())
    command = f"{sys.executable} -c 'import sys; sys.exit(\"the disk is full\")'"
    start = module.relay("here", command=command, directory=tmp_path / "relay", domain="_x", address="192.0.2.1")
    with pytest.raises(RelayFailed, match="the disk is full"):
        async with start:
            pass


async def test_a_relay_is_told_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from angarium.lab.censor import relay as module

    monkeypatch.setattr(module, "through", lambda name: ())
    code = (
        'import sys, json, time; print(json.dumps({"invitation": " ".join(sys.argv[1:])}), flush=True); time.sleep(60)'
    )
    command = (
        f"{sys.executable} -c '{code.replace('{', '{{').replace('}', '}}')}' {{data}} {{domain}} {{address}} {{https}}"
    )
    start = module.relay(
        "here", command=command, directory=tmp_path / "relay", domain="_x", address="192.0.2.1", https=8443
    )
    async with start as up:
        assert up.ready.invitation == f"{tmp_path / 'relay'} _x 192.0.2.1 8443"
        assert isinstance(up.process, asyncio.subprocess.Process)
