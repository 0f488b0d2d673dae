"""Commands at the door: capabilities, TLS, login, compression (RFC 3501, 6.1 and 6.2; RFC 2971, 4978, 5161).

Before login nothing tells this relay from any other IMAP server: one that scans the internet learns no more.
"""

from angarium.edge.deflate import Deflated
from angarium.edge.imap.breath import MEMORY
from angarium.edge.imap.rouse import Rouse
from angarium.edge.imap.session import Session
from angarium.mail.accounts import Refused
from angarium.wire.imap.commands import State
from angarium.wire.imap.commands.entry import Capability, Compress, Enable, Id, Login, Logout, StartTls

__all__ = ["capabilities", "capability", "compress", "enable", "identify", "login", "logout", "start_tls"]

INSIDE = (  # without ID: the app would ask, and learn nothing for a round trip
    *("ENABLE", "IDLE", "NAMESPACE", "CHILDREN", "UIDPLUS", "UNSELECT", "MOVE", "CONDSTORE"),
    *("QUOTA", "METADATA", "COMPRESS=DEFLATE", "XCHATMAIL"),
)


def capabilities(session: Session) -> str:
    """What the client may use now."""
    offered = ["IMAP4rev1", "LITERAL+"]
    if session.machine.state is State.GREETED:
        offered += ["SASL-IR", "ID"]
        if session.machine.secure:
            offered.append("AUTH=PLAIN")
        else:
            offered += ["STARTTLS"] * (session.site.tls() is not None) + ["LOGINDISABLED"]
    else:
        offered += INSIDE
        if isinstance(session.connection, Deflated):
            offered.remove("COMPRESS=DEFLATE")
        if session.site.push:
            offered.append("XDELTAPUSH")
    return " ".join(offered)


async def capability(session: Session, _command: Capability) -> None:
    """CAPABILITY."""
    session.machine.untagged(b"CAPABILITY ", capabilities(session).encode("ascii"))
    session.machine.complete("OK", "Completed")


async def identify(session: Session, _command: Id) -> None:
    """ID. Says nothing, and keeps nothing of what the client said."""
    session.machine.untagged(b"ID NIL")
    session.machine.complete("OK", "Completed")


async def login(session: Session, command: Login) -> None:
    """LOGIN and AUTHENTICATE. The app takes "authentication" anywhere in a refusal for a wrong password."""
    given = command.credentials
    try:
        owner = await session.site.gate.login(given.username, given.password)
    except Refused as refused:
        session.machine.complete("NO", refused.text, _code(refused))
        return
    await session.enter(owner)
    if session.breath is not None:
        session.rouse = Rouse(given.username, session.breath.destroyed(session))
    session.machine.complete("OK", "Logged in", f"CAPABILITY {capabilities(session)}")


def _code(refused: Refused) -> str:
    """The response code (RFC 5530): the app takes "authentication" anywhere in the line for a wrong password."""
    if refused.temporary:
        return "UNAVAILABLE"
    return "AUTHENTICATIONFAILED" if "authentication" in refused.text.lower() else "AUTHORIZATIONFAILED"


async def logout(session: Session, _command: Logout) -> None:
    """LOGOUT."""
    session.unselect()
    session.machine.untagged(b"BYE Logging out")
    session.machine.complete("OK", "Completed")
    session.machine.hang_up()


async def start_tls(session: Session, _command: StartTls) -> None:
    """STARTTLS. What came in clear behind it is never read (RFC 3501, 6.2.1)."""
    context = session.site.tls()
    if session.machine.secure or context is None or isinstance(session.connection, Deflated):
        session.machine.complete("BAD", "Not now")
        return
    session.machine.complete("OK", "Begin TLS now")
    await session.flush()
    await session.connection.start_tls(context, timeout=session.site.limits.handshake_seconds)
    session.machine.secured()


async def enable(session: Session, command: Enable) -> None:
    """ENABLE. Of what can be enabled there is only CONDSTORE."""
    enabled = b""
    if "CONDSTORE" in command.names and not session.condstore:
        session.condstore = True
        enabled = b" CONDSTORE"
    session.machine.untagged(b"ENABLED", enabled)
    session.machine.complete("OK", "Completed")


async def compress(session: Session, command: Compress) -> None:
    """COMPRESS. Everything behind its OK is deflated, in both directions (RFC 4978)."""
    if isinstance(session.connection, Deflated):
        session.machine.complete("NO", "Compressed already", "COMPRESSIONACTIVE")
    elif command.mechanism != "DEFLATE":
        session.machine.complete("NO", "Unknown mechanism", "CANNOT")
    else:
        session.machine.complete("OK", "Deflate from here on")
        await session.flush()
        memory = 0 if session.breath is None else MEMORY
        session.connection = Deflated(session.connection, session.machine.leftover(), memory=memory)
