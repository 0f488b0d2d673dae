"""When a channel gets another key: a statement that the old one signs, and the new one too.

The old key says who follows; the new one that it is there, so that nobody is named a successor without knowing. Copies
follow from the key they know, over as many statements as there are. What no statement can do: help when the key was
lost, since nothing can be signed with it; or when it was stolen, since whoever has it can name a successor too. Then
readers have to hear of the new key by another way. Pure: text in, values out, and the reverse.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from angarium.channel.minisign import BadKey, BadSignature, PublicKey, SecretKey

__all__ = ["KEYS", "BadHandover", "Handover", "hand_over", "leads", "parse"]

KEYS = "proof/keys/"
"""Where statements lie in a site, numbered from 1, each with its two signatures."""
MOST = 64
"""Statements that are followed."""
FIRST = "This channel's key is replaced. Angarium handover 1."
LINES = ("number", "channel", "old", "new", "day", "address")
SAID = re.compile(r"([a-z]+): ([^\r\n]*)")


class BadHandover(Exception):
    """A statement is none, or is not signed by both keys; the text says why."""


@dataclass(frozen=True, slots=True)
class Handover:
    """One key's place is taken by another."""

    number: int
    channel: str
    old: PublicKey
    new: PublicKey
    day: str
    """When, such as 2026-11-26."""
    address: str
    """Where the site is to be found from then on; empty: where it was."""
    by_old: str = ""
    by_new: str = ""

    def text(self) -> str:
        """The statement, as both sign it."""
        said = (self.number, " ".join(self.channel.split()), self.old, self.new, self.day, self.address)
        return "\n".join([FIRST, *(f"{name}: {value}" for name, value in zip(LINES, said, strict=True)), ""])

    def files(self) -> dict[str, bytes]:
        """The statement and its signatures, by their places in the site."""
        place = f"{KEYS}{self.number}"
        return {
            place: self.text().encode(),
            f"{place}.minisig": self.by_old.encode(),
            f"{place}.new.minisig": self.by_new.encode(),
        }


def hand_over(old: SecretKey, new: SecretKey, *, number: int, channel: str, day: str, address: str = "") -> Handover:
    """A statement by which `new` takes the place of `old`."""
    said = Handover(number, " ".join(channel.split()), old.public, new.public, day, address)
    text = said.text().encode()
    comment = f"handover {number} {day}"
    by_old, by_new = old.sign(text, comment), new.sign(text, comment)
    return Handover(number, said.channel, said.old, said.new, day, address, by_old, by_new)


def parse(text: bytes, by_old: bytes, by_new: bytes) -> Handover:
    """A statement that both keys have signed.

    Raises:
        BadHandover: it is none, or they have not.
    """
    try:
        lines = text.decode().splitlines()
        said = [SAID.fullmatch(line) for line in lines[1:]]
        values = {found[1]: found[2] for found in said if found}
        if lines[:1] != [FIRST] or tuple(found[1] for found in said if found) != LINES or len(said) != len(LINES):
            raise BadHandover("this is no statement about a key")
        old, new = PublicKey.parse(values["old"]), PublicKey.parse(values["new"])
        number = int(values["number"]) if values["number"].isascii() and values["number"].isdigit() else 0
        signatures = by_old.decode("ascii", "replace"), by_new.decode("ascii", "replace")
        handover = Handover(number, values["channel"], old, new, values["day"], values["address"], *signatures)
        old.verify(text, signatures[0])
        new.verify(text, signatures[1])
    except (UnicodeDecodeError, BadKey) as error:
        raise BadHandover(f"this is no statement about a key: {error}") from None
    except BadSignature as error:
        raise BadHandover(f"a signature of a statement about a key: {error}") from None
    return handover


def leads(known: PublicKey, handovers: Sequence[Handover], to: PublicKey) -> bool:
    """Whether the statements lead from a key that is known to another, each taking up where the one before ended."""
    for handover in handovers[:MOST]:
        if known == to:
            return True
        if handover.old == known:
            known = handover.new
    return known == to
