"""The key that signs what a channel publishes, kept in its folder; and the statements by which it became that.

`channel.key` is the secret half, readable by its owner only, `channel.pub` the public one, both as minisign has them. A
key that gave its place to another leaves a statement in `before/` (`successor`) and is overwritten. While one takes the
place of another, the new one waits in `channel.next`: it is used from when the statement is on the disk, whatever
happens in between.

A secret half may lie behind a passphrase. It is asked for when the key is first needed, and a key that was opened stays
open in memory for as long as its file says the same.
"""

from collections.abc import Callable
from pathlib import Path

from angarium.channel.minisign import BadKey, Locked, SecretKey, WrongPassphrase
from angarium.channel.successor import BadHandover, Handover, hand_over, parse
from angarium.reach.files import erase, replace_erased, write_whole

__all__ = ["Ask", "KeyMissing", "Keys", "nobody"]

Ask = Callable[[Path], str]
"""Tells the passphrase of a key that lies there. Raises KeyMissing where there is nobody to ask."""


class KeyMissing(Exception):
    """The channel's key cannot be used; the text says why and what to do."""


def nobody(path: Path) -> str:
    """Where nobody can be asked."""
    raise KeyMissing(f"{path} is behind a passphrase: give it with --passphrase-file")


class Keys:
    """A channel's folder of keys."""

    def __init__(self, folder: Path, ask: Ask = nobody) -> None:
        self.secret = folder / "channel.key"
        self.public = folder / "channel.pub"
        self._next = folder / "channel.next"
        self._before = folder / "before"
        self._ask = ask
        self._passphrase: str | None = None
        self._open: dict[str, SecretKey] = {}
        """Keys that were opened, by what their files say."""

    def make(self, passphrase: str | None = None) -> SecretKey:
        """The key, made if there is none yet, behind that passphrase if there is to be one.

        Raises:
            KeyMissing: there is one that cannot be used, or this machine has not the memory that a passphrase takes.
            OSError: it could not be written.
        """
        if self.secret.exists():
            return self.load()
        key = SecretKey.draw()
        self._passphrase = passphrase
        write_whole(self.secret, self._file(key, passphrase))
        write_whole(self.public, key.public.file().encode())
        return key

    def locked(self) -> bool:
        """Whether there is a key, and one behind a passphrase. Raises KeyMissing where it is damaged."""
        if not self.secret.exists():
            return False
        try:
            SecretKey.parse(self._text(self.secret))
        except Locked:
            return True
        except BadKey as error:
            raise KeyMissing(f"{self.secret} cannot be used: {error}") from None
        return False

    def load(self) -> SecretKey:
        """The key there is.

        Raises:
            KeyMissing: there is none, or it cannot be used.
        """
        key = self._read(self.secret)
        if self._next.exists():
            key = self._take_over(key)
        return key

    def relock(self, passphrase: str | None) -> None:
        """Put the key under another passphrase, or none; what was on the disk for it before is overwritten.

        Raises:
            KeyMissing: there is none, or it cannot be used.
            OSError: it could not be written; then nothing has changed.
        """
        key = self.load()
        replace_erased(self.secret, self._file(key, passphrase))
        self._passphrase = passphrase

    def _text(self, path: Path) -> str:
        try:
            return path.read_text("ascii")
        except FileNotFoundError:
            raise KeyMissing(f"there is no {path}. It is made by: angarium channel init") from None
        except (OSError, UnicodeDecodeError) as error:
            raise KeyMissing(f"{path} cannot be used: {error}") from None

    def _read(self, path: Path) -> SecretKey:
        text = self._text(path)
        if text not in self._open:
            try:
                self._open[text] = self._parse(path, text)
            except WrongPassphrase:
                self._passphrase = None
                raise KeyMissing(f"this is not the passphrase of {path}, or the file is damaged") from None
            except BadKey as error:
                raise KeyMissing(f"{path} cannot be used: {error}") from None
        return self._open[text]

    def _parse(self, path: Path, text: str) -> SecretKey:
        try:
            return SecretKey.parse(text)
        except Locked:
            if self._passphrase is None:
                self._passphrase = self._ask(path)
            return SecretKey.parse(text, self._passphrase)

    def _file(self, key: SecretKey, passphrase: str | None) -> bytes:
        try:
            text = key.file(passphrase)
        except BadKey as error:
            raise KeyMissing(f"the key cannot be put under a passphrase: {error}") from None
        self._open[text] = key
        return text.encode()

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
        """Draw another key, which signs from now on, behind the same passphrase if there is one; the one before is
        overwritten, as far as a disk lets that be done.

        Raises:
            KeyMissing: there is no key to hand over from.
            OSError: it could not be written.
        """
        old, new, number = self.load(), SecretKey.draw(), len(self.handovers()) + 1
        handover = hand_over(old, new, number=number, channel=channel, day=day, address=address)
        write_whole(self._next, self._file(new, self._passphrase if self.locked() else None))
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
            replace_erased(self.secret, self._next.read_bytes())
        write_whole(self.public, new.public.file().encode())
        erase(self._next)
        return new
