"""SASL: both mechanisms, with and without initial response, cancelled, malformed, and any bytes at all."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.sasl import Cancelled, Credentials, Exchange, SaslError, UnknownMechanism


def b64(text: str | bytes) -> bytes:
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


ANNA = Credentials("anna@relay.example", "pässword")


def test_plain_with_an_initial_response() -> None:
    assert Exchange("plain", b64("\0anna@relay.example\0pässword")).credentials == ANNA


def test_plain_asked_for() -> None:
    exchange = Exchange("PLAIN")
    assert exchange.credentials is None
    assert exchange.challenge == b""
    exchange.receive(b64("anna@relay.example\0anna@relay.example\0pässword"))
    assert exchange.credentials == ANNA


def test_login() -> None:
    exchange = Exchange("LOGIN")
    assert base64.b64decode(exchange.challenge) == b"Username:"
    exchange.receive(b64("anna@relay.example"))
    assert base64.b64decode(exchange.challenge) == b"Password:"
    exchange.receive(b64("pässword"))
    assert exchange.credentials == ANNA


def test_login_with_an_initial_response() -> None:
    exchange = Exchange("LOGIN", b64("anna@relay.example"))
    assert base64.b64decode(exchange.challenge) == b"Password:"
    exchange.receive(b64("pässword"))
    assert exchange.credentials == ANNA


def test_an_equals_sign_is_an_empty_initial_response() -> None:
    with pytest.raises(SaslError, match="Malformed"):
        Exchange("PLAIN", b"=")


@pytest.mark.parametrize("mechanism", ["", "CRAM-MD5", "PLAIN ", "ＰＬＡＩＮ"])
def test_unknown_mechanisms(mechanism: str) -> None:
    with pytest.raises(UnknownMechanism):
        Exchange(mechanism)


@pytest.mark.parametrize("answered", [0, 1])
def test_cancelled(answered: int) -> None:
    exchange = Exchange("LOGIN")
    for _ in range(answered):
        exchange.receive(b64("anna"))
    with pytest.raises(Cancelled):
        exchange.receive(b"*")


@pytest.mark.parametrize(
    "response",
    [
        *(b"", b"====", b"!!!!", b"YQ", b"YQ==YQ==", b" " + b64("\0a\0b"), b64("\0a\0b") + b" ", b"**", b"="),
        *(b64("a"), b64("a\0b"), b64("\0\0p"), b64("\0u\0"), b64("\0u\0p\0"), b64("\0u\0p\0q"), b64(b"\0\xff\0p")),
        b64("other\0anna\0pw"),
    ],
)
def test_malformed_plain(response: bytes) -> None:
    with pytest.raises(SaslError):
        Exchange("PLAIN").receive(response)


def test_malformed_login() -> None:
    for line in (b"====", b64("a\0b"), b64(b"\xff")):
        with pytest.raises(SaslError):
            Exchange("LOGIN").receive(line)
    for username, password in (("", "p"), ("u", "")):
        exchange = Exchange("LOGIN", b64(username) or b"=")
        with pytest.raises(SaslError):
            exchange.receive(b64(password))


def test_a_password_is_not_shown() -> None:
    assert "pässword" not in repr(ANNA)


@given(st.sampled_from(["PLAIN", "LOGIN"]), st.none() | st.binary(max_size=40), st.lists(st.binary(max_size=40)))
def test_only_documented_errors_escape(mechanism: str, initial: bytes | None, lines: list[bytes]) -> None:
    try:
        exchange = Exchange(mechanism, initial)
        for line in lines:
            if exchange.credentials is not None:
                break
            exchange.receive(line)
    except SaslError:
        pass


@given(*[st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)] * 2)
def test_every_name_and_password_pass(username: str, password: str) -> None:
    expected = Credentials(username, password)
    assert Exchange("PLAIN", b64(f"\0{username}\0{password}")).credentials == expected
    exchange = Exchange("LOGIN", b64(username))
    exchange.receive(b64(password))
    assert exchange.credentials == expected
