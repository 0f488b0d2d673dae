"""The keys that sign what leaves the relay: made when they are first needed, kept for ever, published in DNS.

One of RSA, which everybody understands, and one of Ed25519. Each is a file of the data directory and has the name of
its file as its selector. A new key means a new record in DNS: none is made in the place of one that is damaged.
"""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from angarium.apps.home import Home, HomeError
from angarium.reach.files import write_whole
from angarium.wire.dkim.sign import PrivateKey

__all__ = ["signing_keys"]

BITS = 2048
"""Of the RSA key: what fits into one TXT record of most providers, and what RFC 8301, 3.2 asks for."""


def signing_keys(home: Home) -> list[tuple[str, PrivateKey]]:
    """Selector and key of each, RSA first.

    Raises:
        HomeError: one cannot be read or written, or is damaged.
    """
    kinds: dict[str, Callable[[], PrivateKey]] = {
        "dkim-rsa": lambda: generate_private_key(65537, BITS),
        "dkim-ed25519": Ed25519PrivateKey.generate,
    }
    try:
        with home.alone():
            return [(selector, _key(home, selector, make)) for selector, make in kinds.items()]
    except OSError as error:
        raise HomeError(f"cannot read or write {error.filename or home.keys}: {error.strerror}.") from None


def _key(home: Home, selector: str, make: Callable[[], PrivateKey]) -> PrivateKey:
    path = home.keys / f"{selector}.pem"
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        made = make()
        write_whole(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made
    try:
        kept = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        kept = None
    if not isinstance(kept, RSAPrivateKey if selector == "dkim-rsa" else Ed25519PrivateKey):
        raise HomeError(
            f"{path} holds no key of its kind: put it back from a copy; or delete it, and set the new record that "
            "angarium dns shows then."
        )
    return kept
