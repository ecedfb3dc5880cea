"""After a pause a reader is asked for all that it gathered, and before one for what is there."""

from typing import Any

from events.gathered import poll_gathered
from events.log import Place

ONE, TWO = Place("test.one", 0), Place("test.two", 0)


class Fetches:
    """A reader that gives what each of its fetches brought."""

    def __init__(self, *fetches: dict[Place, list[Any]]) -> None:
        self.left = list(fetches)
        self.asked: list[int] = []

    def poll(self, *, at_most: int, timeout_s: float) -> Any:
        self.asked.append(at_most)
        return {place: list(came) for place, came in self.left.pop(0).items()} if self.left else {}


def gathered(reader: Any, at_most: int, *, paused: bool) -> Any:
    return poll_gathered(reader, at_most=at_most, timeout_s=0.0, paused=paused)


def test_without_a_pause_one_fetch_is_all():
    reader = Fetches({ONE: ["a"]}, {ONE: ["b"]})
    assert gathered(reader, 9, paused=False) == {ONE: ["a"]}
    assert reader.asked == [9]


def test_after_a_pause_the_rest_follows_in_order_and_by_partition():
    reader = Fetches({ONE: ["a"]}, {ONE: ["b", "c"], TWO: ["d"]})
    found = gathered(reader, 9, paused=True)
    assert found == {ONE: ["a", "b", "c"], TWO: ["d"]}
    assert reader.asked == [9, 8]


def test_what_is_full_or_empty_is_not_asked_again():
    for first, at_most in (({ONE: ["a", "b"]}, 2), ({}, 2)):
        reader = Fetches(first, {ONE: ["c"]})
        assert gathered(reader, at_most, paused=True) == first
        assert reader.asked == [at_most]
