"""Keys of relays that no authority vouches for: found by the keyed name of their destination, hidden with it.

The disk tells how many there are, and neither which relays this one has spoken to nor what their keys are: a key is
public, and could be looked up.
"""

import msgspec

from angarium.store.rows import Backend, News, Writing
from angarium.store.seal import Seal

__all__ = ["StoredKeys"]

_decoder = msgspec.msgpack.Decoder(tuple[str, bytes])


class StoredKeys:
    """See `store.outbound.Keys`."""

    def __init__(self, backend: Backend, seal: Seal) -> None:
        self._backend = backend
        self._seal = seal

    async def get(self, destination: str) -> bytes | None:
        """See `Keys.get`."""
        peer = self._name(destination)
        hidden = await self._backend.read(lambda rows: rows.peer(peer))
        return None if hidden is None else self._shown(peer, hidden)[1]

    async def put(self, destination: str, key: bytes) -> None:
        """See `Keys.put`."""
        peer, hidden = self._hidden(destination, key)

        def job(rows: Writing, news: News) -> None:
            if rows.peer(peer) is None:
                rows.put_peer(peer, hidden)

        await self._backend.write(job)

    async def replace(self, destination: str, key: bytes | None) -> None:
        """See `Keys.replace`."""
        if key is None:
            peer = self._name(destination)
            await self._backend.write(lambda rows, news: rows.remove_peer(peer))
        else:
            peer, hidden = self._hidden(destination, key)
            await self._backend.write(lambda rows, news: rows.put_peer(peer, hidden))

    async def all(self) -> dict[str, bytes]:
        """See `Keys.all`."""
        found = await self._backend.read(lambda rows: rows.peers())
        return dict(self._shown(peer, hidden) for peer, hidden in found)

    def _name(self, destination: str) -> bytes:
        return self._seal.name("peer", destination)

    def _hidden(self, destination: str, key: bytes) -> tuple[bytes, bytes]:
        """The keyed name, and what is hidden under it."""
        peer = self._name(destination)
        return peer, self._seal.hide(msgspec.msgpack.encode((destination, key)), bound=b"peer " + peer)

    def _shown(self, peer: bytes, hidden: bytes) -> tuple[str, bytes]:
        return _decoder.decode(self._seal.reveal(hidden, bound=b"peer " + peer))
