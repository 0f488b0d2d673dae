"""A web site that is not there yet, as nginx 1.22 serves an empty folder: 403 for it, 404 for all that could be in it.

No word of it is ours, so that nobody finds this relay by a page that only such relays show.
"""

from angarium.edge.decoy.answer import Answer, always, refusal
from angarium.edge.decoy.folder import MOST, ends_early
from angarium.edge.decoy.request import Head

__all__ = ["bare"]


def bare(head: Head) -> Answer:
    """What is said to a request."""
    answer = refusal(_status(head), head)
    answer.ends |= ends_early(head)
    answer.lasts = always
    return answer


def _status(head: Head) -> int:
    if head.length > MOST:
        return 413
    if head.path != "/":
        return 404
    return 403 if head.method in ("GET", "HEAD", "POST") else 405
