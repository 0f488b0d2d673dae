"""The names a relay answers to, in every spelling."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.reach import names, settings
from angarium.reach.names import BadName, Names, canonical, own_addresses


def relay(domain: str = "", *aliases: str, listening: list[str] | None = None) -> Names:
    return Names(settings.Names(domain=domain, aliases=list(aliases)), listening or ["192.0.2.7", "2001:db8::7"])


@pytest.mark.parametrize(
    "domain",
    [
        *("192.0.2.7", "[192.0.2.7]", "192.0.2.7.", "2001:db8::7", "[IPv6:2001:db8::7]", "[ipv6:2001:DB8:0:0::7]"),
        *("[2001:db8::7]", "relay.example", "Relay.EXAMPLE", "relay.example.", "RELAY.example.", "_alias.example"),
        *("198.51.100.1", "[198.51.100.1]", "localhost", "127.0.0.1", "[::1]"),
    ],
)
def test_these_all_mean_the_relay(domain: str) -> None:
    assert relay("relay.example", "_Alias.example", "[198.51.100.1]").local(domain)


@pytest.mark.parametrize(
    "domain",
    [
        *(
            "",
            ".",
            "..",
            "relay.example..",
            "xrelay.example",
            "relay.example.org",
            "192.0.2.8",
            "192.0.2.07",
            "[relay.example]",
        ),
        *(
            "[192.0.2.7",
            "192.0.2.7]",
            "[[192.0.2.7]]",
            "2001:db8::8",
            "192.0.2",
            "relay example",
            "a@relay.example",
            "\x00",
        ),
    ],
)
def test_these_do_not(domain: str) -> None:
    assert not relay("relay.example").local(domain)


@given(st.text())
def test_anything_may_be_asked(domain: str) -> None:
    assert relay("relay.example").local(domain) in {True, False}
    known = canonical(domain)
    assert known is None or canonical(known) == known


def test_the_primary_name_is_the_domain_or_else_the_address() -> None:
    assert relay("Relay.Example.").primary == "relay.example"
    assert relay("[IPv6:2001:DB8::9]").primary == "2001:db8::9"
    assert relay().primary == "192.0.2.7"
    assert relay(listening=["0.0.0.0", "::"]).primary == own_addresses()[0]
    assert relay(listening=["127.0.0.1"]).primary == "127.0.0.1"


def test_the_certificate_lists_the_primary_name_first_and_no_address_a_domain_does_not_need() -> None:
    assert relay("relay.example", "alias.example").all == ("relay.example", "alias.example")
    assert relay("", "_alias.example").all == ("192.0.2.7", "_alias.example", "2001:db8::7")


def test_an_authority_is_asked_only_for_names_it_could_look_up() -> None:
    ours = relay("relay.example", "_private.example", "198.51.100.1", "2001:db8::1", "single", "x.onion", "b.example")
    assert ours.certifiable == ("relay.example", "b.example")
    assert ours.ordinary
    for domain in ("", "_relay.example", "_relay.localhost", "192.0.2.1", "localhost"):
        assert not relay(domain).ordinary


@pytest.mark.parametrize(
    "wrong", ["re lay", "a..b", "-x.example", "user@relay.example", "https://relay.example", "1.2.3"]
)
def test_what_is_no_name_is_an_error(wrong: str) -> None:
    with pytest.raises(BadName, match="neither a domain name nor an IP address"):
        relay(wrong)
    with pytest.raises(BadName):
        relay("relay.example", wrong)


def test_without_a_network_it_is_the_loopback_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(self: socket.socket, address: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert own_addresses() == ["127.0.0.1"]


def test_own_addresses_are_this_machines() -> None:
    for address in own_addresses():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    assert all(nobody not in own_addresses() for _, nobody in names.NOBODY)
