"""Why something that was to be imported was not: always the whole of it, and with the place where it breaks."""

__all__ = ["Refused"]


class Refused(Exception):
    """What was to be imported is damaged, hostile, or none of the kind; the text says where, why and what to do."""

    @classmethod
    def at(cls, file: str, line: int, column: int, why: str) -> "Refused":
        """It breaks at this line and column of a file, both counted from 1, in code points."""
        return cls(f"{file}, line {line}, column {column}: {why}")
