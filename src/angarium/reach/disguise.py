"""TLS sessions as stock nginx keeps them: two tickets that are good for five minutes, and no session without one.

Whoever connects sees how many tickets there are, how long they last, and how large they are. Python can set the first
only, so the others are set by OpenSSL's own functions in the context that Python made (`openssl`). Where that cannot be
reached sessions stay as they are.

RFC 8446, 4.6.1 (NewSessionTicket); RFC 5077. OpenSSL: SSL_CTX_set_timeout(3), SSL_CTX_set_session_cache_mode(3).
"""

import ctypes
import secrets
import ssl

from angarium.reach.openssl import context_of, library

__all__ = ["disguise"]

TICKETS = 2
SECONDS = 300
SET_CACHE_MODE, SERVER_WITHOUT_STORE = 44, 0x0002 | 0x0080 | 0x0200
"""SSL_CTRL_SET_SESS_CACHE_MODE; SSL_SESS_CACHE_SERVER, NO_AUTO_CLEAR and NO_INTERNAL_STORE (openssl/ssl.h)."""
SET_MODE, CHAIN_AS_IT_IS = 33, 0x0008
"""SSL_CTRL_MODE; SSL_MODE_NO_AUTO_CHAIN. OpenSSL would otherwise look for a chain anew in each handshake."""
CONTEXT_OCTETS = 20
"""Of the name under which nginx keeps sessions; it is part of each ticket."""
OPTIONS = ssl.OP_IGNORE_UNEXPECTED_EOF | ssl.OP_NO_RENEGOTIATION
"""Who ends without a goodbye is not answered with an alert."""


def disguise(context: ssl.SSLContext) -> bool:
    """Have a server's context treat sessions as nginx does; whether all of it could be done."""
    context.num_tickets = TICKETS
    context.options |= OPTIONS
    inner = context_of(context)
    if inner is None:
        return False
    found, pointer = library(), ctypes.c_void_p(inner)
    name = secrets.token_bytes(CONTEXT_OCTETS)
    found.SSL_CTX_set_timeout(pointer, ctypes.c_long(SECONDS))
    found.SSL_CTX_ctrl(pointer, SET_CACHE_MODE, ctypes.c_long(SERVER_WITHOUT_STORE), None)
    found.SSL_CTX_ctrl(pointer, SET_MODE, ctypes.c_long(CHAIN_AS_IT_IS), None)
    return bool(found.SSL_CTX_set_session_id_context(pointer, name, CONTEXT_OCTETS))
