"""Telegram Desktop's `result.json`, of one chat or of a whole account, message by message.

What Telegram Desktop is known to write wrongly is mended (`mending`). All else that is no JSON, or no message, is
refused.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from angarium.channel.intake.mending import mended
from angarium.channel.intake.message import Chat, Message, Placed
from angarium.channel.intake.refusal import Refused
from angarium.channel.intake.scan import Piece, Scan

__all__ = ["Choose", "messages"]

Choose = Callable[[Chat, bool], bool]
"""Whether a chat is wanted; it is told whether that is the only one of the export."""


def messages(scan: Scan, name: str, choose: Choose) -> Iterator[Placed]:
    """The messages of the wanted chats, and a file that is whole to its end.

    Args:
        scan: the file, from its start.
        name: what it is called.
        choose: is asked for each chat; may raise Refused.

    Raises:
        Refused: it is damaged, or no export; what was given before is to be forgotten.
    """
    decode = msgspec.json.Decoder(Message, strict=False).decode
    yield from _chat(scan, name, choose, decode, root=True)
    scan.end()


def _chat(scan: Scan, name: str, choose: Choose, decode: Callable[[bytes], Message], *, root: bool) -> Iterator[Placed]:
    """The object of a chat; or, at the root, that of an account, with lists of chats in it."""
    known: dict[str, Any] = {}
    met = False
    for member in scan.members():
        if member == "messages" and not met:
            met = True
            if not {"type", "id"} <= known.keys():
                scan.fail("this is no export of a chat: its type and id must stand before its messages")
            if choose(_named(scan, known), root):
                for _ in scan.elements():
                    yield _placed(scan.piece(), name, decode)
            else:
                scan.skip_elements()
        elif member in ("name", "type", "id") and member not in known:
            known[member] = scan.value()
        elif root and member in ("chats", "left_chats"):
            met = True
            for inner in scan.members():
                if inner == "list":
                    for _ in scan.elements():
                        yield from _chat(scan, name, choose, decode, root=False)
                else:
                    scan.skip()
        else:
            scan.skip()
    if not met:
        scan.fail("this is no export of a chat: there are no messages in it")


def _named(scan: Scan, known: dict[str, Any]) -> Chat:
    name, type_, number = known.get("name"), known["type"], known["id"]
    if not (isinstance(name, str | None) and isinstance(type_, str | None) and type(number) is int):
        scan.fail("this is no export of a chat: its name and type must be words, its id a number")
    if not 0 < number < 1 << 53:
        scan.fail("no chat has such an id")
    return Chat(name or "", type_ or "unknown", number)


def _placed(piece: Piece, name: str, decode: Callable[[bytes], Message]) -> Placed:
    try:
        piece.octets.decode()  # what is not used of it is UTF-8 too, or the file is damaged
        return Placed(decode(piece.octets), name, piece.line, piece.column)
    except msgspec.ValidationError as error:
        raise Refused.at(name, piece.line, piece.column, f"this is no message ({error})") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            piece.octets.decode()
            return Placed(decode(mended(piece.octets)), name, piece.line, piece.column)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            line, column = piece.place(_offset(error))
            raise Refused.at(name, line, column, f"the message that starts in line {piece.line} is damaged") from None


def _offset(error: Exception) -> int:
    """Which octet of a message is wrong, as far as the decoder says so."""
    if isinstance(error, UnicodeDecodeError):
        return error.start
    found = re.search(r"\(byte (\d+)\)", str(error))
    return int(found[1]) if found else 0
