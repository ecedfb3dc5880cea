"""A position moves only from where its owner left it, in both forms of the move; and only one guard sees to that."""

import pytest
from sqlalchemy import Engine

from events import without
from events.without import is_without
from projectors.halt import LostPositionError
from projectors.positions import Move, Positions, position

KEY = ("file", 0)
FORMS = [None, "SET LOCAL jit = off"]
"""A statement of its own, and in words before others."""


@pytest.fixture(autouse=True)
def asked_anew():
    is_without.cache_clear()
    yield
    is_without.cache_clear()


def stands(engine: Engine, positions: Positions) -> int:
    with engine.begin() as connection:
        return positions.read_again(connection, {KEY: 1})[KEY]


def moved(engine: Engine, words: str | None, *, found: int, epoch: int = 1) -> int:
    """Where it stands after a step from ``found`` to 5, by the owner of ``epoch``; it stood at 0, and 1 owns it."""
    positions = Positions(position, "it")
    with engine.begin() as connection:
        positions.take_over(connection, {KEY: "topic"})
    try:
        with engine.begin() as connection:
            positions.move(connection, [Move(*KEY, found, 5)], {KEY: epoch}, words)
    except LostPositionError:
        assert stands(engine, positions) == 0
        raise
    return stands(engine, positions)


@pytest.mark.parametrize("words", FORMS)
def test_the_owner_moves_it_from_where_it_stands(engine, words):
    assert moved(engine, words, found=0) == 5


@pytest.mark.parametrize("words", FORMS)
@pytest.mark.parametrize(("found", "epoch"), [(3, 1), (0, 2), (0, 0)])
def test_nobody_else_does_and_nobody_from_elsewhere(engine, words, found, epoch):
    with pytest.raises(LostPositionError, match="another follower has taken over"):
        moved(engine, words, found=found, epoch=epoch)


@pytest.mark.parametrize("words", FORMS)
def test_switched_off_for_the_harness_it_is_so_in_both_forms(engine, monkeypatch, words):
    monkeypatch.setenv(without.VARIABLE, "compare_and_set")
    assert moved(engine, words, found=3, epoch=7) == 5
