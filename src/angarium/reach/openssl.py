"""OpenSSL's own objects behind Python's, for the few things that it can do and Python cannot ask of it.

Where they stand is not part of Python's interface. A context's is the first thing in its object, in CPython up to 3.14.
A connection's is found only between its two neighbours, which Python shows: the weak reference to the socket, and the
context; and it is taken for one only if OpenSSL says that it belongs to that context. Wherever one of this is not so
there is nothing, and who asks does without.

OpenSSL: SSL_get_SSL_CTX(3).
"""

import _ssl
import ctypes
import ssl
import sys
import weakref
from functools import cache

__all__ = ["KNOWN", "connection_of", "context_of", "library"]

KNOWN = sys.implementation.name == "cpython" and sys.version_info < (3, 15) and hasattr(_ssl, "__file__")
"""Whether anything is looked for in this Python."""
WORD = ctypes.sizeof(ctypes.c_void_p)


@cache
def library() -> ctypes.CDLL:
    """The functions of the OpenSSL that Python is linked with. Only where KNOWN."""
    found = ctypes.CDLL(_ssl.__file__)
    found.SSL_get_SSL_CTX.argtypes = [ctypes.c_void_p]
    found.SSL_get_SSL_CTX.restype = ctypes.c_void_p
    found.SSL_set_block_padding.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return found


def context_of(context: ssl.SSLContext) -> int | None:
    """The SSL_CTX of a context, valid as long as that is."""
    return _words(context, 1)[0] if KNOWN else None


def connection_of(tls: ssl.SSLSocket) -> tuple[int, object] | None:
    """The SSL of a connection, valid as long as the object beside it; None: it was not found."""
    inner = getattr(tls, "_sslobj", None)
    if not KNOWN or inner is None or type(inner).__basicsize__ < object.__basicsize__ + 3 * WORD:
        return None
    before, found, behind = _words(inner, 3)
    if not found or before != id(weakref.ref(tls)) or behind != id(tls.context):
        return None
    return (found, inner) if library().SSL_get_SSL_CTX(found) == context_of(tls.context) else None


def _words(of: object, count: int) -> list[int | None]:
    """The first words of an object, behind what all objects have."""
    begin = id(of) + object.__basicsize__
    return [ctypes.c_void_p.from_address(begin + number * WORD).value for number in range(count)]
