"""What messages hold besides words and files, as lines of text: visiting cards, places, games, prices, prizes, lists.

Signs instead of words, since a channel may be in any language.
"""

from collections.abc import Callable

from angarium.channel.intake.message import Message, Place
from angarium.channel.intake.pieces import plain, write_link
from angarium.channel.marking import Marking
from angarium.channel.post import Span, Text
from angarium.channel.words import line

__all__ = ["with_extras"]

WHOLE_CURRENCIES = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XTR"})
"""Those without hundredths."""
MAP = "https://www.openstreetmap.org/?mlat={0}&mlon={1}#map=16/{0}/{1}"
MOST_BUTTONS = 50


def with_extras(text: Text, message: Message, *, cards: bool) -> Text:
    """A message's text, with lines for what else it holds.

    Args:
        text: its words.
        message: the message.
        cards: whether numbers on visiting cards are told.
    """
    marking = Marking()
    for write in EXTRAS:
        write(marking, message)
    if message.contact_information is not None:
        _contact(marking, message, cards=cards)
    more = marking.text()
    if not more:
        return text
    if not text:
        return more
    shift = len(text.words) + 1
    moved = tuple(Span(span.start + shift, span.length, span.mark, span.value) for span in more.spans)
    return Text(f"{text.words}\n{more.words}", (*text.spans, *moved))


def _contact(marking: Marking, message: Message, *, cards: bool) -> None:
    card = message.contact_information
    assert card is not None
    name = line(f"{card.first_name or ''} {card.last_name or ''}")
    number = line(card.phone_number or "") if cards else ""
    if name or number:
        _write(marking, "👤", name, number)


def _place(marking: Marking, message: Message) -> None:
    place, name = message.location_information, line(message.place_name or "")
    if (place is None and not name) or message.live_location_period_seconds is not None:
        return  # where somebody was going, which was for a while only
    _write(marking, "📍", name, line(message.address or ""))
    if place is not None and _on_earth(place):
        marking.write(" ")
        where = f"{place.latitude:.5f}", f"{place.longitude:.5f}"
        write_link(marking, ", ".join(where), MAP.format(*where))


def _on_earth(place: Place) -> bool:
    return abs(place.latitude) <= 90 and abs(place.longitude) <= 180


def _game(marking: Marking, message: Message) -> None:
    if message.game_title:
        _write(marking, "🎮", line(message.game_title), line(message.game_description or "", 1000))
        if message.game_link:
            marking.write(" ")
            write_link(marking, message.game_link, message.game_link)


def _invoice(marking: Marking, message: Message) -> None:
    invoice = message.invoice_information
    if invoice is not None:
        whole = invoice.currency in WHOLE_CURRENCIES
        amount = f"{invoice.amount}" if whole else f"{invoice.amount / 100:.2f}"
        price = f"{amount} {line(invoice.currency, 8)}" if invoice.currency else ""
        _write(marking, "🧾", line(invoice.title), line(invoice.description, 1000), price)


def _prizes(marking: Marking, message: Message) -> None:
    if (giveaway := message.giveaway_information) is not None:
        prize = f"{giveaway.stars} ⭐" if giveaway.stars else f"{giveaway.quantity} × 🏆"
        _write(marking, "🎁", prize, line(giveaway.additional_prize or ""), line(giveaway.until_date or "", 10))
    if (results := message.giveaway_results) is not None:
        _write(marking, "🎁", f"{results.winners_count} × 🏆", line(results.additional_prize or ""))


def _tasks(marking: Marking, message: Message) -> None:
    if (tasks := message.todo_list) is not None:
        _write(marking, "☑", line(plain(tasks.title), 1000))
        for task in tasks.answers:
            _write(marking, "•", line(plain(task.text), 1000))


def _buttons(marking: Marking, message: Message) -> None:
    """Buttons that only lead somewhere; all others need the program they were made for."""
    buttons = [button for row in message.inline_bot_buttons for button in row if button.type == "url" and button.text]
    for button in buttons[:MOST_BUTTONS]:
        marking.line()
        write_link(marking, line(button.text), button.data)


def _write(marking: Marking, sign: str, *parts: str) -> None:
    marking.line()
    marking.write(" ".join([sign, " — ".join(part for part in parts if part)]).rstrip())


EXTRAS: tuple[Callable[[Marking, Message], None], ...] = (_place, _game, _invoice, _prizes, _tasks, _buttons)
