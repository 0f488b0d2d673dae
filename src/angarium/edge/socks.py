"""The door of SOCKS5: where the app asks for a tunnel in another way than by HTTP. Off unless the keeper opens it.

Nothing is hidden here: name, password and goal of a pass go in clear, and whoever knocks is told that this is SOCKS5.
It is for ways that are encrypted already (Tor), and for networks that let this through and nothing else. What is inside
the tunnel is TLS, as ever.

Passes and goals are those of `edge/tunnel`. RFC 1928, RFC 1929.
"""

import asyncio
import contextlib

from angarium.edge.tunnel import Onward, Tunnels
from angarium.reach.transport import Connection
from angarium.wire.socks import Ask, Login, Server, State

__all__ = ["serve_socks"]


async def serve_socks(connection: Connection, tunnels: Tunnels, *, seconds: float) -> None:
    """Serve one connection to its end. `seconds`: from its beginning until it has said where to.

    Raises nothing but CancelledError.
    """
    connection.settle()  # there is no login to wait for
    machine = Server()
    try:
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(seconds):
                onward = await _asked(connection, machine, tunnels)
            last = machine.to_send()
            if onward is not None:
                connection.unread(machine.rest())
                await onward(connection, last)
            elif last:
                await connection.write(last, timeout=seconds)
    finally:
        await connection.close()


async def _asked(connection: Connection, machine: Server, tunnels: Tunnels) -> Onward | None:
    """Where it leads, with the answer not sent yet; None: nowhere."""
    user = ""
    while True:
        data = await connection.read()
        question = machine.receive(data)
        if isinstance(question, Login):
            user = question.user
            machine.reply(yes=tunnels.passes.admits(user, question.password))
            question = machine.receive(b"")
        if isinstance(question, Ask):
            onward = await tunnels.lead(user, question.authority)
            machine.reply(yes=onward is not None)
            return onward
        if machine.state is State.OVER or not data:
            return None
        if said := machine.to_send():
            await connection.write(said)
