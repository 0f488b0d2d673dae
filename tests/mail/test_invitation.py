"""Invitation links: what we write, what we read back, and what the app's own decoder makes of them."""

import contextlib
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.mail.invitation import ALPHABET, Entrance, Login, NotAnInvitation, Server, Way, invitation, parse

NAMED = Way("relay.example", 993, "ssl", 465, "ssl", 443, verified=True)
BARE = Way("192.0.2.7", 10993, "ssl", 10587, "starttls", None, verified=False)


def chooser(seed: int = 1) -> Callable[[int], str]:
    source = random.Random(seed)
    return lambda length: "".join(source.choices(ALPHABET, k=length))


def test_a_verified_domain_on_standard_ports_needs_only_its_name() -> None:
    assert invitation("relay.example", NAMED, token=None, choose=chooser()) == "dcaccount:relay.example"


def test_a_token_travels_in_the_address_of_new() -> None:
    link = invitation("relay.example", NAMED, token="abc_-9", choose=chooser())
    assert link == "dcaccount:https://relay.example/new?t=abc_-9"


@pytest.mark.parametrize("token", [None, "abc"])
def test_a_relay_that_answers_no_questions_says_everything_in_the_link(token: str | None) -> None:
    link = parse(invitation("relay.example", NAMED, token=token, choose=chooser(), complete=True))
    assert isinstance(link, Login)
    assert (link.imap.port, link.smtp.port, link.verify) == (993, 465, True)


def test_a_bare_ip_carries_everything() -> None:
    link = invitation("192.0.2.7", BARE, token=None, choose=lambda length: "x" * length)
    assert link == (
        "dclogin:xxxxxxxxx@192.0.2.7?p=xxxxxxxxxxxxxxxxxxxxxx&v=1&ih=192.0.2.7&ip=10993&is=ssl"
        "&sh=192.0.2.7&sp=10587&ss=starttls&ic=3"
    )


def test_a_token_goes_before_the_password() -> None:
    link = parse(invitation("192.0.2.7", BARE, token="tok", choose=lambda length: "y" * length))
    assert isinstance(link, Login)
    assert link.password == "tok." + "y" * 22


@pytest.mark.parametrize(
    "change",
    [
        {"imap_port": 1993},
        {"smtp_port": 1465},
        {"https_port": 8443},
        {"https_port": None},
        {"imap_security": "starttls"},
        {"smtp_security": "starttls"},
    ],
)
def test_a_verified_domain_elsewhere_is_spelt_out_and_its_certificate_checked(change: dict[str, object]) -> None:
    link = parse(invitation("relay.example", replace(NAMED, **change), token=None, choose=chooser()))  # type: ignore[arg-type]
    assert isinstance(link, Login)
    assert link.verify


def test_an_unverified_way_is_never_shared_by_name() -> None:
    link = parse(invitation("relay.example", replace(NAMED, verified=False), token=None, choose=chooser()))
    assert isinstance(link, Login)
    assert not link.verify


def test_a_name_that_needs_no_authority_is_checked_and_vouched_for_by_nobody() -> None:
    way = replace(NAMED, host="_relay.example", verified=False, named=True)
    link = parse(invitation("_relay.example", way, token=None, choose=chooser()))
    assert isinstance(link, Login)
    assert (link.verify, link.vouched) == (True, False)
    elsewhere = parse(invitation("relay.example", replace(NAMED, imap_port=1993), token=None, choose=chooser()))
    assert isinstance(elsewhere, Login)
    assert elsewhere.vouched


def test_two_invitations_to_a_bare_ip_are_two_accounts() -> None:
    choose = chooser()
    first, second = (parse(invitation("192.0.2.7", BARE, token=None, choose=choose)) for _ in range(2))
    assert isinstance(first, Login)
    assert isinstance(second, Login)
    assert first.address != second.address
    assert first.password != second.password


@given(
    domain=st.sampled_from(["192.0.2.7", "2001:db8::1", "[2001:db8::1]", "_relay.localhost", "relay.example"]),
    host=st.sampled_from(["192.0.2.7", "2001:db8::1", "relay.example"]),
    ports=st.tuples(st.integers(1, 65535), st.integers(1, 65535)),
    securities=st.tuples(st.sampled_from(["ssl", "starttls"]), st.sampled_from(["ssl", "starttls"])),
    verified=st.booleans(),
    token=st.none() | st.text(ALPHABET + "ABC_-", min_size=1),
    seed=st.integers(),
)
def test_what_is_written_is_read_back(
    domain: str,
    host: str,
    ports: tuple[int, int],
    securities: tuple[str, str],
    verified: bool,
    token: str | None,
    seed: int,
) -> None:
    way = Way(host, ports[0], securities[0], ports[1], securities[1], None, verified)  # type: ignore[arg-type]
    read = parse(invitation(domain, way, token=token, choose=chooser(seed)))
    expected = chooser(seed)
    address = f"{expected(9)}@{domain}"
    password = ("" if token is None else f"{token}.") + expected(22)
    assert read == Login(
        address,
        password,
        Server(host, ports[0], way.imap_security, address, password),
        Server(host, ports[1], way.smtp_security, address, password),
        verified,
    )


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("dcaccount:nine.example", Entrance("nine.example", None)),
        ("DCACCOUNT:nine.example\n", Entrance("nine.example", None)),
        ("dcaccount://nine.example/", Entrance("nine.example", None)),
        ("dcaccount:_relay.localhost", Entrance("_relay.localhost", None)),
        ("dcaccount:https://nine.example/new", Entrance("nine.example", "https://nine.example/new")),
        ("dcaccount:https://n.example:8443/new?t=1", Entrance("n.example", "https://n.example:8443/new?t=1")),
    ],
)
def test_entrances_of_any_relay(link: str, expected: Entrance) -> None:
    assert parse(link) == expected


def test_a_login_that_leaves_things_to_the_app() -> None:
    link = parse("dclogin://max@host.example/?p=a%2Bb+c&v=1")
    server = Server(None, None, None, "max@host.example", "a+b c")
    assert link == Login("max@host.example", "a+b c", server, server, True)


def test_a_login_with_every_option() -> None:
    link = parse(
        "dclogin:max@host.example?p=one&v=1&ih=imap.example&ip=4000&iu=max&ipw=two&is=default"
        "&sh=smtp.example&sp=3000&su=moritz&spw=three&ss=plain&ic=2&sc=3&unknown=1"
    )
    assert link == Login(
        "max@host.example",
        "one",
        Server("imap.example", 4000, None, "max", "two"),
        Server("smtp.example", 3000, "plain", "moritz", "three"),
        False,
    )


@pytest.mark.parametrize(
    "link",
    [
        "",
        "dcaccount:",
        "dcaccount:///",
        "dcaccount:http://nine.example/new",
        "dcaccount:https://",
        "dcaccount:https://[::1/new",
        "dcaccount:https://nine.example:99999/",
        "dcaccount:nine example",
        "https://nine.example",
        "mailto:secret@nine.example",
        "dclogin:secret",
        "dclogin:@nine.example?p=secret&v=1",
        "dclogin:max@?p=secret&v=1",
        "dclogin:max@nine.example?p=secret",
        "dclogin:max@nine.example?p=secret&v=2",
        "dclogin:max@nine.example?v=1",
        "dclogin:max@nine.example?p=secret&v=1&ip=70000",
        "dclogin:max@nine.example?p=secret&v=1&sp=-1",
        "dclogin:max@nine.example?p=secret&v=1&ip=٣",
        "dclogin:max@nine.example?p=secret&v=1&is=tls",
        "dclogin:max@nine.example?p=secret&v=1&ic=4",
        "dclogin:%FFmax@nine.example?p=secret&v=1",
    ],
)
def test_what_is_no_invitation_is_refused_without_repeating_it(link: str) -> None:
    with pytest.raises(NotAnInvitation) as refused:
        parse(link)
    assert "secret" not in str(refused.value)


@given(st.text() | st.builds(lambda kind, rest: kind + rest, st.sampled_from(["dcaccount:", "dclogin:"]), st.text()))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(NotAnInvitation):
        parse(text)
