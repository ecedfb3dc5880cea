"""The wrapper around ``transitions``: a wrong table fails when it is imported."""

from enum import StrEnum

import pytest

from events.file import FileArrived, FileStarted
from events.file_requests import ArriveFile, StartFile
from machines.lifecycle import IllegalTransitionError, Lifecycle, LifecycleError, Row


class Lamp(StrEnum):
    OFF = "Off"
    ON = "On"


class Other(StrEnum):
    ELSEWHERE = "Elsewhere"


GOOD = [Row(ArriveFile, FileArrived, Lamp.OFF, Lamp.ON), Row(StartFile, FileStarted, Lamp.ON, Lamp.OFF)]


def test_a_duplicate_row_fails():
    with pytest.raises(LifecycleError, match="stands twice"):
        Lifecycle(Lamp, initial=Lamp.OFF, rows=[*GOOD, GOOD[0]])


def test_an_unknown_state_fails():
    with pytest.raises(LifecycleError, match="wanted a member of Lamp"):
        Lifecycle(
            Lamp, initial=Lamp.OFF, rows=[*GOOD, Row(StartFile, FileStarted, Lamp.OFF, {Other.ELSEWHERE})]
        )


def test_a_state_that_nothing_leads_to_fails():
    with pytest.raises(LifecycleError, match="no row leads to On"):
        Lifecycle(Lamp, initial=Lamp.OFF, rows=[GOOD[1]])


def test_a_refused_transition_says_what_is_allowed():
    lamp = Lifecycle(Lamp, initial=Lamp.OFF, rows=GOOD)
    with pytest.raises(
        IllegalTransitionError, match=r"file\.started cannot follow Off; allowed here: arrive"
    ):
        lamp.after("file.started", Lamp.OFF)


def test_no_transition_opens_by_itself():
    lamp = Lifecycle(Lamp, initial=Lamp.OFF, rows=GOOD)
    assert lamp.ends("to_On", Lamp.OFF) == ()
