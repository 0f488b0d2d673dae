"""The resolver against a real name server: what is there, what is not, and what could not be found out."""

import asyncio

import dns.resolver
import pytest

from angarium.reach.resolver import NoSuchName, NullMx, Resolver, Unanswered
from angarium.reach.settings import BadServer, server
from tests.dns_server import NameServer


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def resolver(dns_server: NameServer, clock: Clock) -> Resolver:
    return Resolver([dns_server.server], clock=clock, timeout=5)


async def test_texts_are_put_together(dns_server: NameServer, resolver: Resolver) -> None:
    long = "v=DKIM1; p=" + "A" * 700
    dns_server.set("one._domainkey.relay.example", "TXT", long, '"two " "parts"')
    assert set(await resolver.texts("one._domainkey.Relay.Example.")) == {long.encode(), b"two parts"}


async def test_a_long_answer_comes_over_tcp(dns_server: NameServer, resolver: Resolver) -> None:
    texts = [f"{number}" * 200 for number in range(10)]
    dns_server.set("relay.example", "TXT", *texts)
    assert set(await resolver.texts("relay.example")) == {text.encode() for text in texts}
    assert dns_server.asked == [("relay.example", "TXT")] * 2


async def test_exchanges_in_order(dns_server: NameServer, resolver: Resolver) -> None:
    dns_server.set("relay.example", "MX", "20 c.example.", "10 A.example.", "10 b.example.", "30 .", "5 192.0.2.1.")
    found = await resolver.exchanges("relay.example")
    assert set(found[:2]) == {"a.example", "b.example"}
    assert found[2:] == ("c.example",)


async def test_equal_exchanges_come_in_any_order(dns_server: NameServer, resolver: Resolver) -> None:
    dns_server.set("relay.example", "MX", *(f"10 mx{number}.example." for number in range(12)))
    orders = {await resolver.exchanges("relay.example") for _ in range(20)}
    assert len(orders) > 1
    assert {frozenset(order) for order in orders} == {frozenset(f"mx{number}.example" for number in range(12))}


async def test_no_exchange_means_the_domain_itself(dns_server: NameServer, resolver: Resolver) -> None:
    dns_server.set("relay.example", "A", "192.0.2.1")
    assert await resolver.exchanges("relay.example") == ("relay.example",)


async def test_a_domain_that_takes_no_mail(dns_server: NameServer, resolver: Resolver) -> None:
    dns_server.set("silent.example", "MX", "0 .")
    with pytest.raises(NullMx):
        await resolver.exchanges("silent.example")


async def test_addresses(dns_server: NameServer, resolver: Resolver) -> None:
    dns_server.set("relay.example", "A", "192.0.2.1")
    dns_server.set("relay.example", "AAAA", "2001:db8::1")
    dns_server.set("www.example", "CNAME", "relay.example.")
    assert await resolver.addresses("relay.example") == ("192.0.2.1", "2001:db8::1")
    assert await resolver.addresses("www.example") == ("192.0.2.1", "2001:db8::1")
    dns_server.asked.clear()
    assert await resolver.addresses("192.0.2.7") == ("192.0.2.7",)
    assert await resolver.addresses("2001:db8::7") == ("2001:db8::7",)
    assert dns_server.asked == []


async def test_half_an_answer_is_one_if_it_has_an_address(dns_server: NameServer, clock: Clock) -> None:
    resolver = Resolver([dns_server.server], clock=clock)
    dns_server.set("relay.example", "AAAA", "2001:db8::1")
    assert await resolver.addresses("relay.example") == ("2001:db8::1",)
    dns_server.set("nothing.example", "TXT", "x")
    with pytest.raises(NoSuchName):
        await resolver.addresses("nothing.example")


@pytest.mark.parametrize(
    "name", ["nobody.example", "a..b", "x" * 64 + ".example", ".".join(["abc"] * 80), "\x00é..", ""]
)
async def test_there_is_none(name: str, resolver: Resolver) -> None:
    for ask in (resolver.texts, resolver.exchanges, resolver.addresses):
        with pytest.raises(NoSuchName):
            await ask(name)


async def test_a_name_without_what_was_asked_for(dns_server: NameServer, resolver: Resolver) -> None:
    dns_server.set("relay.example", "A", "192.0.2.1")
    with pytest.raises(NoSuchName):
        await resolver.texts("relay.example")


async def test_nobody_answers(dns_server: NameServer, clock: Clock) -> None:
    resolver = Resolver([dns_server.server], clock=clock, timeout=0.2)
    dns_server.failing.add("failing.example")
    dns_server.silent.add("silent.example")
    for name in ("failing.example", "silent.example"):
        for ask in (resolver.texts, resolver.exchanges, resolver.addresses):
            with pytest.raises(Unanswered):
                await ask(name)


async def test_nobody_is_there(dns_server: NameServer) -> None:
    nowhere = Resolver(["127.0.0.1:1", "[::1]:1"], timeout=0.5)
    with pytest.raises(Unanswered):
        await nowhere.texts("relay.example")


async def test_the_second_server_is_asked_where_the_first_is_not_there(dns_server: NameServer) -> None:
    dns_server.set("relay.example", "TXT", "x")
    assert await Resolver(["127.0.0.1:1", dns_server.server], timeout=2).texts("relay.example") == (b"x",)


async def test_answers_are_remembered_as_long_as_they_say(
    dns_server: NameServer, resolver: Resolver, clock: Clock
) -> None:
    dns_server.set("relay.example", "TXT", "old")
    assert await resolver.texts("relay.example") == (b"old",)
    dns_server.set("relay.example", "TXT", "new")
    clock.now += dns_server.ttl - 1
    assert await resolver.texts("RELAY.example.") == (b"old",)
    clock.now += 1
    assert await resolver.texts("relay.example") == (b"new",)
    assert len(dns_server.asked) == 2


@pytest.mark.parametrize(("says", "seconds"), [(60, 60), (0, 1), (1_000_000, 3600)])
async def test_so_is_that_there_is_none(
    says: int, seconds: int, dns_server: NameServer, resolver: Resolver, clock: Clock
) -> None:
    dns_server.negative_ttl = says
    for ask, name in ((resolver.texts, "nobody.example"), (resolver.texts, "relay.example")):
        dns_server.asked.clear()
        dns_server.set("relay.example", "A", "192.0.2.1")
        for passed in (0.0, seconds - 0.5):
            clock.now += passed
            with pytest.raises(NoSuchName):
                await ask(name)
        assert len(dns_server.asked) == 1
        clock.now += 1
        with pytest.raises(NoSuchName):
            await ask(name)
        assert len(dns_server.asked) == 2


async def test_a_long_time_is_a_day(dns_server: NameServer, resolver: Resolver, clock: Clock) -> None:
    dns_server.ttl = 10_000_000
    dns_server.set("relay.example", "TXT", "x")
    await resolver.texts("relay.example")
    clock.now += 86_400
    await resolver.texts("relay.example")
    assert len(dns_server.asked) == 2


async def test_that_nobody_answered_is_remembered_for_seconds(
    dns_server: NameServer, resolver: Resolver, clock: Clock
) -> None:
    dns_server.failing.add("relay.example")
    dns_server.set("relay.example", "TXT", "x")
    for _ in range(5):
        with pytest.raises(Unanswered):
            await resolver.texts("relay.example")
    asked = len(dns_server.asked)
    dns_server.failing.clear()
    clock.now += 5
    assert await resolver.texts("relay.example") == (b"x",)
    assert len(dns_server.asked) == asked + 1


async def test_of_equal_questions_one_is_asked(dns_server: NameServer, resolver: Resolver) -> None:
    dns_server.set("relay.example", "TXT", "x")
    answers = await asyncio.gather(*(resolver.texts("relay.example") for _ in range(50)))
    assert answers == [(b"x",)] * 50
    assert len(dns_server.asked) == 1


async def test_who_asked_may_go_and_the_others_get_their_answer(dns_server: NameServer, resolver: Resolver) -> None:
    dns_server.set("relay.example", "TXT", "x")
    dns_server.silent.add("*")
    first, second = (asyncio.create_task(resolver.texts("relay.example")) for _ in range(2))
    while not dns_server.asked:
        await asyncio.sleep(0.001)
    first.cancel()
    dns_server.silent.clear()
    assert await second == (b"x",)
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_no_more_is_remembered_than_allowed(dns_server: NameServer) -> None:
    resolver = Resolver([dns_server.server], most=3)
    for number in [0, 1, 2, 3, 3, 2, 1, 0]:
        dns_server.set(f"n{number}.example", "TXT", "x")
        await resolver.texts(f"n{number}.example")
    assert [name for name, _ in dns_server.asked] == [f"n{number}.example" for number in (0, 1, 2, 3, 0)]


def test_servers_as_they_are_written() -> None:
    assert server("192.0.2.1") == ("192.0.2.1", 53)
    assert server("192.0.2.1:5353") == ("192.0.2.1", 5353)
    assert server("2001:db8::1") == ("2001:db8::1", 53)
    assert server("[2001:db8::1]:5353") == ("2001:db8::1", 5353)
    assert server("[2001:db8::1]") == ("2001:db8::1", 53)
    for bad in ("", "dns.example", "192.0.2.1:0", "192.0.2.1:x", "192.0.2.1:65536", "[192.0.2.1", "https://192.0.2.1"):
        with pytest.raises(BadServer):
            server(bad)


async def test_a_machine_without_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.BaseResolver, "read_resolv_conf", missing)
    with pytest.raises(Unanswered):
        await Resolver().texts("relay.example")
