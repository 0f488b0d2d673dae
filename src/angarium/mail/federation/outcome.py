"""What an attempt came to, recipient by recipient, and what follows from it for the message and for the destination."""

from collections.abc import Sequence
from dataclasses import dataclass

from angarium.mail.bounce import Failure
from angarium.mail.federation.chain import Entry
from angarium.mail.verdict import Outcome, Verdict

__all__ = ["Came", "busy", "came"]


@dataclass(frozen=True, slots=True)
class Came:
    """What became of a message's recipients."""

    left: tuple[str, ...]
    """Those that are still to be served."""
    failures: tuple[Failure, ...]
    """Those that never will be."""
    put_off: Verdict | None
    """Why somebody has to wait, if somebody was told to."""
    nobody: Verdict | None
    """The first refusal, where all of the message's recipients were refused."""


def came(entry: Entry, recipients: Sequence[str], verdicts: Sequence[Verdict]) -> Came:
    """Sort the recipients that an attempt was made for, and leave the others. One who has to wait for a message that is
    to be returned (`Entry.ending`) has waited."""
    of = dict(zip(recipients, verdicts, strict=True))
    if entry.ending is not None:
        waits = [each for each in entry.recipients if each not in of or of[each].outcome is Outcome.DEFER]
        of.update(dict.fromkeys(waits, entry.ending))
    left = tuple(each for each in entry.recipients if each not in of or of[each].outcome is Outcome.DEFER)
    failures = tuple(Failure(each, verdict) for each, verdict in of.items() if verdict.outcome is Outcome.REJECT)
    put_off = next((verdict for verdict in of.values() if verdict.outcome is Outcome.DEFER), None)
    nobody = failures[0].verdict if len(failures) == len(entry.recipients) else None
    return Came(left, failures, put_off, nobody)


def busy(verdicts: Sequence[Verdict]) -> Verdict | None:
    """What the destination said of itself rather than of the message, if that is all it said: that it is not well
    (RFC 3463, X.3), or about to close (RFC 5321, 4.2.3: 421)."""
    if all(
        each.outcome is Outcome.DEFER and (each.code == 421 or each.enhanced.startswith("4.3.")) for each in verdicts
    ):
        return verdicts[0]
    return None
