"""A step done beside its caller, or at once: what becomes of it is told in the same way, when it is asked for."""

import threading

import pytest

from projectors.beside import Beside


@pytest.fixture
def beside():
    made = Beside("here-writer")
    yield made
    made.close()


@pytest.mark.parametrize("way", ["begin", "at_once"])
def test_what_a_step_raised_is_raised_where_its_result_is_asked_for(beside, way):
    def wrong(said: str, *, more: str) -> None:
        raise LookupError(said + more)

    told = getattr(beside, way)(wrong, "not ", more="here")
    with pytest.raises(LookupError, match=r"^not here$"):
        told.result(10)


@pytest.mark.parametrize(("way", "where"), [("begin", "here-writer_0"), ("at_once", "MainThread")])
def test_each_way_has_its_thread(beside, way, where):
    done: list[str] = []
    told = getattr(beside, way)(lambda: done.append(threading.current_thread().name))
    assert told.result(10) is None
    assert done == [where]
