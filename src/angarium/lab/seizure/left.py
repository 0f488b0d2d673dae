"""What a killed relay leaves behind, and all that is known of it: what may be looked for, and what must be there."""

from dataclasses import dataclass, field
from pathlib import Path

from angarium.lab.seizure.encodings import Known
from angarium.lab.seizure.population import Mail, Population

__all__ = ["ABROAD", "DOMAIN", "GONE", "Left"]

DOMAIN, ABROAD, GONE = "_home.localhost", "_abroad.localhost", "_gone.localhost"
"""The relay under test, another one, and one that is down: by such names each knows the others by their keys."""


@dataclass
class Left:
    """What a killed relay leaves behind, and what is known of it."""

    directory: Path
    """Everything it wrote: `data`, `tmp`, `output`, `errors`."""
    population: Population
    domain: str = DOMAIN
    begun: list[Mail] = field(default_factory=list)
    """Mails that somebody set out to send: the last of these may have been taken without a word."""
    taken: list[Mail] = field(default_factory=list)
    """Mails that the relay has taken (250)."""
    deleted: set[int] = field(default_factory=set)
    """People who have deleted their account."""

    def known(self) -> list[Known]:
        """All that the examiner may look for."""
        people = self.population.known(self.domain, ABROAD, GONE)
        return people + [Known("Message-ID", mail.mark) for mail in self.taken]

    def waiting(self) -> list[Mail]:
        """Mails that lie there still: somebody they went to never fetches, and is still here. What came from abroad
        is left out: it may not have arrived."""
        away = self.away()
        return [mail for mail in self.taken if not mail.foreign and away.intersection(mail.recipients)]

    def away(self) -> set[int]:
        """People who never fetch, and are still here."""
        return {person.number for person in self.population.people if not person.online} - self.deleted

    def queued(self) -> set[str]:
        """What the relay itself must be able to read of mails to other relays, for as long as they wait: who sent them,
        to whom there, and their Message-IDs."""
        population, words = self.population, set[str]()
        for mail in self.begun:
            if not mail.foreign and (mail.gone or mail.abroad):
                sender = population.people[mail.sender]
                away = [(population.abroad[place].local, ABROAD) for place in mail.abroad]
                away += [(population.gone[place], GONE) for place in mail.gone]
                words |= {mail.mark, sender.local, f"{sender.local}@{self.domain}", sender.name}
                words |= {word for local, relay in away for word in (local, f"{local}@{relay}")}
        return words

    def readable(self) -> set[str]:
        """What a store without a seal must hold: of each mail that waits its Message-ID and who it says it is from,
        and everybody's push token."""
        people, waiting = self.population.people, self.waiting()
        senders = [people[number] for number in {mail.sender for mail in waiting}]
        return {
            *(mail.mark for mail in waiting),
            *(word for sender in senders for word in (f"{sender.local}@{self.domain}", sender.local, sender.name)),
            *(person.token for person in people if person.number not in self.deleted),
            *(
                f"{self.population.gone[place]}@{GONE}"
                for mail in self.taken
                if not mail.foreign
                for place in mail.gone
            ),
        }
