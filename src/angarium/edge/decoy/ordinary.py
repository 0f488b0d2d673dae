"""The head of an ordinary request, read in one pass: what browsers say, and most of those who probe.

What is in any way out of the ordinary is left to `request`, which reads as nginx does; of what is taken here both make
the same (tests/edge/decoy/test_request.py). Pure.
"""

import re

from angarium.edge.decoy.request import SMALL, UNHOSTLY, Head, judge

__all__ = ["ordinary_head"]

_HEAD = re.compile(
    r"(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) "
    r"((?=/)(?:/[^\x00-\x20\x7f./?#%][^\x00-\x20\x7f/?#%]*)*/?)(\?[^\x00-\x20\x7f#]+)? HTTP/1\.([01])\r\n"
    r"((?:[A-Za-z0-9-]+:[^\x00\r\n]*\r\n)+)\r\n"
)
"""A path as it is meant, without escapes, dots at the beginning of its steps, and doubled slashes; lines that end in
CRLF and whose names are taken down."""
_LINE = re.compile(r"([A-Za-z0-9-]+):([^\r]*)\r\n")


def ordinary_head(said: bytes) -> Head | None:
    """The first head in these bytes; None: there is more to come, or it is not ordinary. Raises Bad as `judge` does."""
    found = _HEAD.match(said[:SMALL].decode("latin-1"))
    if found is None:
        return None
    method, path, query, minor, block = found.groups("")
    lines = [(name.lower(), value.strip(" ")) for name, value in _LINE.findall(block)]
    headers = dict(lines)
    host = headers.get("host")
    if host is None or len(headers) != len(lines) or UNHOSTLY.search(host):
        return None
    head = Head(method, path + query, host, int(minor), headers, lines, found.end(), path, query)
    if head.announces:
        judge(head, len(said) - head.octets)
    return head
