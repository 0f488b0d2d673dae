"""A request that is answered at once: which it is, in which octets, and what becomes of the connection.

That is nearly every one of a stranger's. What has to wait for somebody, a body that is not whole, a file that is read
from the disk, or a site elsewhere, is left to `session`. Pure, but for what the site's answers look at, and the date.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from angarium.edge.decoy.answer import Answer, always, head_of, mark_squeezed, refusal, squeezed
from angarium.edge.decoy.body import Body
from angarium.edge.decoy.dates import date_of
from angarium.edge.decoy.files import AT_ONCE
from angarium.edge.decoy.folder import asks_squeezed
from angarium.edge.decoy.ordinary import ordinary_head
from angarium.edge.decoy.recent import Recent
from angarium.edge.decoy.request import Bad, Head, read_head
from angarium.edge.pages.exchange import Request
from angarium.reach.transport import Connection

__all__ = ["Decoy", "Prompt", "Through", "prompt", "prompt_anew", "prompt_to", "refused"]

Through = Callable[[Connection, bytes], Awaitable[bytes | None]]
"""Serves one request that begins with these bytes; what came behind it, or None where the connection is over."""


@dataclass(frozen=True, slots=True)
class Decoy:
    """The site that strangers see, and the way past it."""

    answer: Callable[[Head], Answer]
    """What the site says to a request without looking at its body."""
    known: Callable[[Request], Awaitable[bool]]
    """Whether a request is for the relay itself."""
    through: Through
    write_seconds: float
    onward: Callable[[Head, bytes], Awaitable[Answer]] | None = None
    """What a site elsewhere says, to a request and its body; in place of `answer`."""
    strange: Callable[[Head], bool] = lambda head: False
    """Whether it is plain at sight that a request is not for the relay: then `known` is not asked."""
    recent: Recent = field(default_factory=Recent, compare=False)
    """What was said lately, in TLS where TLS is to be."""
    recent_plain: Recent = field(default_factory=Recent, compare=False)
    """... and what was said without it there."""


@dataclass(slots=True)
class Prompt:
    """An answer at once."""

    octets: bytes
    keep: bool
    """Whether the connection goes on."""
    behind: bytes = b""
    """What was said behind the request."""
    more: bool = False
    """Whether it ends hearing out what else is said."""
    awaits: int = 0
    """Octets of a body that are heard out before."""
    lasts: Callable[[], bool] | None = None
    """As of an `Answer`."""


def prompt(decoy: Decoy, said: bytes, *, plain: bool) -> Prompt | None:
    """The answer to a stranger who has said this and nothing before it; None: it takes a session. `plain`: TLS was to
    begin, and did not."""
    recent = decoy.recent_plain if plain else decoy.recent
    if (known := recent.find(said)) is not None:
        return Prompt(*known)
    found = prompt_anew(decoy, said, plain=plain)
    if found is not None and found.lasts is not None and not (found.behind or found.more or found.awaits):
        recent.add(said, found.octets, keep=found.keep, true=found.lasts)
    return found


def prompt_anew(decoy: Decoy, said: bytes, *, plain: bool) -> Prompt | None:
    """The same, without asking what was said lately."""
    try:
        head = ordinary_head(said)
        if head is None and (said.startswith(b"CONNECT ") or (head := read_head(said)) is None):
            return None
    except Bad as bad:
        return refused(bad, said)
    if not plain and not decoy.strange(head):
        return None
    return prompt_to(decoy, head, said[head.octets :], plain=plain, last=False)


def refused(bad: Bad, said: bytes) -> Prompt:
    """The answer to what is no request, and the end."""
    silent = not bad.bare and said.lstrip(b"\r\n").startswith(b"HEAD ")
    octets = _worded(None, refusal(bad.status), keep=False, bare=bad.bare, silent=silent)
    return Prompt(octets or b"", keep=False, more=bool(bad.behind), awaits=bad.awaits, lasts=always)


def prompt_to(decoy: Decoy, head: Head, said: bytes, *, plain: bool, last: bool) -> Prompt | None:
    """The answer to a stranger's request, `said` being what came behind its head; None: see above."""
    if decoy.onward is not None and not plain:
        return None
    if head.expects:
        return None
    if head.announces:
        body = Body(head)
        said = body.take(said)
        if not body.done:
            return None
    answer = refusal(497, head) if plain else decoy.answer(head)
    if plain:
        answer.lasts = always
    bare = head.minor < 0
    keep = head.keep_alive and not (bare or answer.ends or last)
    octets = _worded(head, answer, keep=keep, bare=bare, silent=head.method == "HEAD")
    if octets is None:
        return None
    return Prompt(octets, keep and not answer.drops, said, more=bool(said), lasts=answer.lasts)


def _worded(head: Head | None, answer: Answer, *, keep: bool, bare: bool, silent: bool) -> bytes | None:
    """All of an answer, if that is at hand."""
    if answer.stream is not None:
        return None
    octets = b"" if silent or answer.status == 304 else _whole(answer)
    if octets is None:
        return None
    length: int | None = answer.octets
    if head is not None and asks_squeezed(head, answer):
        if answer.octets > AT_ONCE:
            return None
        mark_squeezed(answer)
        length = -1 if silent else None
        if not silent:
            packed = squeezed(octets)
            octets = b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)
    return octets if bare else head_of(answer, date_of(int(time.time())), keep=keep, length=length) + octets


def _whole(answer: Answer) -> bytes | None:
    """The body, if no part of it has to be read."""
    whole = b""
    for part in answer.body:
        if not isinstance(part, bytes):
            return None
        whole += part
    return whole
