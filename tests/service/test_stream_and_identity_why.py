"""Why a stream is silent or at rest, and why an identity was refused: as the rows of the views tell it."""

from datetime import UTC, datetime, timedelta

from service.answer import answer_lines
from service.helping import NOBODY
from service.identity_why import identity_why
from service.stream_why import stream_why

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
ROW = {
    "stream": "keck", "state": "Enabled", "since_at": NOW, "held": False, "held_reason": None, "held_at": None,
    "offline_until": None, "fault": None, "configuration": {}, "silences": None, "files": 3,
}  # fmt: skip
HOLDER = {"holder": {"subject": "keck/a", "version": 1}}
RESERVED = {
    "is_refusal": False, "tostate": "Reserved", "time": NOW, "type": "identity.reserved", "actor": "worker",
    "reason": None, "data": HOLDER,
}  # fmt: skip
REFUSED = {
    "is_refusal": True, "time": NOW + timedelta(minutes=1), "actor": "worker-2", "type": "identity.refused",
    "data": {"reasons": ["keck/a version 1 holds it"]},
}  # fmt: skip


def test_a_stream_at_work_needs_nobody():
    answer = stream_why(ROW)
    assert (answer.because, answer.who, answer.help) == (
        "its files are taken in and worked on",
        NOBODY,
        (),
    )


def test_a_fault_a_silence_and_the_way_back_are_told():
    silence = {"purpose": "science", "since_at": "2026-11-21T05:00:00Z", "every_s": 600.0}
    answer = stream_why(ROW | {"state": "Fault", "fault": "the shutter is stuck", "silences": [silence]})
    assert answer.because == "something is wrong with it as a whole: the shutter is stuck"
    assert answer.evidence[1] == "no science file since 2026-11-21T05:00:00Z, wanted one every 600 s"
    assert (answer.who, answer.help[0].command) == ("an operator", "meridian stream standby keck")


def test_an_identity_that_was_refused_since_is_an_operators():
    answer = identity_why("KB.1", [REFUSED, RESERVED])
    assert answer.who == "an operator"
    assert "meridian identity transfer KB.1 --to FILE" in "\n".join(answer_lines(answer))
    assert "refused at " in answer.evidence[0]
    assert identity_why("KB.1", [RESERVED]).who == NOBODY
    free = {**RESERVED, "tostate": "Free", "type": "identity.released", "actor": "ada"}
    assert identity_why("KB.1", [free, REFUSED]).because == "nobody holds it, since identity.released by ada"
