"""Which roads are tried, in which order, and what it comes to where none leads there."""

from typing import Any

import pytest

from angarium.mail.federation import roads as roads_module
from angarium.mail.federation.https import HttpsRoad
from angarium.mail.federation.roads import Consignment, Fault, Roads, Unreachable
from angarium.mail.federation.smtp import SmtpRoad
from angarium.mail.federation.via import Via
from angarium.mail.settings import Federation, Route
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.resolver import NoSuchName, NullMx

THERE = "there.example"
MESSAGE = Consignment("a@relay.example", ("b@there.example", "c@there.example"), b"")


class Way:
    """A road that does what it is told."""

    def __init__(self, name: str, tried: list[str]) -> None:
        self.name = name
        self.tried = tried
        self.outcome: Exception | list[Verdict] = [ACCEPTED] * 2
        self.via: Via | None = None

    async def carry(self, destination: str, via: Via | None, consignment: Consignment) -> list[Verdict]:
        self.tried.append(self.name)
        self.via = via
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Map:
    """Two roads."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.https, self.smtp = Way("https", self.tried), Way("smtp", self.tried)
        self.roads = self.make()

    def make(self, **federation: Any) -> Roads:
        return Roads(Federation(**federation), {"https": self.https, "smtp": self.smtp})

    async def carry(self, destination: str = THERE) -> list[Verdict]:
        self.tried.clear()
        return await self.roads.carry(destination, MESSAGE)


@pytest.fixture
def land() -> Map:
    return Map()


async def test_https_first_then_smtp(land: Map) -> None:
    assert await land.carry() == [ACCEPTED] * 2
    assert land.tried == ["https"]
    land.https.outcome = Unreachable("connection refused")
    assert await land.carry() == [ACCEPTED] * 2
    assert land.tried == ["https", "smtp"]


async def test_what_worked_last_is_tried_first(land: Map) -> None:
    land.https.outcome = Unreachable("answered 404")
    await land.carry()
    await land.carry()
    assert land.tried == ["smtp"]
    await land.carry("other.example")
    assert land.tried == ["https", "smtp"]
    land.https.outcome, land.smtp.outcome = [ACCEPTED] * 2, Unreachable("no answer in time", Fault.TIMEOUT)
    await land.carry()
    assert land.tried == ["smtp", "https"]
    await land.carry()
    assert land.tried == ["https"]


async def test_only_so_much_is_remembered(land: Map, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roads_module, "REMEMBERED", 2)
    land.https.outcome = Unreachable("answered 404")
    for name in ("a.example", "b.example", "c.example"):
        await land.carry(name)
    await land.carry("c.example")
    assert land.tried == ["smtp"]
    await land.carry("a.example")
    assert land.tried == ["https", "smtp"]


async def test_a_refusal_is_an_answer(land: Map) -> None:
    refused = [Verdict.reject(550, "5.1.1", "no"), Verdict.defer(452, "4.2.2", "full")]
    land.https.outcome = refused
    assert await land.carry() == refused
    assert land.tried == ["https"]


@pytest.mark.parametrize(
    ("https", "smtp", "text", "fault"),
    [
        (
            Unreachable("no route", Fault.ROUTE),
            Unreachable("no route", Fault.ROUTE),
            "https: no route; smtp: no route",
            Fault.ROUTE,
        ),
        (
            Unreachable("no answer in time", Fault.TIMEOUT),
            Unreachable("connection refused"),
            "https: no answer in time; smtp: connection refused",
            Fault.OTHER,
        ),
        (Unreachable("DNS does not answer", Fault.DNS), NoSuchName(), "https: DNS does not answer", Fault.DNS),
        (NoSuchName(), Unreachable("no STARTTLS"), "smtp: no STARTTLS", Fault.OTHER),
    ],
)
async def test_no_road_now(land: Map, https: Exception, smtp: Exception, text: str, fault: Fault) -> None:
    land.https.outcome, land.smtp.outcome = https, smtp
    with pytest.raises(Unreachable) as error:
        await land.carry()
    assert (str(error.value), error.value.fault) == (text, fault)


async def test_no_such_relay(land: Map) -> None:
    land.https.outcome = land.smtp.outcome = NoSuchName()
    assert [(each.code, each.enhanced) for each in await land.carry()] == [(550, "5.1.2")] * 2


@pytest.mark.parametrize("https", [NoSuchName(), Unreachable("connection refused")])
async def test_a_domain_that_takes_no_mail(land: Map, https: Exception) -> None:
    land.https.outcome, land.smtp.outcome = https, NullMx()
    assert [(each.code, each.enhanced) for each in await land.carry()] == [(556, "5.1.10")] * 2


@pytest.mark.parametrize("said", [NoSuchName(), NullMx()])
async def test_dns_is_not_believed_of_a_relay_that_was_there(land: Map, said: Exception) -> None:
    """Whoever shuts a network off makes its DNS say that there is nothing outside."""
    await land.carry()
    land.https.outcome = land.smtp.outcome = said
    with pytest.raises(Unreachable) as error:
        await land.carry()
    assert error.value.fault is Fault.DNS


async def test_with_whom_there_is_no_mail(land: Map) -> None:
    land.roads = land.make(deny=["*.example"])
    (verdict, _) = await land.carry()
    assert (verdict.code, verdict.text) == (550, "this relay sends no mail to that one")
    land.roads = land.make(allow=["192.0.2.7"])
    assert not (await land.carry())[0].accepted
    assert land.tried == []
    assert (await land.carry("192.0.2.7"))[0].accepted


async def test_what_is_refused_without_asking_anybody(land: Map) -> None:
    assert land.roads.policy(THERE).accepted
    assert land.roads.policy("a.invalid").enhanced == "5.1.2"
    assert land.make(deny=[THERE]).policy(THERE).enhanced == "5.7.1"
    land.roads = land.make(enabled=False)
    (verdict, _) = await land.carry()
    assert (verdict.enhanced, verdict.text) == ("5.7.1", "this relay has no mail with other relays")
    assert land.tried == []


async def test_a_route(land: Map) -> None:
    routes = {
        "There.Example": Route(via="192.0.2.9:8443", transport="https"),
        "[2001:DB8::1]": Route(transport="smtp"),
        "other.example": Route(via="[::1]:1"),
    }
    land.roads = land.make(routes=routes)
    land.https.outcome = Unreachable("connection refused")
    with pytest.raises(Unreachable, match=r"^https: connection refused$"):
        await land.carry()
    assert (land.tried, land.https.via) == (["https"], Via("192.0.2.9", 8443))
    await land.carry("2001:db8::1")
    assert (land.tried, land.smtp.via) == (["smtp"], None)
    await land.carry("other.example")
    assert (land.tried, land.smtp.via) == (["https", "smtp"], Via("::1", 1))


async def test_the_real_roads_one_after_the_other(there: Any, serving: Any, consign: Any) -> None:
    """The other relay has no HTTPS, then has."""
    trust = there.trust()
    https = HttpsRoad(there.names.addresses, trust)
    smtp = SmtpRoad(there.names.exchanges, there.names.addresses, trust, "relay.example")
    async with serving(there, there.mx) as port:
        route = {THERE: Route(via=f"127.0.0.1:{port}")}
        roads = Roads(Federation(routes=route), {"https": https, "smtp": smtp})
        assert await roads.carry(THERE, consign("bob12345")) == [ACCEPTED]
    async with serving(there, there.https) as port:
        route = {THERE: Route(via=f"127.0.0.1:{port}")}
        roads = Roads(Federation(routes=route), {"https": https, "smtp": smtp})
        assert await roads.carry(THERE, consign("bob12345", "carol123")) == [ACCEPTED] * 2
        https.close()
    assert len(await there.inbox("bob12345")) == len(await there.inbox("carol123")) == 1
