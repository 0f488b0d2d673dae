"""The key that signs what a channel publishes, kept in its folder; and the statements by which it became that.

`channel.key` is the secret half, readable by its owner only, `channel.pub` the public one, both as minisign has them. A
key that gave its place to another leaves a statement in `before/` (`successor`) and is overwritten. While one takes the
place of another, the new one waits in `channel.next`: it is used from when the statement is on the disk, whatever
happens in between.
"""

from pathlib import Path

from angarium.channel.minisign import BadKey, SecretKey
from angarium.channel.successor import BadHandover, Handover, hand_over, parse
from angarium.reach.files import erase, replace_erased, write_whole

__all__ = ["KeyMissing", "Keys"]


class KeyMissing(Exception):
    """The channel's key cannot be used; the text says why and what to do."""


class Keys:
    """A channel's folder of keys."""

    def __init__(self, folder: Path) -> None:
        self.secret = folder / "channel.key"
        self.public = folder / "channel.pub"
        self._next = folder / "channel.next"
        self._before = folder / "before"

    def make(self) -> SecretKey:
        """The key, made if there is none yet.

        Raises:
            KeyMissing: there is one that cannot be used.
            OSError: it could not be written.
        """
        if self.secret.exists():
            return self.load()
        key = SecretKey.draw()
        write_whole(self.secret, key.file().encode())
        write_whole(self.public, key.public.file().encode())
        return key

    def load(self) -> SecretKey:
        """The key there is.

        Raises:
            KeyMissing: there is none, or it cannot be used.
        """
        key = self._read(self.secret)
        if self._next.exists():
            key = self._take_over(key)
        return key

    def _read(self, path: Path) -> SecretKey:
        try:
            return SecretKey.parse(path.read_text("ascii"))
        except FileNotFoundError:
            raise KeyMissing(f"there is no {path}. It is made by: angarium channel init") from None
        except (OSError, UnicodeDecodeError, BadKey) as error:
            raise KeyMissing(f"{path} cannot be used: {error}") from None

    def handovers(self) -> list[Handover]:
        """How the key came to be this channel's, the first statement first. Raises KeyMissing if one is damaged."""
        found: list[Handover] = []
        while (place := self._before / str(len(found) + 1)).exists():
            try:
                pieces = [Path(f"{place}{ending}").read_bytes() for ending in ("", ".minisig", ".new.minisig")]
                found.append(parse(*pieces))
            except (OSError, BadHandover) as error:
                raise KeyMissing(f"{place} is damaged: {error}") from None
        return found

    def hand_over(self, channel: str, day: str, address: str = "") -> Handover:
        """Draw another key, which signs from now on; the one before is overwritten, as far as a disk lets that be done.

        Raises:
            KeyMissing: there is no key to hand over from.
            OSError: it could not be written.
        """
        old, new, number = self.load(), SecretKey.draw(), len(self.handovers()) + 1
        handover = hand_over(old, new, number=number, channel=channel, day=day, address=address)
        write_whole(self._next, new.file().encode())
        for path, content in sorted(handover.files().items(), reverse=True):  # the statement itself is the last
            write_whole(self._before / Path(path).name, content)
        self._take_over(old)
        return handover

    def _take_over(self, old: SecretKey) -> SecretKey:
        """Let the key that waits take the place of the other, if the statement for it is there."""
        new, handovers = self._read(self._next), self.handovers()
        if not handovers or handovers[-1].new != new.public:
            erase(self._next)
            return old
        if old != new:
            replace_erased(self.secret, new.file().encode())
        write_whole(self.public, new.public.file().encode())
        erase(self._next)
        return new
