"""What a person sees in the terminal: QR codes, plain lists, sizes."""

from io import StringIO

import segno

__all__ = ["qr", "size"]


def qr(link: str) -> str:
    """The link as a QR code of half-block characters, dark on light whatever the terminal's colours."""
    out = StringIO()
    segno.make(link, error="l", micro=False).terminal(out=out, border=2, compact=True)
    return out.getvalue()


def size(octets: int) -> str:
    """A number of bytes as people read it."""
    amount = float(octets)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
