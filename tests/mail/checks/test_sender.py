"""Nobody sends as somebody else."""

from typing import Any

import pytest

from angarium.mail.checks import sender
from angarium.mail.verdict import ACCEPTED
from angarium.store.interfaces import AccountId, Owner
from angarium.store.seal import Clear
from angarium.wire.message import parse

ALICE = Owner(AccountId(b"a" * 16), "alice1234", Clear(bytes(32)).lock("password")[1])


def local(domain: str) -> bool:
    return domain in {"relay.example", "127.0.0.2"}


@pytest.mark.parametrize(
    "address", ["alice1234@relay.example", "Alice1234@RELAY.example", "alice1234@127.0.0.2", "alice1234@[127.0.0.2]"]
)
def test_the_login_is_the_sender(address: str) -> None:
    assert sender.envelope(ALICE, address, local) is ACCEPTED


@pytest.mark.parametrize(
    "address",
    [
        "",
        "alice1234",
        "@relay.example",
        "bob12345@relay.example",
        "alice1234@elsewhere.example",
        "alice1234@",
        "alice1234+a@relay.example",
    ],
)
def test_no_other_is(address: str) -> None:
    verdict = sender.envelope(ALICE, address, local)
    assert (verdict.code, verdict.enhanced) == (553, "5.7.1")
    assert "@" not in verdict.text + verdict.detail


def header(value: Any) -> Any:
    return sender.header(parse(f"{value}\r\n".encode()), "alice1234@relay.example")


@pytest.mark.parametrize(
    "value",
    [
        "From: alice1234@relay.example\r\n",
        "From: A <ALICE1234@relay.example>\r\n",
        "From: alice1234@relay.example, b@c\r\n",
    ],
)
def test_the_first_from_address_is_the_sender(value: str) -> None:
    assert header(value) is ACCEPTED


@pytest.mark.parametrize(
    "value",
    [
        "",
        "From: bob12345@relay.example\r\n",
        "From: bob12345@relay.example, alice1234@relay.example\r\n",
        'From: "alice1234@relay.example" <bob12345@relay.example>\r\n',
        "From: alice1234@relay.example\r\nFrom: bob12345@relay.example\r\n",
        "From: alice1234@127.0.0.2\r\n",
        "From: Alice\r\n",
    ],
)
def test_any_other_from_is_refused(value: str) -> None:
    verdict = header(value)
    assert (verdict.code, verdict.enhanced) == (554, "5.6.0")
    assert "@" not in verdict.text + verdict.detail


def test_a_literal_may_be_spelt_in_two_ways() -> None:
    message = parse(b"From: <alice1234@127.0.0.2>\r\n\r\n")
    assert sender.header(message, "alice1234@[127.0.0.2]") is ACCEPTED
    assert sender.header(message, "alice1234@[127.0.0.3]").code == 554
