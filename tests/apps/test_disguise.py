"""Who is let past the decoy, and whom nobody is asked about since they are strangers at sight."""

from types import SimpleNamespace
from typing import Any

import pytest

from angarium.apps.disguise import Disguise
from angarium.edge.decoy.prompt import Decoy
from angarium.edge.decoy.request import Head
from angarium.edge.decoy.session import request_of
from angarium.edge.pages.exchange import Request
from angarium.edge.pages.machines import CHALLENGES
from angarium.edge.settings import Decoy as Settings
from angarium.edge.settings import Limits


async def anybody(request: Request) -> bool:
    return True


@pytest.fixture
def disguise() -> Disguise:
    """Of a relay to which everybody has something to say who asks in the right place."""
    site: Any = SimpleNamespace(
        base="/SECRET",
        limits=Limits(),
        domain=lambda: "relay.example",
        https_port=lambda: 443,
        challenge=lambda token: "proof",
        tunnel=lambda request: None,
    )
    reception: Any = SimpleNamespace(known=anybody)
    others: Any = SimpleNamespace(known=lambda request: True)
    return Disguise(site, reception, others, others, Settings(empty=True), dict)


def head(target: str, method: str = "GET") -> Head:
    return Head(method, target, "relay.example", 1)


async def admitted(decoy: Decoy, asked: Head) -> bool:
    return not decoy.strange(asked) and await decoy.known(request_of(asked))


@pytest.mark.parametrize(
    "target", ["/SECRET/", "/SECRET/new?x=1", "/SECRET/a/b", "/mxdeliv", "/mxdeliv?x", "/box/x", "/box/x/y", "/box/"]
)
async def test_who_asks_where_the_relay_has_something_is_looked_at(disguise: Disguise, target: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert await admitted(disguise.https(), head(target, method))


@pytest.mark.parametrize(
    "target",
    [
        *("/", "/nothing", "/dir/", "/SECRET", "/SECRET?x", "/SECRET?/x", "/SECRET.html", "/SECRE/x", "/SECRETS/x"),
        *("/secret/x", "/dir/SECRET/x", "/?/SECRET/x", "//SECRET/x", "/box", "/dir/mxdeliv", "?SECRET/x", "/S/x"),
    ],
)
async def test_who_asks_elsewhere_is_a_stranger_at_sight_and_would_be_one(disguise: Disguise, target: str) -> None:
    decoy = disguise.https()
    assert not await decoy.known(request_of(head(target)))
    assert decoy.strange(head(target)) or target == "?SECRET/x"


async def test_all_of_the_first_step_is_compared_however_much_of_it_is_right(
    disguise: Disguise, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    monkeypatch.setattr("hmac.compare_digest", lambda one, other: compared.append((one, other)))
    for step in ("S", "SECRE", "XXXXXX", "a" * 300):
        assert disguise.https().strange(head(f"/{step}/x"))
        assert compared.pop() == (f"/{step}".encode(), b"/SECRET")


@pytest.mark.parametrize("target", ["/SECRET/x", "/mxdeliv", "here:993"])
async def test_a_tunnel_is_looked_at_wherever_it_leads(disguise: Disguise, target: str) -> None:
    for decoy in (disguise.https(), disguise.http(disguise.site)):
        assert await admitted(decoy, head(target, "CONNECT"))


async def test_on_the_port_without_tls_proofs_are_looked_at_and_nothing_else(disguise: Disguise) -> None:
    decoy = disguise.http(disguise.site)
    assert await admitted(decoy, head(f"{CHALLENGES}token"))
    assert not await admitted(decoy, head(f"{CHALLENGES}token", "POST"))
    for target in ("/", "/SECRET/x", "/mxdeliv", "/box/x", "/.well-known/acme-challenge"):
        assert decoy.strange(head(target))
        assert not await decoy.known(request_of(head(target)))
