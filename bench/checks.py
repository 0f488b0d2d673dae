"""What judging a message costs: µs per mail, whole and by step, at a text's size and at a picture's.

`python bench/checks.py` prints, for each step, the median over many rounds and the spread from the 10th to the 90th
percentile. Nothing is read or written; the OpenPGP packets hold random octets, which cost what real ones do.
"""

import base64
import os
import statistics
import sys
from collections.abc import Callable
from time import perf_counter

from angarium.mail.checks.cleanup import clean
from angarium.mail.checks.form import read
from angarium.mail.delivery import examine
from angarium.wire.mime import content_type, decoded, parts
from angarium.wire.openpgp import dearmour, require_encrypted
from angarium.wire.originator import from_address

SENDER = "alice1234@relay.example"
ROUNDS = 200


def packets(octets: int) -> bytes:
    session = bytes([0xC1, 0x5E]) + os.urandom(94)
    return session * 2 + bytes([0xD2, 0xFF]) + (octets + 1).to_bytes(4, "big") + b"\x01" + os.urandom(octets)


def mail(size: int) -> bytes:
    """A mail as the app sends it, of about so many bytes."""
    head = (
        f'From: <{SENDER}>\nDate: Tue, 18 Nov 2025 04:12:09 +0000\nTo: "hidden-recipients": ;\nSubject: [...]\n'
        "Message-ID: <6f0b2a1e-9b1c-4a64-8a55-0c7fd9a3d0b7@localhost>\nMIME-Version: 1.0\nChat-Version: 1.0\n"
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";\n boundary="18bd9c1f0a4f2c57"\n\n'
        "--18bd9c1f0a4f2c57\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n"
        "--18bd9c1f0a4f2c57\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n\n"
    )
    foot = "=AAAA\n-----END PGP MESSAGE-----\n\n--18bd9c1f0a4f2c57--\n"
    text = base64.b64encode(packets((size - len(head) - len(foot)) * 64 // 66 * 3 // 4 - 192)).decode()
    lines = "".join(f"{text[at : at + 64]}\n" for at in range(0, len(text), 64))
    return (head + lines + foot).replace("\n", "\r\n").encode()


def measure(steps: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """µs per call of each step, one figure a round; the steps take turns, so a busy moment slows all alike."""
    calls = {}
    for name, step in steps.items():
        began = perf_counter()
        step()
        calls[name] = max(1, int(0.001 / max(perf_counter() - began, 1e-7)))
    figures: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            began = perf_counter()
            for _ in range(calls[name]):
                step()
            figures[name].append((perf_counter() - began) / calls[name] * 1e6)
    return figures


def report(size: int) -> None:
    message = mail(size)
    entity = read(message)
    kind = content_type(entity)
    children = parts(entity, kind, limit=2, around=0)
    text = decoded(children[1])
    data = dearmour(text)
    assert examine(SENDER, message)[0].accepted
    steps: dict[str, Callable[[], object]] = {
        "all of it": lambda: examine(SENDER, message),
        "line ends, header": lambda: read(message),
        "Content-Types": lambda: [content_type(each) for each in (entity, *children)],
        "into parts": lambda: parts(entity, kind, limit=2, around=0),
        "bodies": lambda: [decoded(child) for child in children],
        "armour": lambda: dearmour(text),
        "packets": lambda: require_encrypted(data),
        "From": lambda: from_address(entity),
        "clean-up": lambda: clean(entity),
    }
    figures = measure(steps)
    whole = statistics.median(figures["all of it"])
    print(f"{len(message):,} bytes")
    for name, values in figures.items():
        tenths = statistics.quantiles(values, n=10)
        median = statistics.median(values)
        print(f"  {name:18}{median:9.1f} µs  ({tenths[0]:.1f} to {tenths[-1]:.1f})  {median / whole:6.1%}")


def main() -> None:
    print(f"Python {sys.version.split()[0]}")
    for size in (2_500, 100_000):
        report(size)


if __name__ == "__main__":
    main()
