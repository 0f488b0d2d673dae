"""One invitation, many accounts."""

import pytest

from angarium.apps.check.links import Site, fresh, site
from angarium.mail.invitation import Login, NotAnInvitation, parse

LOGIN = "dclogin:abcdefghi@192.0.2.7?p=secretsecret&v=1&ih=192.0.2.7&ip=10993&is=ssl&sh=192.0.2.7&sp=10465&ss=ssl&ic=3"


def login(link: str) -> Login:
    parsed = parse(link)
    assert isinstance(parsed, Login)
    return parsed


def test_every_profile_gets_another_name_and_password_and_the_same_servers() -> None:
    made = [login(fresh(LOGIN)) for _ in range(20)]
    assert len({each.address for each in made}) == len({each.password for each in made}) == 20
    for each in made:
        assert each.address.endswith("@192.0.2.7")
        assert each.password != "secretsecret"
        assert (each.imap.host, each.imap.port, each.imap.security) == ("192.0.2.7", 10993, "ssl")
        assert (each.smtp.host, each.smtp.port, each.smtp.security) == ("192.0.2.7", 10465, "ssl")
        assert not each.verify


def test_the_token_before_the_dot_stays() -> None:
    password = login(fresh(LOGIN.replace("secretsecret", "TOKEN.secretsecret"))).password
    assert password.startswith("TOKEN.")
    assert not password.endswith("secretsecret")


def test_users_and_passwords_apart_from_the_address_do_not_stay() -> None:
    made = login(fresh(LOGIN + "&iu=somebody&ipw=known&su=somebody&spw=known"))
    assert made.imap.user == made.smtp.user == made.address
    assert made.imap.password == made.smtp.password == made.password


@pytest.mark.parametrize("link", ["dcaccount:example.org", "dcaccount:https://example.org/new?t=TOKEN"])
def test_a_link_for_everybody_is_taken_as_it_is(link: str) -> None:
    assert fresh(link) == link


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("dcaccount:example.org", Site("example.org", "https://example.org/", verified=True)),
        ("DCACCOUNT:example.org", Site("example.org", "https://example.org/", verified=True)),
        (
            "dcaccount:https://example.org:8443/new?t=T",
            Site("example.org", "https://example.org:8443/", verified=True),
        ),
        ("dcaccount:_relay.localhost", Site("_relay.localhost", "https://_relay.localhost/", verified=False)),
        (LOGIN, Site("192.0.2.7", "https://192.0.2.7:10443/", verified=False)),
        ("dclogin:abcdefghi@example.org?p=x&v=1", Site("example.org", "https://example.org/", verified=True)),
        (
            "dclogin:abcdefghi@example.org?p=x&v=1&ih=2001:db8::7&ip=993&ic=3",
            Site("example.org", "https://[2001:db8::7]/", verified=False),
        ),
    ],
)
def test_the_relay_can_be_told_from_the_link(link: str, expected: Site) -> None:
    assert site(link) == expected


@pytest.mark.parametrize(
    "link", ["", "example.org", "dcaccount:", "dclogin:nobody", "https://example.org/new", LOGIN[8:]]
)
def test_what_is_no_invitation_is_refused(link: str) -> None:
    with pytest.raises(NotAnInvitation):
        site(link)
    with pytest.raises(NotAnInvitation):
        fresh(link)
