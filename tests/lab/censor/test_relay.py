"""The ways into a relay, as links that the app reads."""

import asyncio
import sys
from pathlib import Path

import pytest

from angarium.lab.censor.relay import WAYS, NoSuchWay, Ready, Relay, RelayFailed, _another
from angarium.mail.invitation import Entrance, Login, parse

PRINTED = (
    "dclogin:abcdefghi@_relay.example?p=old&v=1&ih=_relay.example&ip=993&is=ssl&sh=_relay.example&sp=465&ss=ssl&ic=1"
)


def relay(*, proxy: str = "") -> Relay:
    return Relay("_relay.example", "192.0.2.10", Ready(PRINTED, [], proxy), None)  # type: ignore[arg-type]


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


def test_the_proxy_is_a_way_where_there_is_one() -> None:
    with pytest.raises(NoSuchWay):
        relay().entry("proxy")
    entry = relay(proxy="https://a:b@192.0.2.10:443").entry("proxy")
    assert entry.settings == {"proxy_enabled": "1", "proxy_url": "https://a:b@192.0.2.10:443"}


def test_every_way_is_known() -> None:
    for way in WAYS:
        relay(proxy="https://x").entry(way, other="garden.example")
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
