"""From a name to a connection, and of all that went wrong what tells most."""

import socket
from collections.abc import Sequence

import pytest

from angarium.reach import dialer
from angarium.reach.dialer import Addresses, dial
from angarium.reach.failure import NoRoute
from angarium.reach.resolver import NoSuchName
from angarium.reach.transport import Connection


def named(*addresses: str) -> Addresses:
    async def look_up(name: str) -> Sequence[str]:
        if not addresses:
            raise NoSuchName
        return addresses

    return look_up


async def test_the_first_address_that_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        connection = await dial(named("127.0.0.9", "127.0.0.1"), "relay.example", port, timeout=10)
        connection.abort()
        connection = await dial(named(), "localhost", port, timeout=10)
        connection.abort()


async def test_no_such_name() -> None:
    with pytest.raises(NoSuchName):
        await dial(named(), "relay.example", 1, timeout=10)


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ([NoRoute("no way"), TimeoutError()], TimeoutError),
        ([TimeoutError(), ConnectionRefusedError()], ConnectionRefusedError),
        ([ConnectionRefusedError(), NoRoute("no way"), TimeoutError()], ConnectionRefusedError),
        ([NoRoute("no way"), NoRoute("no way")], NoRoute),
    ],
)
async def test_whoever_refuses_was_reached(
    monkeypatch: pytest.MonkeyPatch, failures: list[OSError], told: type[OSError]
) -> None:
    left = list(failures)

    async def fail(host: str, port: int, **how: object) -> Connection:
        raise left.pop(0)

    monkeypatch.setattr(dialer, "connect", fail)
    addresses = [f"192.0.2.{number}" for number in range(len(failures))]
    with pytest.raises(told):
        await dial(named(*addresses), "relay.example", 25, timeout=10)
    assert left == []


async def test_a_network_without_a_way_out() -> None:
    """What the kernel says where there is none; a multicast address has none over TCP."""
    with pytest.raises(NoRoute):
        await dial(named("224.0.0.1"), "relay.example", 25, timeout=10)
