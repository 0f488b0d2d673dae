"""What went wrong with a connection, in words of our own: no address, and no place in OpenSSL's source."""

import errno
import os
import ssl

__all__ = ["NoRoute", "failure"]

NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class NoRoute(ConnectionError):
    """This machine knows no way to that address."""


def failure(error: OSError) -> ConnectionError:
    """The same failure as a ConnectionError, without the place in OpenSSL's source, and never with an address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectionError(f"TLS: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return ConnectionError(f"TLS: {(error.reason or 'failed').lower().replace('_', ' ')}")
    if isinstance(error, ConnectionError):
        return error
    kind = NoRoute if error.errno in NO_ROUTE else ConnectionError
    return kind(os.strerror(error.errno) if error.errno else "failed")
