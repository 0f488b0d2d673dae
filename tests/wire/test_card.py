"""Cards and agreements: what is printed is read, and nothing that was cut, mistyped or made up."""

import pytest

from angarium.wire.card import Agreement, Box, Card, CardError, _summed, read_agreement, read_card

KEY, PIN, TOKEN, NUMBER = bytes(range(32)), bytes(range(32, 64)), b"\xff" * 32, b"\xfb" * 16
NAMES = ("relay.example", "_relay.localhost", "192.0.2.7", "2001:db8::7", "bücher.example")
BOXES = (
    Box("holder.example", 443, NUMBER),
    Box("192.0.2.7", 10_443, NUMBER, PIN),
    Box("2001:db8::7", 65_535, NUMBER, PIN),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("boxes", [(), BOXES[:1], BOXES])
def test_a_card_is_read_as_it_was_printed(name: str, boxes: tuple[Box, ...]) -> None:
    card = Card(name, KEY, boxes)
    assert read_card(f"  {card}\n") == card


@pytest.mark.parametrize("box", BOXES)
def test_an_agreement_is_read_as_it_was_printed(box: Box) -> None:
    agreement = Agreement("relay.example", box, TOKEN)
    assert read_agreement(str(agreement)) == agreement
    assert "\n" not in str(agreement)


def test_cut_or_changed_at_every_place() -> None:
    line = str(Card("relay.example", KEY, BOXES))
    for at in range(len(line)):
        for wrong in (line[:at], line[:at] + line[at + 1 :], line[:at] + "~" + line[at + 1 :]):
            with pytest.raises(CardError):
                read_card(wrong)


def summed(text: str) -> str:
    """A line with a sum that is right."""
    return _summed(text)


KEY_FIELD = "key=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
BOX_FIELD = "box=h.example:443,-_v7-_v7-_v7-_v7-_v7-w"


def test_the_samples_below_are_right_but_for_what_is_wrong() -> None:
    assert read_card(summed(f"angarium:card/relay.example?{KEY_FIELD}&{BOX_FIELD}")).boxes == (
        Box("h.example", 443, NUMBER),
    )


@pytest.mark.parametrize(
    "text",
    [
        f"angarium:card/relay.example?{BOX_FIELD}",
        f"angarium:card/relay.example?{KEY_FIELD}&{KEY_FIELD}",
        f"angarium:card/relay.example?{KEY_FIELD}&other=1",
        f"angarium:card/relay.example?{KEY_FIELD}&{BOX_FIELD}&{BOX_FIELD}&{BOX_FIELD}&{BOX_FIELD}",
        f"angarium:card/?{KEY_FIELD}",
        f"angarium:card/RELAY.example?{KEY_FIELD}",
        f"angarium:card/a b?{KEY_FIELD}",
        f"angarium:card/relay.example?{KEY_FIELD[:-1]}9",
        f"angarium:card/relay.example?{KEY_FIELD[:-1]}",
        f"angarium:card/relay.example?{KEY_FIELD}=",
        f"angarium:card/relay.example?{KEY_FIELD}&{BOX_FIELD.replace('443', '65536')}",
        f"angarium:card/relay.example?{KEY_FIELD}&{BOX_FIELD.replace('443', '0')}",
        f"angarium:card/relay.example?{KEY_FIELD}&{BOX_FIELD},short",
        f"angarium:card/relay.example?{KEY_FIELD}&{BOX_FIELD.replace(',', '')}",
        "angarium:card/relay.example",
        "angarium:card/" + "a" * 3_000,
        "dcaccount:relay.example",
        "",
    ],
)
def test_what_is_no_card(text: str) -> None:
    with pytest.raises(CardError):
        read_card(summed(text))


def test_one_is_not_taken_for_the_other() -> None:
    card, agreement = str(Card("relay.example", KEY)), str(Agreement("relay.example", BOXES[0], TOKEN))
    with pytest.raises(CardError, match="begins with angarium:hold/"):
        read_agreement(card)
    with pytest.raises(CardError, match="begins with angarium:card/"):
        read_card(agreement)
    with pytest.raises(CardError, match="no agreement"):
        read_agreement(summed(f"angarium:hold/relay.example?{BOX_FIELD}"))
