"""Rules that go by the first thing a TLS client says: name, protocols, fingerprint."""

from collections.abc import Callable, Collection
from weakref import WeakKeyDictionary

from angarium.lab.censor.flows import Flow
from angarium.lab.censor.judges.verdict import Answer, Judge, Verdict
from angarium.lab.censor.packets import Packet
from angarium.wire.tls_hello import Hello, NotHello, read_hello

__all__ = ["HelloJudge", "by_fingerprint", "by_name", "by_protocol"]


class HelloJudge(Judge):
    """Resets the connections whose ClientHello a test does not like; remembers every hello seen."""

    def __init__(self, bad: Callable[[Hello], bool]) -> None:
        self._bad = bad
        self._seen: WeakKeyDictionary[Flow, Hello | None] = WeakKeyDictionary()
        self.hellos: list[tuple[str, Hello]] = []
        """With the host that sent it."""

    def judge(self, packet: Packet, flow: Flow | None, now: float, *, outward: bool) -> Verdict | Answer:
        if flow is None or not outward or not packet.payload or flow in self._seen:
            return Verdict.ALLOW
        try:
            hello = read_hello(bytes(flow.said))
        except NotHello:
            self._seen[flow] = None
            return Verdict.ALLOW
        if hello is None:
            return Verdict.ALLOW
        self._seen[flow] = hello
        self.hellos.append((flow.client[0], hello))
        return Verdict.RESET if self._bad(hello) else Verdict.ALLOW


def by_name(names: Collection[str]) -> Callable[[Hello], bool]:
    """Whether a hello asks for one of these names, or one below."""
    return lambda hello: any(hello.name == name or (hello.name or "").endswith(f".{name}") for name in names)


def by_protocol(protocols: Collection[str]) -> Callable[[Hello], bool]:
    """Whether a hello offers one of these protocols."""
    return lambda hello: bool(set(hello.protocols) & set(protocols))


def by_fingerprint(fingerprints: Collection[str]) -> Callable[[Hello], bool]:
    """Whether a hello has one of these JA4 fingerprints."""
    return lambda hello: hello.ja4 in fingerprints
