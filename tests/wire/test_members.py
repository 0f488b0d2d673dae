"""Members of enumerations at the price of an attribute: the same ones as ever, found in the class itself."""

from enum import Enum, Flag

import pytest

from angarium.wire.members import direct


@direct
class Colour(Enum):
    RED = 1
    GREEN = 2
    VERT = 2  # noqa: PIE796 - an alias


@direct
class Right(Flag):
    READ = 1
    WRITE = 2
    BOTH = READ | WRITE


@pytest.mark.parametrize("enumeration", [Colour, Right])
def test_members_stand_in_the_class(enumeration: type[Enum]) -> None:
    for name, member in enumeration.__members__.items():
        assert vars(enumeration)[name] is member
        assert getattr(enumeration, name) is member is enumeration[name]


def test_the_rest_is_as_it_was() -> None:
    assert list(Colour) == [Colour.RED, Colour.GREEN]
    assert Colour["VERT"] is Colour.GREEN
    assert Right.READ | Right.WRITE is Right.BOTH
    assert Right.READ in Right.BOTH


def test_members_cannot_be_replaced() -> None:
    with pytest.raises(AttributeError):
        Colour.RED = 3  # type: ignore[misc]
