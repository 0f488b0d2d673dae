"""What asks a proxy for a tunnel: one spelling is understood, and everything else is nothing."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.connect import credentials, target


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("relay.example:993", ("relay.example", 993)),
        ("_relay.localhost:1", ("_relay.localhost", 1)),
        ("Relay.Example.:65535", ("Relay.Example.", 65_535)),
        ("192.0.2.7:465", ("192.0.2.7", 465)),
        ("[2001:DB8::7]:443", ("2001:db8::7", 443)),
        ("2001:db8::7:443", ("2001:db8::7", 443)),  # as the app writes it
    ],
)
def test_a_host_and_a_port(text: str, meant: tuple[str, int]) -> None:
    assert target(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "relay.example", "relay.example:", ":993", "relay.example:0", "relay.example:65536", "a:+993"),
        *(
            "a:0993",
            "a: 993",
            "a:993 ",
            "a:٩٩٣",
            "a:9_3",
            "user@a:993",
            "a/b:993",
            "http://a:993",
            "[a]:993",
            "[::1:993",
        ),
        *("::1]:993", "a..b:993", ".a:993", "-a:993", "a b:993", "a%00:993", "a\n:993", "[::1%lo]:993", "a:993\n"),
    ],
)
def test_what_is_no_goal(text: str) -> None:
    assert target(text) is None


def test_credentials() -> None:
    assert credentials("Basic " + base64.b64encode(b"user:pass:word").decode()) == ("user", "pass:word")
    assert credentials("bAsIc " + base64.b64encode(b":").decode()) == ("", "")


@pytest.mark.parametrize("text", ["", "Basic", "Basic ", "Basic !", "Bearer dTpw", "Basic dTpw dTpw", "Basic /zpw"])
def test_what_are_no_credentials(text: str) -> None:
    assert credentials(text) is None


@given(st.text(max_size=60))
def test_anything_is_understood_or_nothing(text: str) -> None:
    found = target(text)
    assert found is None or (0 < found[1] < 65_536 and found[0])
    credentials(text)
