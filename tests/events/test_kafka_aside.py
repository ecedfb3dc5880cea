"""Steps beside whoever waits for them: one after the other, with what they raise, and not without limit."""

import threading

import pytest

from events.kafka_aside import Aside, LateError

PATIENCE_S = 10.0


@pytest.fixture
def aside():
    aside = Aside("aside of a test")
    yield aside
    aside.end()


def test_all_steps_are_done_in_one_thread_that_is_not_the_asker_s(aside):
    done_by: list[threading.Thread] = []
    for _ in range(3):
        aside.run(lambda: done_by.append(threading.current_thread()), PATIENCE_S)
    assert len(done_by) == 3
    assert len(set(done_by)) == 1
    assert threading.current_thread() not in done_by


@pytest.mark.parametrize("error", [ValueError("refused"), SystemExit(3)])
def test_what_a_step_raises_is_raised_to_whoever_waits_and_the_next_step_is_done(aside, error):
    def fails() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        aside.run(fails, PATIENCE_S)
    assert raised.value is error
    done: list[int] = []
    aside.run(lambda: done.append(1), PATIENCE_S)
    assert done == [1]


def test_a_step_that_does_not_come_back_is_waited_for_no_longer_and_ends_its_thread_later(aside):
    goes_on = threading.Event()
    thread: list[threading.Thread] = []

    def stuck() -> None:
        thread.append(threading.current_thread())
        goes_on.wait()

    with pytest.raises(LateError, match="has not come back"):
        aside.run(stuck, 0.05)
    aside.end()
    assert thread[0].is_alive()
    goes_on.set()
    thread[0].join(PATIENCE_S)
    assert not thread[0].is_alive()


def test_without_a_step_there_is_no_thread():
    before = threading.active_count()
    Aside("never asked").end()
    assert threading.active_count() == before
