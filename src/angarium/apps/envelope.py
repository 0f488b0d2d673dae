"""The key that parcels are sealed to and from: made when it is first needed, kept for ever, its public half on cards.

A file of the data directory beside those that sign. Another key means another card for every keeper: none is made in
the place of one that is damaged.
"""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from angarium.apps.home import Home, HomeError
from angarium.reach.files import write_whole

__all__ = ["envelope_key"]

FILE = "envelope.pem"


def envelope_key(home: Home) -> X25519PrivateKey:
    """The key. Raises HomeError where it cannot be read or written, or is damaged."""
    path = home.keys / FILE
    try:
        with home.alone():
            try:
                pem = path.read_bytes()
            except FileNotFoundError:
                made = X25519PrivateKey.generate()
                write_whole(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
                return made
    except OSError as error:
        raise HomeError(f"cannot read or write {error.filename or path}: {error.strerror}.") from None
    try:
        kept = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        kept = None
    if not isinstance(kept, X25519PrivateKey):
        raise HomeError(
            f"{path} holds no key of its kind: put it back from a copy; or delete it, and give every keeper the new "
            "card that angarium peer card shows then."
        )
    return kept
