"""Which ways are told to whom, and in which order."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from angarium.apps.approach import Approach
from angarium.mail.fronts import Front, Fronts
from angarium.mail.invitation import Entrance, Login, Way, parse
from angarium.reach import settings
from angarium.reach.names import Names
from angarium.store.seal import Clear
from angarium.store.store import open_memory

STANDARD = {"https": 443, "imaps": 993, "submissions": 465, "imap": 143, "submission": 587}
HERE = "192.0.2.7"

Relay = Callable[..., Approach]


@pytest.fixture
def fronts() -> Fronts:
    return Fronts(open_memory(Clear(bytes(32))).papers)


@pytest.fixture
def relay(fronts: Fronts) -> Relay:
    def make(
        domain: str = "", aliases: tuple[str, ...] = (), ports: dict[str, int] = STANDARD, *, verified: bool = False
    ) -> Approach:
        names = Names(settings.Names(domain=domain, aliases=list(aliases)), [HERE])
        return Approach(names, fronts, lambda: ports, lambda: verified)

    return make


def spelled(ways: list[Way]) -> list[str]:
    return [f"{way.kind} {way.host}:{way.imap_port}/{way.smtp_port} {'checked' * way.verified}".strip() for way in ways]


def test_a_relay_without_fronts(relay: Relay) -> None:
    assert spelled(relay().invited()) == [f"direct {HERE}:993/465", f"port {HERE}:443/443", f"port {HERE}:143/587"]
    assert spelled(relay().candidates()) == [f"direct {HERE}:{ports}" for ports in ("993/465", "443/443", "143/587")]


async def test_autoconfig_names_other_hosts_before_other_ports(relay: Relay, fronts: Fronts) -> None:
    await fronts.put(Front("203.0.113.5", {"https": 443, "imaps": 993, "submissions": 465}))
    await fronts.put(Front("203.0.113.6", {"https": 8443}))
    assert spelled(relay().candidates()) == [
        *(f"direct {HERE}:993/465", "front 203.0.113.5:993/465", "front 203.0.113.6:8443/8443"),
        *(f"direct {HERE}:443/443", "front 203.0.113.5:443/443"),
        f"direct {HERE}:143/587",
    ]


async def test_with_a_front_a_relay_known_by_its_address_lets_the_app_ask_for_all_ways(
    relay: Relay, fronts: Fronts
) -> None:
    await fronts.put(Front("203.0.113.5", {"https": 443}))
    assert spelled(relay().invited())[:3] == [
        *(f"all {HERE}:993/465", f"direct {HERE}:993/465", "front 203.0.113.5:443/443")
    ]
    link = relay().invite(None)
    read = parse(link)
    assert isinstance(read, Login)
    assert (read.imap.host, read.imap.port, read.smtp.security, read.verify) == (None, None, None, False)
    # the app looks for autoconfig on port 443 only
    high = relay(ports={"https": 10443, "imaps": 10993, "submissions": 10465})
    assert spelled(high.invited())[0] == f"direct {HERE}:10993/10465"


async def test_a_domain_is_not_left_for_an_address_by_autoconfig(relay: Relay, fronts: Fronts) -> None:
    """The app checks the certificate by the host's name, and would only wait for what it cannot believe."""
    await fronts.put(Front("203.0.113.5", {"https": 443}))
    await fronts.put(Front("front.relay.example", {"https": 443}))
    found = relay("relay.example", ("front.relay.example", "chat.example"), verified=True)
    assert spelled(found.candidates()) == [
        *(f"direct {name}:993/465 checked" for name in ("relay.example", "chat.example")),
        "front front.relay.example:443/443 checked",
        *(f"direct {name}:443/443 checked" for name in ("relay.example", "chat.example")),
        *(f"direct {name}:143/587 checked" for name in ("relay.example", "chat.example")),
    ]
    invited = spelled(found.invited())
    assert invited[0] == "direct relay.example:993/465 checked"
    assert "front 203.0.113.5:443/443" in invited
    assert parse(found.invite(None)) == Entrance("relay.example", None)


async def test_a_group_has_its_front_first_and_nobody_else_has_it(relay: Relay, fronts: Fronts) -> None:
    await fronts.put(Front("203.0.113.5", {"https": 443}, "north"))
    token = await fronts.mark("t" * 16, "north")
    found = relay()
    assert spelled(found.invited("north"))[0] == "front 203.0.113.5:443/443"
    for ways in (found.invited(), found.invited("south"), found.candidates()):
        assert not any("203.0.113.5" in way for way in spelled(ways))
    link = found.invite(token)
    read = parse(link)
    assert isinstance(read, Login)
    assert read.imap.host == "203.0.113.5"
    assert read.password.startswith(f"{token}.")
    await fronts.burn("203.0.113.5", day=0)
    assert "203.0.113.5" not in found.invite(token)


async def test_all_links_of_an_invitation_lead_to_one_account(relay: Relay, fronts: Fronts) -> None:
    await fronts.put(Front("203.0.113.5", {"https": 443}))
    for found in (relay(), relay("relay.example", verified=True)):
        link = found.invite("token")
        read = [parse(offer.link) for offer in found.others("token", link)]
        assert len(read) >= 3
        accounts = {(one.address, one.password) for one in [parse(link), *read] if isinstance(one, Login)}
        assert len(accounts) == 1
        ((address, password),) = accounts
        assert address.rpartition("@")[2] == found.names.primary
        assert password.startswith("token.")


@pytest.mark.parametrize("name", ["_home.localhost", "_home"])
def test_a_name_that_dns_does_not_know_is_no_way_in(relay: Relay, name: str) -> None:
    found = relay(name)
    assert spelled(found.invited())[0] == f"direct {HERE}:993/465"
    assert f"@{name}?" in found.invite(None)
    assert {way.host for way in found.candidates()} == {name}


def test_a_name_with_an_underscore_that_dns_may_know(relay: Relay) -> None:
    assert spelled(relay("_relay.example").invited())[0] == "direct _relay.example:993/465"


async def test_the_app_keeps_the_addresses_of_a_name_whose_certificate_it_checks(relay: Relay, fronts: Fronts) -> None:
    """With `ic=3` it takes what DNS says for the only address there is (docs/quirks.md)."""
    await fronts.put(Front("_front.example", {"https": 443}))
    found = relay("_relay.example", ("_other.example",))
    named = {way.host: way.named for way in found.invited()}
    assert named == {"_relay.example": True, "_other.example": True, "_front.example": False}
    assert found.invite(None).endswith("&ic=1")
    assert relay().invite(None).endswith("&ic=3")
    assert "ic=3" in relay("_home.localhost").invite(None)  # it leads to an address


def disguised(relay: Approach, *, onion: Way | None = None) -> Approach:
    return replace(relay, alpn=False, complete=True, onion=lambda: onion)


async def test_where_people_come_in_by_the_proxy_alone_other_names_are_those_of_the_proxy(
    relay: Relay, fronts: Fronts
) -> None:
    await fronts.put(Front("203.0.113.5", {"https": 443}))
    await fronts.put(Front("front.example", {"https": 8443}))
    await fronts.put(Front("north.example", {"https": 443}, "north"))
    names = ("spare.example", "front.example", "north.example")
    onion = Way(f"{'a' * 56}.onion", 993, "ssl", 465, "ssl", None, verified=False, kind="onion")
    found = disguised(relay("relay.example", names, {"https": 443}, verified=True), onion=onion)
    assert found.by_proxy
    assert found.invited() == found.invited("north")
    assert spelled(found.invited()) == ["direct relay.example:993/465 checked", f"onion {onion.host}:993/465"]
    own = [(name, 443) for name in ("relay.example", "spare.example")]
    assert found.proxied() == [*own, ("front.example", 8443)]
    assert found.proxied("north") == [("north.example", 443), ("front.example", 8443), *own]
    await fronts.burn("north.example", day=0)
    assert found.proxied("north") == found.proxied()


async def test_the_proxy_is_shown_at_names_that_the_app_believes_and_at_no_address(
    relay: Relay, fronts: Fronts
) -> None:
    await fronts.put(Front("203.0.113.5", {"https": 443}))
    await fronts.put(Front("_front.example", {"https": 443}))
    assert relay().proxied() == []
    assert relay("relay.example").proxied() == []  # signed by itself
    assert relay("_relay.example", ("_front.example",)).proxied() == [("_relay.example", 443), ("_front.example", 443)]
    assert relay("_relay.example", ports={"imaps": 993}).proxied() == []


async def test_an_account_that_there_is_is_led_all_ways_and_keeps_its_password(relay: Relay, fronts: Fronts) -> None:
    await fronts.put(Front("203.0.113.5", {"https": 443}))
    await fronts.put(Front("203.0.113.7", {"https": 443}, "north"))
    token = await fronts.mark("t" * 16, "north")
    for found in (relay(), relay("relay.example", verified=True)):
        offers = found.account("nine.chars@relay.example", "its password", None)
        read = [parse(offer.link) for offer in offers]
        assert {(one.address, one.password) for one in read if isinstance(one, Login)} == {
            ("nine.chars@relay.example", "its password")
        }
        assert [offer.way for offer in offers] == found.invited()
        assert found.account("a@b", "c", token)[0].way.host == "203.0.113.7"
    several = relay("relay.example", ("spare.example",), verified=True).account("a@relay.example", "c", None)
    assert [offer.way.kind for offer in several][:3] == ["all", "direct", "direct"]
    assert several[0].link == "dclogin:a@relay.example?p=c&v=1&ic=1"  # it asks for all that autoconfig says
    hidden = disguised(relay("relay.example", ("spare.example",), {"https": 443}, verified=True))
    assert "all" not in {offer.way.kind for offer in hidden.account("a@relay.example", "c", None)}


def test_an_address_is_a_way_to_a_relay_with_a_name_only_where_the_keeper_has_listed_it(relay: Relay) -> None:
    """Its own it is not told to show: DNS may lead to fronts only."""
    assert not any(HERE in way for way in spelled(relay("relay.example", verified=True).invited()))
    found = relay("relay.example", ("spare.example", HERE, "2001:db8::7"), verified=True)
    assert spelled(found.invited())[:5] == [
        *("direct relay.example:993/465 checked", "direct spare.example:993/465 checked"),
        *(f"direct {HERE}:993/465", "direct 2001:db8::7:993/465"),
        "port relay.example:443/443 checked",
    ]
    assert {way.host for way in found.candidates()} == {"relay.example", "spare.example"}
    assert spelled(relay("_relay.example", (HERE,)).invited())[:2] == [
        *("direct _relay.example:993/465", f"direct {HERE}:993/465")
    ]


async def test_a_name_that_is_a_front_is_shown_as_one_or_not_at_all(relay: Relay, fronts: Fronts) -> None:
    await fronts.put(Front("north.example", {"https": 443}, "north"))
    await fronts.put(Front("burnt.example", {"https": 443}))
    await fronts.burn("burnt.example", day=0)
    found = relay("relay.example", ("north.example", "burnt.example"), verified=True)
    assert {way.host for way in (*found.invited(), *found.candidates())} == {"relay.example"}
    assert spelled(found.invited("north"))[0] == "front north.example:443/443 checked"
    named = relay("_relay.example", ("north.example", "burnt.example"))
    assert {way.host for way in (*named.invited(), *named.candidates())} == {"_relay.example"}
    assert found.proxied() == [("relay.example", 443)]
