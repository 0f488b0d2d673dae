"""What can go wrong between two SMTP machines, by whose fault it is."""

from angarium.wire.smtp.replies import Reply

__all__ = ["OurError", "Refusal", "TheirError"]


class OurError(RuntimeError):
    """Our own code used a machine out of turn: a bug of ours, whatever the peer sent."""


class TheirError(Exception):
    """The server does not speak SMTP: the connection is of no further use. The text repeats nothing it sent."""


class Refusal(Exception):
    """The client's command cannot be obeyed; `reply` says why. Never leaves the machine."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply
