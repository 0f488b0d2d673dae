"""IDLE (RFC 2177): the one time the server speaks unasked.

A session in IDLE waits for whatever comes first, the client's DONE or news of its mailbox, and tells the news before it
waits again. So there is one task for each connection, nobody else ever writes, and a slow reader holds up itself only.
"""

from angarium.edge.imap.breath import AGAIN
from angarium.edge.imap.session import Session
from angarium.wire.imap.view import Moment

__all__ = ["begin", "reassure", "speak"]


async def begin(session: Session) -> None:
    """Say `+ idling`, and right behind it all that is unannounced (the first hard rule)."""
    session.machine.idling()
    if session.has_selected:
        session.selected.opened.forget()
        _tell(session)
    await session.flush()
    session.connection.settle()


async def speak(session: Session) -> None:
    """Tell the news. Raises Gone, TimeoutError, ConnectionError."""
    await session.refresh()
    _tell(session)
    await session.flush()


async def reassure(session: Session) -> None:
    """Let the client hear that the connection lives: with nothing in it, not even a time."""
    session.carried = True
    if session.breath is not None and session.breath.spent(session):
        session.machine.bye(AGAIN)
    else:
        session.machine.untagged(b"OK Still here")
    await session.flush()


def _tell(session: Session) -> None:
    """Say what the client does not know yet, or end where what has arrived does not fit any more."""
    arrived = session.selected.view.arrived
    breath = session.breath
    if arrived and breath is not None and not breath.announces(session, arrived[0].size) and not breath.rouses(session):
        session.machine.bye(AGAIN)
    else:
        session.announce(Moment.FREE)
