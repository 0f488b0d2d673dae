"""First words cut at random: the same words, in other pieces each time, and later ones as they are."""

import asyncio
import secrets
import socket
import ssl

import pytest
import trustme

from angarium.edge.ragged import BEGINNING, CUTS, Ragged
from angarium.reach.openssl import KNOWN
from angarium.reach.tcp_info import COUNTS, FIELDS
from angarium.reach.transport import Connection

RECORD = 5 + 16 + 1
"""Octets around what is in a record: its head, what it is authenticated by, and its kind."""


class Notes:
    """An end that notes what is written."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def read(self) -> bytes:
        return b"read"

    async def write(self, data: bytes, *, timeout: float) -> None:
        assert timeout == 5
        self.pieces.append(data)

    def abort(self) -> None:
        self.pieces.append(b"aborted")

    async def close(self) -> None:
        self.pieces.append(b"closed")


async def test_the_beginning_is_cut_and_nothing_is_lost() -> None:
    sizes = set()
    for length in (1, 2, 800, BEGINNING):
        for _ in range(50):
            end, said = Notes(), secrets.token_bytes(length)
            await Ragged(end).write(said, timeout=5)
            assert b"".join(end.pieces) == said
            assert all(end.pieces)
            assert len(end.pieces) <= CUTS
            sizes.add(tuple(map(len, end.pieces)))
    assert len(sizes) > 80


async def test_what_comes_later_is_left_as_it_is() -> None:
    end = Notes()
    ragged = Ragged(end)
    await ragged.write(bytes(BEGINNING), timeout=5)
    end.pieces.clear()
    await ragged.write(bytes(10_000), timeout=5)
    assert end.pieces == [bytes(10_000)]
    assert await ragged.read() == b"read"
    ragged.abort()
    await ragged.close()
    assert end.pieces[1:] == [b"aborted", b"closed"]


@pytest.mark.skipif(not (KNOWN and COUNTS), reason="this system does not let us, or does not count")
async def test_in_tls_the_beginning_is_filled_up_and_nothing_else() -> None:
    near, far = await shaken()
    ragged = Ragged(near)
    begun = await cost(near, far, ragged, bytes(BEGINNING))
    later = await cost(near, far, ragged, bytes(BEGINNING))
    assert later == RECORD
    assert begun >= later
    costs = set()
    for _ in range(8):
        near, far = await shaken()
        costs.add(await cost(near, far, Ragged(near), bytes(100)))
    assert any(each % RECORD for each in costs), "cut, and not filled up"


async def cost(near: Connection, far: Connection, ragged: Ragged, said: bytes) -> int:
    """Octets that are sent beside what is said, and the far end hears all of it."""
    before = on_the_wire(near)
    await ragged.write(said, timeout=5)
    sent, heard = on_the_wire(near) - before, b""
    while len(heard) < len(said):
        heard += await far.read(timeout=5)
    assert heard == said
    return sent - len(said)


def on_the_wire(connection: Connection) -> int:
    """Octets sent so far, headers of packets left out."""
    told = connection._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, FIELDS.size)
    waiting, _, sent = FIELDS.unpack(told)
    return int(waiting + sent)


async def shaken() -> tuple[Connection, Connection]:
    """Two ends of a TLS connection."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA).configure_cert(server)
    authority.configure_trust(client)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        far = Connection(socket.create_connection(listening.getsockname()))
        near = Connection(listening.accept()[0])
    await asyncio.gather(near.start_tls(server, timeout=5), far.start_tls_client(client, "localhost", timeout=5))
    await far.write(b"hello")
    await near.read(timeout=5)
    return near, far
