"""Comments in structured header fields (RFC 5322, 3.2.2): they nest, and mean nothing.

Every other piece of a field's grammar stands beside the field it belongs to.
"""

import re

from angarium.wire.message import Malformed

__all__ = ["comment_end", "without_comments"]

OPENING = ord("(")
_DEPTH = 8
_IN_COMMENT = re.compile(rb"[^()\\]+|\\.", re.DOTALL)
_OUTSIDE = re.compile(rb'[^"(]+|"(?:[^"\\]|\\.)*"', re.DOTALL)


def comment_end(value: bytes, at: int) -> int:
    """Where the comment that begins at `at` ends.

    Raises:
        Malformed: it does not end, or comments are nested too deep.
    """
    depth = 0
    while at < len(value):
        if (text := _IN_COMMENT.match(value, at)) is not None:
            at = text.end()
        elif value.startswith(b"(", at):
            at, depth = at + 1, depth + 1
            if depth > _DEPTH:
                raise Malformed("comments are nested too deep")
        elif value.startswith(b")", at):
            at, depth = at + 1, depth - 1
            if depth == 0:
                return at
        else:
            break
    raise Malformed("a comment does not end")


def without_comments(value: bytes) -> bytes:
    """Put a space in the place of every comment; quoted strings are left alone.

    Raises:
        Malformed: a comment or a quoted string does not end, or comments are nested too deep.
    """
    if OPENING not in value:
        return value
    pieces: list[bytes] = []
    at = 0
    while at < len(value):
        if (text := _OUTSIDE.match(value, at)) is not None:
            pieces.append(text[0])
            at = text.end()
        elif value.startswith(b"(", at):
            pieces.append(b" ")
            at = comment_end(value, at)
        else:
            raise Malformed("a quoted string does not end")
    return b"".join(pieces)
