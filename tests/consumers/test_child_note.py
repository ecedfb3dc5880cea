"""What a child tells of itself in memory: whole whenever it ends, and nothing where it wrote something else."""

import os
import signal
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.child_note import NOTE_BYTES, Note


@pytest.fixture
def note():
    with closing(Note()) as one:
        yield one


def test_what_was_told_last_stands_beside_what_was_told_before(note):
    note.tell({"seen": {"size_bytes": 3}})
    note.tell({"checking": {"name": "a"}})
    note.tell({"checking": {"name": "b"}})
    assert note.told() == {"seen": {"size_bytes": 3}, "checking": {"name": "b"}}
    note.clear()
    assert note.told() == {}
    note.tell({"checking": {"name": "c"}})
    assert note.told() == {"checking": {"name": "c"}}, "nothing is left of the file before"


def test_it_is_read_after_its_child_was_ended(note):
    pid = os.fork()
    if pid == 0:
        note.tell({"checking": {"name": "endless"}})
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert note.told() == {"checking": {"name": "endless"}}


def test_a_child_that_ends_while_it_writes_leaves_what_it_told_before(note):
    note.tell({"checking": {"name": "first"}})
    before = bytes(note._page)
    note.tell({"checking": {"name": "second"}})
    after = bytes(note._page)
    changed = [at for at in range(1, len(before)) if before[at] != after[at]]
    for written in range(len(changed) + 1):
        note._page[:] = before
        for at in changed[:written]:
            note._page[at] = after[at]
        assert note.told() == {"checking": {"name": "first"}}
    note._page[0] = after[0]
    assert note.told() == {"checking": {"name": "second"}}


def test_what_is_too_long_is_refused_and_what_was_told_stays(note):
    note.tell({"seen": 1})
    with pytest.raises(ValueError, match="wanted at most"):
        note.tell({"checking": "x" * NOTE_BYTES})
    assert note.told() == {"seen": 1}


@given(st.sampled_from([0, 1, 2, 3, 255]), st.binary(max_size=64), st.integers(0, 2**32 - 1))
def test_whatever_a_child_writes_there_is_told_as_an_object_or_as_nothing(which, written, length):
    with closing(Note()) as note:
        for first in (8, 8 + NOTE_BYTES):
            note._page[first : first + 4] = length.to_bytes(4, "big")
            note._page[first + 4 : first + 4 + len(written)] = written
        note._page[0] = which
        assert isinstance(note.told(), dict)


@pytest.mark.parametrize("written", [b"[1]", b"3", b'{"a":', b"\xff\xfe", b"[" * 10_000])
def test_what_is_no_object_is_nothing(note, written):
    note._page[8 : 12 + len(written)] = len(written).to_bytes(4, "big") + written
    note._page[0] = 1
    assert note.told() == {}
