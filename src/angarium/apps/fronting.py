"""What the keeper may ask about fronts: enter one, list them, forget one, and say that one is burnt."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from angarium.apps.ways import ways
from angarium.edge.control import Question, Refusal
from angarium.edge.doors import STANDARD
from angarium.edge.front import BadPorts, read_ports
from angarium.mail.fronts import Front, Fronts
from angarium.reach.names import canonical
from angarium.store.interfaces import StoreError

__all__ = ["GROUP", "Fronting", "Shown", "spelled", "usual"]

GROUP = re.compile(r"[\w][\w .-]{0,39}")
"""What a group may be called."""
USUAL = ("https", "imaps", "submissions")
"""The doors that a front leads to if nobody says otherwise."""


class Shown(Struct, frozen=True, omit_defaults=True):
    """A front as the keeper sees it."""

    address: str
    ports: str
    """As `angarium front run --ports` takes them."""
    group: str
    """For whom it is; empty: for everybody."""
    burnt_day: int | None
    """Since when it is shown to nobody, in days since 1970-01-01; None: it is good."""
    note: str = ""
    """What the keeper should know of it, said as it is entered."""


class Fronting:
    """Answers."""

    def __init__(
        self,
        fronts: Fronts,
        ports: Callable[[], Mapping[str, int]],
        here: Callable[[str], bool],
        today: Callable[[], int],
        note: Callable[[str], str] = lambda address: "",
    ) -> None:
        """`ports` are those the relay listens on, by door; `here`: whether an address is its own. `note` is what there
        is to say of a front's address.
        """
        self._fronts = fronts
        self._ports = ports
        self._here = here
        self._today = today
        self._note = note

    def questions(self) -> dict[str, Question]:
        """What may be asked."""
        asked: dict[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {
            "add": self._add,
            "list": self._list,
            "remove": self._remove,
            "burnt": self._burnt,
        }
        return {f"front-{name}": _answering(answer) for name, answer in asked.items()}

    async def _add(self, details: Mapping[str, Any]) -> Shown:
        address = _address(details)
        if self._here(address):
            raise Refusal("this is the relay's own address: expected that of another machine, which leads here")
        group = str(details.get("group") or "").strip()
        if group and not GROUP.fullmatch(group):
            raise Refusal("--group: expected a word of at most 40 letters and digits")
        doors = self._doors(str(details.get("ports") or "") or usual(self._ports()))
        if not ways(address, doors, verified=False):
            raise Refusal("a front must lead to https, or to imaps and submissions: see angarium front command")
        front = Front(address, doors, group)
        await self._fronts.put(front)
        return replace(self._shown(front), note=self._note(address))

    async def _list(self, details: Mapping[str, Any]) -> list[Shown]:
        return [self._shown(front) for front in self._fronts.all()]

    async def _remove(self, details: Mapping[str, Any]) -> None:
        if not await self._fronts.remove(_address(details)):
            raise Refusal("there is no front at this address: see angarium front list")

    async def _burnt(self, details: Mapping[str, Any]) -> Shown:
        front = await self._fronts.burn(_address(details), day=self._today())
        if front is None:
            raise Refusal("there is no front at this address: see angarium front list")
        return self._shown(front)

    def _doors(self, text: str) -> dict[str, int]:
        try:
            ports = read_ports(text)
        except BadPorts as error:
            raise Refusal(f"--ports: {error}") from None
        doors = {port: name for name, port in self._ports().items()}
        if missing := [there for there in ports.values() if there not in doors]:
            known = ", ".join(f"{name} {port}" for name, port in self._ports().items())
            raise Refusal(f"--ports: the relay does not listen on port {missing[0]}: {known or 'start it once first'}")
        return {doors[there]: here for here, there in ports.items()}

    def _shown(self, front: Front) -> Shown:
        here = self._ports()
        ports = {port: here.get(door, STANDARD[door][0]) for door, port in front.ports.items()}
        return Shown(front.address, spelled(ports), front.group, front.burnt_day)


def usual(ports: Mapping[str, int]) -> str:
    """The ports of a front that takes the standard ones and leads to the relay's, as `read_ports` reads them."""
    return spelled({STANDARD[door][0]: ports[door] for door in USUAL if door in ports})


def spelled(ports: Mapping[int, int]) -> str:
    """Ports as `read_ports` reads them."""
    return ",".join(str(here) if here == there else f"{here}:{there}" for here, there in ports.items())


def _address(details: Mapping[str, Any]) -> str:
    address = canonical(str(details.get("address", "")))
    if address is None:
        raise Refusal("expected the front's IP address, or its name")
    return address


def _answering(answer: Callable[[Mapping[str, Any]], Awaitable[Any]]) -> Question:
    async def question(details: Mapping[str, Any]) -> Any:
        try:
            return msgspec.to_builtins(await answer(details))
        except StoreError as error:
            raise Refusal(f"the store did not take it: {error}") from None

    return question
