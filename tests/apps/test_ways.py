"""From ports to ways in."""

from angarium.apps.ways import choose, page, ways
from angarium.mail.invitation import ALPHABET, Way

ALL = {"imaps": 993, "imap": 143, "submissions": 465, "submission": 587, "https": 443, "http": 80}


def test_every_way_best_first() -> None:
    assert ways("relay.example", ALL, verified=True) == [
        Way("relay.example", 993, "ssl", 465, "ssl", 443, True),
        Way("relay.example", 443, "ssl", 443, "ssl", 443, True),
        Way("relay.example", 143, "starttls", 587, "starttls", 443, True),
    ]


def test_a_way_needs_both_directions() -> None:
    assert ways("h", {"imaps": 993, "submission": 587}, verified=False) == []
    assert ways("h", {"imap": 1, "submission": 2}, verified=False) == [
        Way("h", 1, "starttls", 2, "starttls", None, False)
    ]


def test_where_the_https_port_takes_no_mail_it_is_no_way_and_the_proxy_is_the_last() -> None:
    found = ways("h", ALL, verified=True, alpn=False)
    assert [way.imap_port for way in found] == [993, 143]
    assert ways("h", {"https": 8443}, verified=True, alpn=False) == [Way("h", 993, "ssl", 465, "ssl", 8443, True)]
    assert ways("h", {"http": 80}, verified=True, alpn=False) == []


def test_the_address_of_the_page() -> None:
    assert page("relay.example", ALL) == "https://relay.example/"
    assert page("192.0.2.7", {"https": 10443}, "/invite/x") == "https://192.0.2.7:10443/invite/x"
    assert page("2001:db8::1", {"https": 443}) == "https://[2001:db8::1]/"
    assert page("relay.example", {"imaps": 993}) == ""


def test_random_characters() -> None:
    drawn = {choose(22) for _ in range(50)}
    assert len(drawn) == 50
    assert all(len(one) == 22 and set(one) <= set(ALPHABET) for one in drawn)
