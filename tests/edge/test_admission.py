"""The window for newcomers: small while the loop is late, as large as may be when it is not, and never shut."""

from angarium.edge.admission import FEWEST, LATE_SECONDS, Window


def test_it_begins_with_few_and_opens_as_long_as_the_loop_is_in_time() -> None:
    window = Window(512)
    assert window.places == FEWEST
    opened = []
    while window.places < 512:
        window.measured(LATE_SECONDS / 2)
        opened.append(window.places)
    assert opened == sorted(set(opened))
    assert len(opened) < 50, "in half a second, at a measurement every hundredth"
    window.measured(0)
    assert window.places == 512


def test_a_late_loop_shuts_it_faster_than_it_opens_and_never_to_nothing() -> None:
    window = Window(512)
    for _ in range(100):
        window.measured(0)
    shut = []
    while window.places > FEWEST:
        window.measured(LATE_SECONDS * 2)
        shut.append(window.places)
    assert len(shut) < 20
    for _ in range(10):
        window.measured(10)
    assert window.places == FEWEST


def test_a_loop_that_is_late_half_of_the_time_lets_in_few() -> None:
    window = Window(512)
    for _ in range(200):
        window.measured(0)
        window.measured(LATE_SECONDS * 2)
    assert window.places < 2 * FEWEST


def test_fewer_places_than_the_fewest_are_all_there_are() -> None:
    window = Window(1)
    for late in (0.0, 1.0, 0.0):
        window.measured(late)
        assert window.places == 1
