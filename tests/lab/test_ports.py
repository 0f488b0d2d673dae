"""Ports that are free, and different."""

import socket

import pytest

from angarium.lab import ports
from angarium.lab.ports import free_ports

HOST = "127.0.0.1"


def test_they_are_free_and_different(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = free_ports(HOST, 3)
    assert len({first, second, third}) == 3
    with socket.create_server((HOST, first)):
        monkeypatch.setattr(ports, "PORTS", range(first, first + 8))
        assert first not in free_ports(HOST, 2)
