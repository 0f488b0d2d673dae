"""Greylisting, as Postfix asks for it: the first attempt of each sender to each recipient is deferred, with a 450.

The protocol is Postfix's own (SMTPD_POLICY_README): lines of `name=value`, an empty one, and a line for an answer.
"""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["Greylist", "greylist"]


@dataclass
class Greylist:
    """Who was seen."""

    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    """Sender and recipient → number of attempts."""

    def judge(self, sender: str, recipient: str) -> str:
        attempts = self.seen.get((sender, recipient), 0) + 1
        self.seen[sender, recipient] = attempts
        return "dunno" if attempts > 1 else "450 4.7.1 Greylisted, please come again"


@contextmanager
def greylist(address: str, port: int) -> Iterator[Greylist]:
    """Serve it."""
    known = Greylist()

    class Policy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked: dict[str, str] = {}
            for line in self.rfile:
                name, equals, value = line.decode().strip().partition("=")
                if equals:
                    asked[name] = value
                    continue
                self.wfile.write(f"action={known.judge(asked['sender'], asked['recipient'])}\n\n".encode())
                asked = {}

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server((address, port), Policy) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield known
        server.shutdown()
