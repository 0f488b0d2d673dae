"""The last thing that went wrong, for `angarium status`: in memory only, and only what the log was told."""

import logging

__all__ = ["LastError"]


class LastError(logging.Handler):
    """Remembers the newest record at or above its level."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line; no time, which would say when somebody did something."""
        self.text = f"{record.name.removeprefix('angarium.')}: {record.getMessage()}".splitlines()[0]
