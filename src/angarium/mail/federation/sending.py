"""One attempt, from reading the message to the commit of what it came to.

Read, signed and sent when its turn has come; given back to the board as soon as nothing of it is under way; settled
before the sender's next one goes.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from angarium.mail.federation.board import Board
from angarium.mail.federation.consignment import Consignment, Fault, Unreachable
from angarium.mail.federation.line import Attempt
from angarium.mail.federation.outcome import came
from angarium.mail.federation.roads import NO_SUCH
from angarium.mail.federation.settlement import Settlement
from angarium.mail.federation.weather import Weather
from angarium.mail.verdict import Verdict
from angarium.store.interfaces import StoreError
from angarium.store.outbound import OutQueue
from angarium.wire.address import Address
from angarium.wire.message import Malformed

__all__ = ["Carrier", "Sending"]

_log = logging.getLogger("angarium.mail.federation.sending")

_MALFORMED = Verdict.reject(554, "5.6.0", "the message cannot be signed")


class Carrier(Protocol):
    """What the queue asks of `Roads`."""

    def policy(self, destination: str) -> Verdict:
        """Whether there is mail with a relay at all."""

    async def carry(self, destination: str, consignment: Consignment) -> list[Verdict]:
        """See `Roads.carry`."""


class Sending:
    """See the file's head. The arguments are the queue's; `stir` is called when something else may be tried."""

    def __init__(
        self,
        board: Board,
        store: OutQueue,
        roads: Carrier,
        sign: Callable[[bytes], Awaitable[bytes]],
        weather: Weather,
        settlement: Settlement,
        stir: Callable[[], None],
    ) -> None:
        self._board = board
        self._store = store
        self._roads = roads
        self._sign = sign
        self._weather = weather
        self._settlement = settlement
        self._stir = stir

    async def send(self, attempt: Attempt) -> None:
        """Make one attempt, and give back what it held on the board."""
        entry = attempt.entry
        try:
            try:
                verdicts = await self._carry(attempt)
            finally:
                self._board.arrived(attempt)
                self._stir()
            await self._conclude(attempt, verdicts)
        except Exception as fault:  # of ours: one message's misfortune must not end the relay
            _log.error("an attempt went wrong: %s", type(fault).__name__)
            self._weather.put_off(entry)
        finally:
            if entry.hearing is not None:
                entry.hearing.end()
                entry.hearing = None
            self._board.done(attempt)
            self._stir()

    async def _carry(self, attempt: Attempt) -> list[Verdict]:
        """A verdict for each recipient that it was tried for; none where nothing came of it."""
        entry, destination = attempt.entry, attempt.entry.destination
        try:
            message = await self._store.message(entry.number)
        except StoreError:
            self._weather.put_off(entry)
            return []
        if message is None:
            self._board.remove(entry)
            return []
        try:
            signed = await self._sign(message)
        except Malformed:
            return [_MALFORMED] * len(attempt.recipients)
        consignment = Consignment(_written(entry.sender), tuple(map(_written, attempt.recipients)), signed)
        del message, signed
        try:
            verdicts = await self._roads.carry(destination, consignment)
            if verdicts[0] is NO_SUCH and self._weather.island:
                raise Unreachable("DNS says that there is no such relay", Fault.DNS)
        except Unreachable as failure:
            self._weather.unreachable(attempt, failure)
            return []
        self._weather.heard(attempt, verdicts)
        return verdicts

    async def _conclude(self, attempt: Attempt, verdicts: Sequence[Verdict]) -> None:
        """Settle what was decided, and plan the rest."""
        entry = attempt.entry
        tried = attempt.recipients if verdicts else ()
        found = came(entry, tried, verdicts)
        if len(found.left) < len(entry.recipients):
            failures = found.failures
            if entry.hearing is not None and found.nobody and await entry.hearing.refuse(found.nobody):
                failures = ()  # whoever submitted it is told
            await self._settlement.settle(entry, found.left, failures)
            entry.recipients = found.left
        if not found.left:
            self._board.remove(entry)
        elif found.put_off is not None:
            entry.said = found.put_off
            self._weather.put_off(entry)


def _written(address: str) -> str:
    """An address as RFC 5321 writes it; the sender of a report has none."""
    return str(Address.parse(address)) if address else ""
