"""What a running relay answers its keeper when it is not well."""

import datetime
from pathlib import Path

import pytest

from angarium.apps.approach import Approach
from angarium.apps.certify import certify
from angarium.apps.config import Config
from angarium.apps.harden import Hardened
from angarium.apps.keeper import Keeper
from angarium.apps.last_error import LastError
from angarium.mail.federation.census import Totals
from angarium.mail.fronts import Fronts
from angarium.reach.names import Names
from angarium.store.interfaces import StoreError
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory


@pytest.fixture
def store() -> Store:
    return open_memory(Clear(bytes(32)))


def keeper(store: Store, directory: Path) -> Keeper:
    config = Config()

    async def connections() -> int:
        return 0

    names = Names(config.names, ["127.0.0.1"])
    return Keeper(
        config=config,
        store=store,
        directory=directory,
        domain="relay.example",
        doors=[],
        certified=certify(config.tls, directory / "tls", names, today=datetime.date.today),
        connections=connections,
        errors=LastError(),
        queue=lambda: Totals(0, 0, 0, 0, 0, 0, None),
        hardened=Hardened,
        approach=Approach(names, Fronts(store.papers), dict, bool),
        today=lambda: 0,
        end=lambda: None,
    )


async def test_a_database_that_cannot_be_read_is_told_and_the_rest_as_well(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def damaged() -> int:
        raise StoreError("the database is damaged")

    monkeypatch.setattr(store.accounts, "count", damaged)
    status = await keeper(store, tmp_path).status({})
    assert (status.accounts, status.messages) == (None, 0)
    assert status.last_error == "store: the database is damaged"
    assert status.certificate == "self-signed"
