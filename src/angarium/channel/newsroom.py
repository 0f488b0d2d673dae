"""A channel's folder at its newsroom: what lies where in it. Nobody but its owner may look inside."""

from pathlib import Path

from angarium.channel.archive import Archive
from angarium.channel.keys import Ask, Keys, nobody
from angarium.channel.media import Media
from angarium.channel.settings import Settings

__all__ = ["Newsroom"]


class Newsroom:
    """The folder of one channel, which need not be there yet."""

    def __init__(self, folder: Path, ask: Ask = nobody) -> None:
        """`ask`: who tells the passphrase of the channel's key, where it has one."""
        self.folder = folder
        self.settings_file = folder / "channel.toml"
        self.ledger = folder / "site.db"
        """What the site wrote last, so that it writes what changed only."""
        self.keys = Keys(folder / "keys", ask)

    def settings(self) -> Settings:
        """What its owner wrote. Raises BadSettings."""
        return Settings.load(self.settings_file)

    def archive(self) -> Archive:
        """Its posts. Raises ArchiveError."""
        return Archive(self.folder / "posts.db")

    def media(self) -> Media:
        """What is attached to them."""
        return Media(self.folder / "media")
