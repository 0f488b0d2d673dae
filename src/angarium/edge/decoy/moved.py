"""Port 80 of a site that is served over TLS, as nginx does it with `return 301 https://$host$request_uri`."""

from collections.abc import Callable

from angarium.edge.decoy.answer import Answer, always, refusal
from angarium.edge.decoy.folder import host_of
from angarium.edge.decoy.request import Head

__all__ = ["moved"]


def moved(origin: str, port: Callable[[], str]) -> Callable[[Head], Answer]:
    """Answers with the same address over TLS; `origin` is the site's name where a request does not say one, and `port`
    (":8443", or nothing) is added to every name.
    """

    def answer(head: Head) -> Answer:
        said = refusal(301)
        said.asks = True
        said.lasts = always
        said.later.append(("Location", f"https://{host_of(head, origin)}{port()}{head.target}"))
        return said

    return answer
