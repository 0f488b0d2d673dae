"""What a person sees in the terminal: QR codes, plain lists, sizes."""

import sys
from io import StringIO

import segno

__all__ = ["qr", "size"]


WHITE_ON_BLACK = "\x1b[38;5;231;48;5;16m"
RESET = "\x1b[0m"


def qr(link: str, *, colour: bool | None = None) -> str:
    """The link as a QR code of half-block characters.

    The blocks are the light parts. On a terminal the colours are set, so that the code is not inverted where people
    write dark on light: not every scanner reads that. `colour` overrides the look at standard output.
    """
    out = StringIO()
    segno.make(link, error="l", micro=False).terminal(out=out, border=4, compact=True)
    if not (sys.stdout.isatty() if colour is None else colour):
        return out.getvalue()
    return "".join(f"{WHITE_ON_BLACK}{line}{RESET}\n" for line in out.getvalue().splitlines())


def size(octets: int) -> str:
    """A number of bytes as people read it."""
    amount = float(octets)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
