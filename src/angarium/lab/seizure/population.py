"""The people of a measurement, their groups and chats, and what they will do: drawn from a seed, the same each time.

Groups are drawn without regard to each other, so who shares one cannot be guessed from anything but the disk. Every
word made here is one that the examiner knows.
"""

import random
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from angarium.lab.seizure.encodings import Known

__all__ = ["Mail", "Person", "Population", "people"]

SHARES = ((0.06, 3), (0.05, 5), (0.03, 8), (0.02, 15), (0.01, 30))
"""Groups for each account, and their size."""
OFFLINE = 0.4
DIRECT = 0.4
SIZES = ((0.90, 1_500, 3_000), (0.98, 8_000, 40_000), (1.0, 70_000, 200_000))
"""Part of the mails up to which a size is drawn from a range: texts, pictures, files (kept once for several)."""
ABROAD = 0.15
"""People on another relay, for each account."""
VISITED = 0.5
"""Part of the groups with one to three of these in them."""
GONE = 0.03
"""People on a relay that is down, for each account: what is written to them waits."""
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
class Foreigner:
    """Somebody on another relay."""

    local: str
    password: str
    name: str


@dataclass(frozen=True, slots=True)
class Talk:
    """Who write to each other: people here, foreigners, and people of a relay that is down."""

    members: tuple[int, ...]
    abroad: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that will be sent."""

    sender: int
    recipients: tuple[int, ...]
    """Those with an account on the relay under test."""
    mark: str
    """The left part of its Message-ID."""
    size: int
    """Bytes of ciphertext."""
    abroad: tuple[int, ...] = ()
    """Recipients on the other relay, by their place among the foreigners,"""
    gone: tuple[int, ...] = ()
    """and on the one that is down."""
    foreign: bool = False
    """The sender is a foreigner."""


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
    abroad: list[Foreigner] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """Names on a relay that is down."""
    visits: list[tuple[int, ...]] = field(default_factory=list)
    """The foreigners in each group."""
    letters: list[Talk] = field(default_factory=list)
    """Chats of one here with one elsewhere."""

    def linked(self) -> set[tuple[int, int]]:
        """Pairs who share a group, the smaller number first."""
        return {pair for group in self.groups for pair in combinations(sorted(group), 2)}

    def mails(self, count: int) -> Iterator[Mail]:
        """What will be sent."""
        chance = random.Random(f"mails {self.seed}")  # noqa: S311 (a measurement that can be repeated)
        chats = [Talk(chat) for chat in self.chats] + self.letters
        groups = [Talk(*pair) for pair in zip(self.groups, self.visits, strict=True)]
        for _ in range(count):
            talk = chance.choice(chats if not groups or chance.random() < DIRECT else groups)
            writers = [(member, False) for member in talk.members] + [(member, True) for member in talk.abroad]
            sender, foreign = chance.choice(writers)
            drawn = chance.random()
            low, high = next((low, high) for part, low, high in SIZES if drawn <= part)
            yield Mail(
                sender,
                tuple(member for member in talk.members if foreign or member != sender),
                f"{chance.getrandbits(96):024x}",
                chance.randint(low, high),
                tuple(member for member in talk.abroad if not foreign or member != sender),
                talk.gone,
                foreign,
            )

    def known(self, domain: str, abroad: str, gone: str) -> list[Known]:
        """Every word about people that the examiner knows, given the names of the three relays."""
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
        for foreigner in self.abroad:
            known += [
                Known("address abroad", f"{foreigner.local}@{abroad}"),
                Known("name abroad", foreigner.local),
                Known("display name", foreigner.name),
            ]
        for local in self.gone:
            known += [Known("address abroad", f"{local}@{gone}"), Known("name abroad", local)]
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
    strangers = [word(14) for _ in range(max(2, count // 20))]
    abroad = [
        Foreigner(word(12), word(22), f"{chance.choice(GIVEN)} {word(8).title()}")
        for _ in range(max(2, round(ABROAD * count)))
    ]
    gone = [word(12) for _ in range(max(1, round(GONE * count)))]
    places = range(len(abroad))
    visits = [
        tuple(chance.sample(places, min(len(abroad), chance.randint(1, 3)))) if chance.random() < VISITED else ()
        for _ in groups
    ]
    letters = [Talk((chance.choice(numbers),), (place,)) for place in places for _ in range(2)]
    letters += [Talk((chance.choice(numbers),), (), (place,)) for place in range(len(gone))]
    return Population(persons, tuple(invitations), groups, chats, strangers, seed, abroad, gone, visits, letters)
