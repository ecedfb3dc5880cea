"""Replay: what was ever written is folded by today's code to what it has always been folded to."""

import pytest

from machines import MACHINES
from machines.file import FILE
from tests.events.histories import stored
from tests.events.histories.stored import FOLDER, known, sums, uncovered

NAMES = sorted(path.name for path in FOLDER.glob("*.ndjson"))


def test_every_fact_in_every_version_stands_in_a_stored_history():
    assert uncovered() == [], "put it into lives.py, then: python -m tests.events.histories.add"


def test_every_stored_history_is_known_and_every_known_one_is_stored():
    assert sorted(known()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_history_is_as_it_was_written(name):
    entry = known()[name]
    assert sums(FOLDER / name, entry["machine"])[0] == entry["sha256"]


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_history_folds_to_what_it_always_did(name):
    """Differs: raise the machine's fold version if that was meant, then: python -m tests.events.histories.add."""
    entry = known()[name]
    version = str(MACHINES[entry["machine"]].fold_version)
    assert sums(FOLDER / name, entry["machine"])[1] == entry["folds_to"].get(version)


def test_a_fold_that_means_something_else_is_seen(monkeypatch):
    whole = FILE.evolve

    def inventive(state, record):
        whole(state, record)
        if record.type == "file.deferred":
            state.note_overtaken("nothing")

    monkeypatch.setattr(type(FILE), "evolve", staticmethod(inventive))
    entry = known()["file.1.ndjson"]
    assert sums(FOLDER / "file.1.ndjson", "file")[1] != entry["folds_to"][str(FILE.fold_version)]


def test_a_fact_without_a_history_is_named(monkeypatch):
    whole = stored.covered()
    monkeypatch.setattr(stored, "covered", lambda: whole - {("file.noted", 1)})
    assert uncovered() == [("file.noted", 1)]
