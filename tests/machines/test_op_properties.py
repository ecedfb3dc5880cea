"""Whatever is asked of an observing program, in whatever order: what always holds of it, and of its replay."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from events.base import FACTS
from machines.op_state import OpState
from tests.machines.op_asker import WORDS, Asker


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), words=st.lists(st.sampled_from(WORDS), min_size=5, max_size=60))
def test_whatever_is_asked_the_laws_of_an_op_hold(seed, words):
    asker = Asker(random.Random(seed))
    for word in ["discover", *words]:
        asker.ask(word)
        asker.check()
        asker.go_on()
        asker.check()
    asker.replay()


def test_random_walks_take_in_every_fact_and_every_state():
    """What no walk ever reaches would be a row that says more than is true."""
    reached: set[tuple[str, str | None, str | None]] = set()
    for seed in range(60):
        asker = Asker(random.Random(seed))
        for _ in range(asker.dice.choice([20, 60])):
            asker.ask(asker.dice.choice(WORDS))
            for _ in range(asker.dice.choice([0, 1, 2, 6])):
                asker.go_on()
        asker.check()
        asker.replay()
        reached |= asker.reached
    assert {end for _, _, end in reached} - {None} == {state.value for state in OpState if state.is_known}
    assert {fact for fact, _, _ in reached} == {name for name in FACTS if name.startswith("op.")}
