"""The people of a measurement, their groups and chats, and what they will do: drawn from a seed, the same each time.

Groups are drawn without regard to each other, so who shares one cannot be guessed from anything but the disk. Every
word made here is one that the examiner knows.
"""

import random
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from angarium.lab.seizure.encodings import Known

__all__ = ["Mail", "Person", "Population", "people"]

SHARES = ((0.06, 3), (0.05, 5), (0.03, 8), (0.02, 15), (0.01, 30))
"""Groups for each account, and their size."""
OFFLINE = 0.4
DIRECT = 0.4
SIZES = ((0.90, 1_500, 3_000), (0.98, 8_000, 40_000), (1.0, 70_000, 200_000))
"""Part of the mails up to which a size is drawn from a range: texts, pictures, files (kept once for several)."""
GIVEN = ("Farzaneh", "Oleksandr", "Mariam", "Zhanna", "Ibrahim", "Lidiya", "Hoda", "Andrei", "Nasrin", "Yusuf")
LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    number: int
    local: str
    password: str
    name: str
    token: str
    """Push token of the phone."""
    source: str
    """The loopback address the phone connects from."""
    online: bool
    """Whether the phone fetches and deletes; otherwise mail stays on the relay."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that will be sent."""

    sender: int
    recipients: tuple[int, ...]
    mark: str
    """The left part of its Message-ID."""
    size: int
    """Bytes of ciphertext."""


@dataclass(frozen=True, slots=True)
class Population:
    """Who there is, and who talks to whom."""

    people: list[Person]
    invitations: tuple[str, ...]
    groups: list[tuple[int, ...]]
    chats: list[tuple[int, int]]
    strangers: list[str]
    """Names that somebody tried to log in with, and nobody has."""
    seed: int

    def linked(self) -> set[tuple[int, int]]:
        """Pairs who share a group, the smaller number first."""
        return {pair for group in self.groups for pair in combinations(sorted(group), 2)}

    def mails(self, count: int) -> Iterator[Mail]:
        """What will be sent."""
        chance = random.Random(f"mails {self.seed}")  # noqa: S311 (a measurement that can be repeated)
        for _ in range(count):
            if not self.groups or chance.random() < DIRECT:
                members: tuple[int, ...] = chance.choice(self.chats)
            else:
                members = chance.choice(self.groups)
            sender = chance.choice(members)
            drawn = chance.random()
            low, high = next((low, high) for part, low, high in SIZES if drawn <= part)
            others = tuple(member for member in members if member != sender)
            yield Mail(sender, others, f"{chance.getrandbits(96):024x}", chance.randint(low, high))

    def known(self, domain: str) -> list[Known]:
        """Every word about people that the examiner knows."""
        known: list[Known] = []
        for person in self.people:
            known += [
                Known("address", f"{person.local}@{domain}"),
                Known("name", person.local),
                Known("password", person.password),
                Known("display name", person.name),
                Known("push token", person.token),
                Known("IP address", person.source),
            ]
        known += [Known("failed login", stranger) for stranger in self.strangers]
        return known + [Known("invitation", token) for token in self.invitations]


def people(count: int, seed: int, invitations: Sequence[str] = ()) -> Population:
    """Draw a population. Where there are invitations, passwords begin with their tokens, each in its turn."""
    chance = random.Random(seed)  # noqa: S311 (a measurement that can be repeated)

    def word(length: int) -> str:
        return "".join(chance.choices(LETTERS, k=length))

    numbers = range(count)
    prefixes = [f"{token}." for token in invitations] or [""]
    persons = [
        Person(
            number,
            word(12),
            prefixes[number % len(prefixes)] + word(22),
            f"{chance.choice(GIVEN)} {word(8).title()}",
            f"fcm-{word(40)}",
            f"127.{chance.randint(16, 250)}.{chance.randint(16, 250)}.{chance.randint(16, 250)}",
            chance.random() >= OFFLINE,
        )
        for number in numbers
    ]
    groups = [
        tuple(chance.sample(numbers, size))
        for share, size in SHARES
        for _ in range(max(1, round(share * count)))
        if size <= count // 2
    ]
    chats = [(one, other) for one in numbers for other in chance.sample(numbers, 2) if one != other]
    return Population(persons, tuple(invitations), groups, chats, [word(14) for _ in range(max(2, count // 20))], seed)
