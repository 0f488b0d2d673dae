"""`angarium dns`: what it asks for makes it content, and what is wrong it says."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from angarium.apps.dns import Records, screen
from angarium.apps.home import Home
from angarium.apps.records import Line, lines
from angarium.apps.signing import signing_keys
from angarium.reach.resolver import Resolver
from angarium.wire.dkim.record import PublicKey
from tests.dns_server import NameServer

Command = Callable[..., Awaitable[tuple[int, str, str]]]
Judged = Callable[..., Awaitable[dict[str, Line]]]

DOMAIN = "relay.example"
HERE, ELSEWHERE, HERE6 = "93.184.215.14", "93.184.215.15", "2606:2800:21f:cb07::1"
RSA, ED25519 = f"dkim-rsa._domainkey.{DOMAIN}", f"dkim-ed25519._domainkey.{DOMAIN}"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, PublicKey]]:
    home = Home(tmp_path_factory.mktemp("relay"))
    home.make({})
    return [(selector, key.public_key()) for selector, key in signing_keys(home)]


@pytest.fixture
def judged(dns_server: NameServer, keys: list[tuple[str, PublicKey]]) -> Judged:
    """The lines by type or, for TXT records, by name; `own` are the machine's addresses."""

    async def ask(*own: str) -> dict[str, Line]:
        found = await lines(DOMAIN, keys, Resolver([dns_server.server], timeout=2), own or (HERE, "127.0.0.1"))
        return {line.name if line.type == "TXT" else line.type: line for line in found}

    return ask


def publish(server: NameServer, records: dict[str, Line]) -> None:
    """Set what is asked for, as it is asked for: from the line of a zone file."""
    for line in records.values():
        name, kind, value = line.zone().split("  ", 2)
        server.set(name.removesuffix("."), kind, value)


async def test_what_it_asks_for_is_what_it_wants(dns_server: NameServer, judged: Judged) -> None:
    before = await judged()
    assert {name: (line.state, line.needed) for name, line in before.items()} == {
        "A": ("missing", True),
        "MX": ("missing", False),
        RSA: ("missing", True),
        ED25519: ("missing", True),
        DOMAIN: ("missing", False),
        f"_dmarc.{DOMAIN}": ("missing", False),
    }
    assert before["A"].value == HERE
    publish(dns_server, before)
    after = await judged()
    assert {line.state for line in after.values()} == {"right"}
    assert not any(line.bad for line in after.values())


async def test_a_front_is_a_spare_address(
    dns_server: NameServer, judged: Judged, keys: list[tuple[str, PublicKey]]
) -> None:
    resolver = Resolver([dns_server.server], timeout=2)
    publish(dns_server, await judged())

    async def addresses() -> list[tuple[str, str, bool]]:
        found = await lines(DOMAIN, keys, resolver, [HERE], [ELSEWHERE])
        assert not any(line.bad for line in found)
        return [(line.value, line.state, line.needed) for line in found if line.type == "A"]

    assert await addresses() == [(HERE, "right", True), (ELSEWHERE, "missing", False)]
    dns_server.set(DOMAIN, "A", HERE, ELSEWHERE)
    resolver = Resolver([dns_server.server], timeout=2)
    assert await addresses() == [(HERE, "right", True), (ELSEWHERE, "right", False)]
    # only fronts: the relay's own address is nobody's business
    dns_server.set(DOMAIN, "A", ELSEWHERE)
    resolver = Resolver([dns_server.server], timeout=2)
    assert ("missing", True) not in [(state, needed) for _, state, needed in await addresses()]


async def test_what_is_needed_is_enough(dns_server: NameServer, judged: Judged) -> None:
    publish(dns_server, {name: line for name, line in (await judged()).items() if line.needed})
    found = await judged()
    assert not any(line.bad for line in found.values())
    assert found["MX"].state == "right", "a domain without MX is its own"


async def test_addresses(dns_server: NameServer, judged: Judged) -> None:
    dns_server.set(DOMAIN, "A", ELSEWHERE)
    found = (await judged())["A"]
    assert (found.state, found.found, found.value, found.bad) == ("wrong", [ELSEWHERE], HERE, True)
    dns_server.set(DOMAIN, "A", HERE, ELSEWHERE)
    assert (await judged())["A"].state == "wrong"
    dns_server.set(DOMAIN, "A", HERE)
    assert (await judged())["A"].state == "right"
    assert "AAAA" not in await judged()
    six = (await judged(HERE, HERE6))["AAAA"]
    assert (six.state, six.needed, six.value) == ("missing", False, HERE6)
    dns_server.set(DOMAIN, "AAAA", HERE6)
    assert (await judged(HERE, HERE6))["AAAA"].state == "right"
    assert (await judged(HERE))["AAAA"].bad, "whoever tries IPv6 first does not come here"


async def test_ipv6_alone_is_an_address(dns_server: NameServer, judged: Judged) -> None:
    dns_server.set(DOMAIN, "AAAA", HERE6)
    found = await judged(HERE6)
    assert (found["AAAA"].state, found["AAAA"].needed) == ("right", True)
    assert not found["A"].bad


async def test_behind_a_router_it_says_what_it_cannot_know(dns_server: NameServer, judged: Judged) -> None:
    assert not (await judged(HERE, HERE6))["AAAA"].needed
    dns_server.set(DOMAIN, "A", HERE)
    found = (await judged("192.168.1.7"))["A"]
    assert found.state == "right"
    assert "cannot be seen from here" in found.remark
    dns_server.zone.clear()
    assert (await judged("192.168.1.7"))["A"].bad


async def test_exchangers(dns_server: NameServer, judged: Judged) -> None:
    dns_server.set(DOMAIN, "A", HERE)
    dns_server.set("mx.example", "A", HERE)
    dns_server.set("other.example", "A", ELSEWHERE)
    for records, state in (
        ([f"10 {DOMAIN}."], "right"),
        (["10 mx.example."], "right"),
        (["10 other.example."], "wrong"),
        (["10 other.example.", f"20 {DOMAIN}."], "wrong"),
        (["0 ."], "wrong"),
    ):
        dns_server.set(DOMAIN, "MX", *records)
        assert (await judged())["MX"].state == state, records
    assert (await judged())["MX"].bad


async def test_keys_that_are_not_ours(dns_server: NameServer, judged: Judged) -> None:
    publish(dns_server, await judged())
    ours = dns_server.zone[RSA]["TXT"]
    for records, why in (
        (dns_server.zone[ED25519]["TXT"], "it is another key"),
        ([*ours, "v=DKIM1; p="], "there is more than one"),
        (["v=DKIM1; p="], "the key was revoked"),
        (["\x1b[31mred"], "not a list of tags"),
    ):
        dns_server.zone[RSA]["TXT"] = records
        found = (await judged())[RSA]
        assert (found.state, found.remark, found.bad) == ("wrong", why, True)
        assert all(text.isprintable() for text in found.found)
    dns_server.zone[RSA]["TXT"] = [ours[0].replace('"v=DKIM1; k=rsa; s=email; t=s;', '"k=rsa; n=mine;')]
    assert (await judged())[RSA].state == "right", "it is the key that counts"


async def test_nobody_answers(dns_server: NameServer, judged: Judged) -> None:
    dns_server.failing.add("*")
    found = await judged()
    assert {line.state for line in found.values()} == {"unanswered"}
    assert found["A"].bad
    assert not found[DOMAIN].bad


def test_the_screen_says_what_to_do() -> None:
    long = "v=DKIM1; p=" + "A" * 400
    shown = list(
        screen(
            Records(
                DOMAIN,
                right=False,
                records=[
                    Line(DOMAIN, "A", HERE, needed=True, state="right"),
                    Line(DOMAIN, "MX", f"10 {DOMAIN}.", needed=False, state="wrong", found=["0 ."], remark="no mail"),
                    Line(RSA, "TXT", long, needed=True),
                    Line(DOMAIN, "TXT", "v=spf1", needed=False),
                    Line(ED25519, "TXT", "v=DKIM1", needed=True, state="unanswered"),
                ],
            )
        )
    )
    assert shown == [
        f"✓ {DOMAIN}.  A  {HERE}",
        f"✗ {DOMAIN}.  MX  10 {DOMAIN}.",
        "    wrong",
        "    there is: 0 .",
        "    no mail",
        f'✗ {RSA}.  TXT  "{long[:255]}" "{long[255:]}"',
        "    missing",
        f'· {DOMAIN}.  TXT  "v=spf1"',
        "    missing, and not needed",
        f'? {ED25519}.  TXT  "v=DKIM1"',
        "    unanswered",
        "",
        "3 to set or to change (✗).",
    ]


async def test_the_command(dns_server: NameServer, command: Command, tmp_path: Path) -> None:
    home = Home(tmp_path / "relay")
    home.make(
        {"names.domain": DOMAIN, "names.aliases": ["alias.example", "192.0.2.7"], "dns.servers": [dns_server.server]}
    )
    status, said, complained = await command("dns", "--data", str(home.path), "--json")
    assert (status, complained) == (1, "")
    told = json.loads(said)
    assert (told["name"], told["right"]) == (DOMAIN, False)
    assert {line["name"].rpartition("_domainkey.")[2] for line in told["records"] if line["needed"]} == {
        *(DOMAIN, "alias.example")
    }
    for line in told["records"]:
        value = line["value"]
        dns_server.set(line["name"], line["type"], HERE if value.startswith("the public") else value)
    status, said, _ = await command("dns", "--data", str(home.path), "--json")
    found = json.loads(said)
    assert [line["state"] for line in found["records"] if line["type"] == "TXT"] == ["right"] * 8
    assert [line["value"] for line in found["records"] if "_domainkey" in line["name"]] == [
        line["value"] for line in told["records"] if "_domainkey" in line["name"]
    ]
    assert (status == 0) is found["right"] is not any(line["state"] == "wrong" for line in found["records"])
    _, said, _ = await command("dns", "--data", str(home.path))
    assert f"✓ {RSA}.  TXT  " in said


@pytest.mark.parametrize("name", ["192.0.2.7", "_relay.example"])
async def test_who_needs_no_records(name: str, command: Command, tmp_path: Path) -> None:
    home = Home(tmp_path / "relay")
    home.make({"names.domain": name})
    status, said, complained = await command("dns", "--data", str(home.path))
    assert (status, complained) == (0, "")
    assert "needs no records" in said
    assert not home.keys.exists()


async def test_no_relay_and_no_key(command: Command, tmp_path: Path) -> None:
    status, _, complained = await command("dns", "--data", str(tmp_path / "nowhere"))
    assert status == 2
    assert "there is no relay" in complained
    home = Home(tmp_path / "relay")
    home.make({"names.domain": DOMAIN})
    signing_keys(home)
    (home.keys / "dkim-ed25519.pem").write_text("damaged")
    status, _, complained = await command("dns", "--data", str(home.path))
    assert status == 2
    assert "holds no key of its kind" in complained
