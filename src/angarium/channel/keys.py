"""The key that signs what a channel publishes, kept in its folder; and those it had before.

`channel.key` is the secret half, readable by its owner only, `channel.pub` the public one, both as minisign has them. A
key that was replaced leaves its public half in `before/`, with the statement that handed over (`successor`).
"""

from pathlib import Path

from angarium.channel.minisign import BadKey, SecretKey
from angarium.reach.files import write_whole

__all__ = ["KeyMissing", "Keys"]


class KeyMissing(Exception):
    """The channel's key cannot be read; the text says why and what to do."""


class Keys:
    """A channel's folder of keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = folder / "channel.key"
        self.public = folder / "channel.pub"

    def make(self) -> SecretKey:
        """The key, made if there is none yet.

        Raises:
            KeyMissing: there is one that cannot be used.
            OSError: it could not be written.
        """
        return self.load() if self.secret.exists() else self.replace(SecretKey.draw())

    def load(self) -> SecretKey:
        """The key there is.

        Raises:
            KeyMissing: there is none, or it cannot be used.
        """
        try:
            return SecretKey.parse(self.secret.read_text("ascii"))
        except FileNotFoundError:
            raise KeyMissing(f"there is no {self.secret}. It is made by: angarium channel init") from None
        except (OSError, UnicodeDecodeError, BadKey) as error:
            raise KeyMissing(f"{self.secret} cannot be used: {error}") from None

    def replace(self, key: SecretKey) -> SecretKey:
        """Sign with `key` from now on. Raises OSError."""
        write_whole(self.secret, key.file().encode())
        write_whole(self.public, key.public.file().encode())
        return key
