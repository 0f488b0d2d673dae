"""Which ports a relay gets, and what it says where it gets none."""

import contextlib
import errno
import itertools
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from angarium.edge import doors
from angarium.edge.doors import CannotListen, Door, bind_doors, bind_within, share_doors
from angarium.edge.settings import Listen

OFF: dict[str, Any] = dict.fromkeys(("imaps", "imap", "submissions", "submission", "https", "http", "smtp"), -1)
LOOPBACK = ["127.0.0.1"]


def listen(**settings: Any) -> Listen:
    """On loopback, every door off that is not named."""
    return Listen(**{**OFF, "addresses": LOOPBACK, **settings})


@contextlib.contextmanager
def bound(remembered: dict[str, int] | None = None, **settings: Any) -> Iterator[list[Door]]:
    """The doors that these settings give, closed again afterwards."""
    pairs = bind_doors(listen(**settings), remembered or {})
    try:
        yield [door for door, _ in pairs]
    finally:
        for _, listening in pairs:
            listening.close()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """A standard port and its high one that this test has for itself."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        low, high = one.getsockname()[1], other.getsockname()[1]
    monkeypatch.setitem(doors.STANDARD, "imaps", (low, True))
    monkeypatch.setattr(doors, "HIGH", high - low)
    return low, high


def test_all_doors_at_any_ports() -> None:
    with bound(ports="any", imaps=0, imap=0, submissions=0, submission=0, https=0, http=0, smtp=0) as found:
        assert {door.name: door.tls for door in found} == {
            "imaps": True,
            "submissions": True,
            "https": True,
            "imap": False,
            "submission": False,
            "http": False,
            "smtp": False,
        }
        assert len({door.port for door in found}) == 7
        for door in found:
            socket.create_connection((door.address, door.port)).close()


def test_a_door_that_is_off_is_not_there() -> None:
    with bound() as found:
        assert found == []


def test_the_standard_port_where_it_may_be_had(ports: tuple[int, int]) -> None:
    with bound(imaps=0) as (door,):
        assert door.port == ports[0]


def test_the_high_port_where_the_standard_one_is_taken(ports: tuple[int, int]) -> None:
    with socket.create_server(("127.0.0.1", ports[0])), bound(imaps=0) as (door,):
        assert door.port == ports[1]


def test_the_high_port_where_the_standard_one_is_not_permitted(
    ports: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.socket.bind

    def bind(self: socket.socket, address: tuple[str, int]) -> None:
        if address[1] == ports[0]:
            raise PermissionError(errno.EACCES, "Permission denied")
        real(self, address)

    monkeypatch.setattr(socket.socket, "bind", bind)
    with bound(imaps=0) as (door,):
        assert door.port == ports[1]
    with pytest.raises(CannotListen, match=r"imaps: cannot listen on port \d+: Permission denied.*listen\.imaps"):
        bind_doors(listen(imaps=ports[0]), {})


def test_any_port_where_both_are_taken(ports: tuple[int, int]) -> None:
    with (
        socket.create_server(("127.0.0.1", ports[0])),
        socket.create_server(("127.0.0.1", ports[1])),
        bound(imaps=0) as (door,),
    ):
        assert door.port not in ports


def test_high_ports_if_so_wished(ports: tuple[int, int]) -> None:
    with bound(imaps=0, ports="high") as (door,):
        assert door.port == ports[1]


def test_last_time_counts_more_than_the_standard(ports: tuple[int, int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        before = free.getsockname()[1]
    with bound({"imaps": before}, imaps=0) as (door,):
        assert door.port == before


def test_a_remembered_port_that_is_taken_or_nonsense_is_passed_over(ports: tuple[int, int], taken: int) -> None:
    for remembered in (taken, -5, 70_000, 0):
        with bound({"imaps": remembered}, imaps=0) as (door,):
            assert door.port == ports[0]


def test_a_fixed_port_is_had_or_an_error(taken: int) -> None:
    with pytest.raises(CannotListen, match=rf"imaps: cannot listen on port {taken}: Address already in use"):
        bind_doors(listen(imaps=taken), {})


def test_where_one_door_cannot_be_had_none_is_kept(ports: tuple[int, int], taken: int) -> None:
    with pytest.raises(CannotListen):
        bind_doors(listen(imaps=0, submissions=taken), {})
    with bound(imaps=0) as (door,):
        assert door.port == ports[0], "it was given back"


def test_all_addresses_of_a_door_have_one_port() -> None:
    with bound(addresses=["127.0.0.1", "127.0.0.2"], ports="any", imaps=0) as found:
        assert [door.address for door in found] == ["127.0.0.1", "127.0.0.2"]
        assert len({door.port for door in found}) == 1


def test_everywhere_means_both_families_where_there_are_both() -> None:
    with bound(addresses=[], ports="any", imaps=0) as found:
        assert found[0].address == "0.0.0.0"
        assert [door.address for door in found[1:]] == ["::"] * has_ipv6()
        assert len({door.port for door in found}) == 1


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("address", ["relay.example", "", "1.2.3", "192.0.2.77"])
def test_what_is_no_address_of_this_machine_is_an_error(address: str) -> None:
    with pytest.raises(CannotListen, match=r"listen\.addresses"):
        bind_doors(listen(addresses=[address], ports="any", imaps=0), {})


def test_the_https_door_is_open_on_more_ports_if_they_are_wanted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        more = [one.getsockname()[1], other.getsockname()[1]]
    with bound(ports="any", https=0, imaps=0, more=more) as found:
        assert [door.port for door in found if door.name == "https"][1:] == more
        assert len([door for door in found if door.name == "imaps"]) == 1
    with bound(https=-1, more=more) as found:
        assert found == []


def test_a_port_too_many_that_is_taken_is_an_error(taken: int) -> None:
    with pytest.raises(CannotListen, match=f"https: cannot listen on port {taken}"):
        bind_doors(listen(ports="any", https=0, more=[taken]), {})


def test_a_shared_door_spreads_connections_over_both_sockets() -> None:
    pairs = bind_doors(listen(imaps=0, https=0, ports="any"), {})
    more = share_doors(pairs, ("imaps", "submissions"))
    try:
        ((door, other),) = more
        first = next(one for each, one in pairs if each == door)
        clients = [socket.create_connection((door.address, door.port)) for _ in range(64)]
        counts = [accepted(one) for one in (first, other)]
        assert sum(counts) == 64
        assert min(counts) > 8
        for client in clients:
            client.close()
    finally:
        for _, one in (*pairs, *more):
            one.close()


def test_a_port_that_is_shared_is_taken_for_everybody_else() -> None:
    pairs = bind_doors(listen(imaps=0, ports="any"), {})
    more = share_doors(pairs, ("imaps",))
    try:
        with pytest.raises(CannotListen):
            bind_doors(listen(imaps=pairs[0][0].port), {})
    finally:
        for _, one in (*pairs, *more):
            one.close()


def test_where_ports_cannot_be_shared_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(CannotListen, match=r"limits\.workers"):
        share_doors([], ())


def accepted(one: socket.socket) -> int:
    """How many wait at a socket."""
    for count in itertools.count():
        try:
            one.accept()[0].close()
        except BlockingIOError:
            return count
    raise AssertionError


def test_doors_that_this_machine_alone_reaches() -> None:
    bound = bind_within(["imaps", "submissions"])
    try:
        doors = [door for door, _ in bound]
        assert [(door.name, door.address, door.tls) for door in doors] == [
            ("imaps", "127.0.0.1", True),
            ("submissions", "127.0.0.1", True),
        ]
        assert [one.getsockname() for _, one in bound] == [(door.address, door.port) for door in doors]
    finally:
        for _, one in bound:
            one.close()
    assert bind_within(()) == []
