"""Whose mail is taken, and to whom it is sent: the keeper's lists."""

import pytest

from angarium.mail.checks.peers import Peers, pattern


@pytest.mark.parametrize(
    ("allow", "deny", "domain", "wanted"),
    [
        ([], [], "relay.example", True),
        ([], ["relay.example"], "relay.example", False),
        ([], ["Relay.Example."], "relay.EXAMPLE", False),
        ([], ["relay.example"], "sub.relay.example", True),
        ([], ["*.relay.example"], "a.sub.relay.example", False),
        ([], ["*.relay.example"], "relay.example", True),
        ([], ["*.example"], "otherexample", True),
        (["relay.example"], [], "relay.example", True),
        (["relay.example"], [], "other.example", False),
        (["*.example"], ["relay.example"], "other.example", True),
        (["*.example"], ["relay.example"], "relay.example", False),
        (["192.0.2.7"], [], "[192.0.2.7]", True),
        (["192.0.2.7"], [], "192.0.2.8", False),
        ([], ["[IPv6:2001:DB8::1]"], "2001:db8::1", False),
        ([], ["*.2.7"], "192.0.2.7", True),
        ([], ["_relay.localhost"], "_relay.localhost", False),
    ],
)
def test_the_lists(allow: list[str], deny: list[str], domain: str, wanted: bool) -> None:
    peers = Peers(allow, deny)
    assert peers.incoming(domain).accepted is peers.outgoing(domain).accepted is wanted


@pytest.mark.parametrize("text", ["", "*", "*.", "a b", "*.*.example", "x*.example", "http://a.example"])
def test_what_is_no_line(text: str) -> None:
    assert pattern(text) is None
