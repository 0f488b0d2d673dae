"""Words as the search knows them."""

from hypothesis import given
from hypothesis import strategies as st

from angarium.channel.site.words import base36, leaves, plain, spread, words


def test_what_makes_no_difference() -> None:
    assert plain("Café ÉTÉ Straße") == "cafe ete straße"
    assert plain("كتاب يك") == plain("کتاب یک")
    assert plain("آبِ رَوان") == "اب روان"
    assert plain("۱۴۰۵ ١٤٠٥") == "1405 1405"
    assert list(words("می‌خواهم، نه! a_b")) == ["می", "خواهم", "نه", "a", "b"]
    assert list(words("x" * 50)) == ["x" * 30]


@given(st.lists(st.integers(0, 10**6), min_size=1, unique=True))
def test_numbers_come_back(numbers: list[int]) -> None:
    numbers.sort()
    at, found = 0, []
    for step in spread(numbers).split(" "):
        at += int(step, 36)
        found.append(at)
    assert found == numbers
    assert int(base36(numbers[-1]), 36) == numbers[-1]


@given(st.dictionaries(st.text("abc", min_size=1, max_size=30), st.integers(1, 50)), st.integers(1, 200))
def test_every_word_is_where_it_is_looked_for(sizes: dict[str, int], most: int) -> None:
    groups = leaves(sizes, most)
    assert sorted(word for group in groups.values() for word in group) == sorted(sizes)
    for name, group in groups.items():
        assert sum(sizes[word] for word in group) <= most or len(group) == 1
        for word in group:
            assert name == max((each for each in groups if word.startswith(each)), key=len)


def test_others_stay_when_one_is_divided() -> None:
    before = leaves({"ab": 1, "b": 1}, 2)
    after = leaves({"ab": 1, "ac": 1, "ad": 1, "b": 1}, 2)
    assert before["b"] == after["b"]
    assert set(after) == {"ab", "ac", "ad", "b"}
