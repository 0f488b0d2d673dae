"""What may stand in a text that strangers wrote: nothing a page cannot hold, no sign that turns what comes after it.

Pure. Marks that only say which way a word runs (U+200E, U+200F, U+061C) stay, since people who write in two directions
need them. Embeddings and isolates stay as far as they are closed where they were opened, within their line; overrides,
which show letters in an order nobody wrote, are dropped (Unicode Standard Annex 9, section 2).
"""

import re
import unicodedata

__all__ = ["line", "slug", "tidy", "whole"]

UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]"
)
HALF = re.compile("[\ud800-\udfff]")
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
OVERRIDES, EMBEDDINGS, ISOLATES = "\u202d\u202e", "\u202a\u202b", "\u2066\u2067\u2068"
POP_EMBEDDING, POP_ISOLATE = "\u202c", "\u2069"
DROPPED = ""
"""What closes an override: nothing, as it was not opened."""
LONGEST_SLUG = 60


def tidy(text: str) -> str:
    """A text with what a page cannot hold taken out; lines end in LF. Half of a surrogate pair becomes U+FFFD."""
    if not UNFIT.search(text):
        return text
    text = re.sub("\r\n?|[\u2028\u2029\x85]", "\n", text)
    text = UNFIT.sub(lambda found: found[0] if TURNING.match(found[0]) else _instead(found[0]), text)
    if not TURNING.search(text):
        return text
    return "\n".join(_balanced(each) if TURNING.search(each) else each for each in text.split("\n"))


def whole(text: str) -> str:
    """A text that UTF-8 can hold, of the same length: half of a surrogate pair becomes U+FFFD."""
    return HALF.sub("\ufffd", text)


def line(text: str, most: int = 200) -> str:
    """A text as one line of `most` code points at the most, such as a name: nothing in it turns anything."""
    return " ".join(TURNING.sub("", tidy(text)).split())[:most].rstrip()


def slug(name: str) -> str:
    """What names somebody in addresses of pages: letters and digits of any script, and hyphens. May be empty."""
    kept = [
        sign if unicodedata.category(sign)[0] in "LNM" else "-"
        for sign in unicodedata.normalize("NFKC", line(name)).casefold()
    ]
    return re.sub("-+", "-", "".join(kept))[:LONGEST_SLUG].strip("-")


def _instead(sign: str) -> str:
    return "\ufffd" if "\ud800" <= sign <= "\udfff" else ""


def _balanced(text: str) -> str:
    out: list[str] = []
    closers: list[str] = []
    isolates = 0
    for sign in text:
        if sign in OVERRIDES:
            closers.append(DROPPED)
            continue
        if sign in EMBEDDINGS:
            closers.append(POP_EMBEDDING)
        elif sign in ISOLATES:
            closers.append(POP_ISOLATE)
            isolates += 1
        elif sign == POP_EMBEDDING:
            if not closers or closers[-1] == POP_ISOLATE or closers.pop() == DROPPED:
                continue
        elif sign == POP_ISOLATE:
            if not isolates:
                continue
            isolates -= 1
            while (closer := closers.pop()) != POP_ISOLATE:
                out.append(closer)
        out.append(sign)
    return "".join([*out, *reversed(closers)])
