"""What senders say is whole or is to come: taken from whom may say it, and for streams that know groups or programs."""

import pytest

from events.group import ExpectGroup
from events.op_requests import ReadyOp
from tests.consumers.at_the_door import a_stream, an_event, asked, refused, request_in

HOME = a_stream(programs={})
GROUPED, RUBIN = a_stream(membership="roman-exposure"), a_stream(membership="rubin-exposure")


def said(kind, **data):
    return an_event(type=kind, data={"stream": "roman-wfi", **data})


def test_a_sender_s_word_that_a_program_is_whole_goes_to_that_program():
    one = asked(said("op.ready", op="eid_1_118", program="p", expected_datasets=3), HOME)
    told = request_in(one)
    assert (one.machine, one.subject, told["type"], told["actor"]) == (
        "op",
        "eid_1_118",
        "op.ready",
        "roman-soc",
    )
    request = ReadyOp.read(told["data"])
    assert (request.by, request.program, request.expected_datasets) == ("ready_event", "p", 3)
    assert told["correlationid"] == "7f3e"


def home_that(*rules):
    members = {"name": "mine", "version": 2, "rule": [*rules]}
    return a_stream(programs={"readiness": {"name": "mine", "version": 2, "members": members}})


def test_a_sender_s_word_counts_for_the_programs_that_the_policy_closes_by_it():
    quiet = {"instruments": ["VBI"], "by": ["quiet_period"], "quiet_days": 1}
    home = home_that(quiet, {"instruments": ["*"], "by": ["ready_event"]})
    request = ReadyOp.read(request_in(asked(said("op.ready", op="eid_1"), home))["data"])
    assert (request.policy, request.policy_version, request.not_for) == ("mine", 2, ("VBI",))
    assert (request.is_for("VISP"), request.is_for("VBI")) == (True, False)
    none = refused(said("op.ready", op="eid_1"), home_that({**quiet, "instruments": ["*"]}))
    assert none.code == "NOT_ALLOWED"
    assert "the policy mine v2 closes programs by quiet_period, not by ready_event" in none.reasons[0]


def test_a_policy_that_can_not_be_read_loses_nobody_s_word():
    home = a_stream(programs={"readiness": {"name": "nowhere", "version": 9}})
    request = ReadyOp.read(request_in(asked(said("op.ready", op="eid_1"), home))["data"])
    assert (request.policy, request.is_for("VISP")) == (None, True)


def test_a_manifest_says_how_many_files_a_group_will_have():
    one = asked(said("files.expected", group="r0001", files=18, due_at="2026-11-22T00:00:00Z"), GROUPED)
    request = ExpectGroup.read(request_in(one)["data"])
    assert (one.machine, one.subject, request.by) == ("group", "roman-wfi/r0001", "manifest")
    assert [(each.first, each.last) for each in request.ranges] == [(0, 17)]


def test_a_manifest_of_sensors_expects_the_guiders_too():
    one = asked(said("files.expected", group="MC_O_20261121_000034", sensors=["R22_S11", "R22_S12"]), RUBIN)
    request = ExpectGroup.read(request_in(one)["data"])
    assert sum(each.last - each.first + 1 for each in request.ranges) == 2 + 8
    assert request.sidecar_needed


@pytest.mark.parametrize(
    ("stream", "told", "needed", "due"),
    [
        # Rubin's cameras write a sidecar for every image: without a word of when, ten minutes after the manifest.
        (RUBIN, {"sensors": ["R22_S11"]}, True, "2026-11-21T06:10:00"),
        (RUBIN, {"sensors": ["R22_S11"], "due_at": "2026-11-21T07:00:00Z"}, True, "2026-11-21T07:00:00"),
        (
            a_stream(membership="rubin-exposure", sidecars={"needed": False}),
            {"sensors": ["R22_S11"]},
            False,
            None,
        ),
        (GROUPED, {"files": 18}, False, None),
        (
            a_stream(membership="roman-exposure", sidecars={"due_after_s": 60}),
            {"files": 18},
            True,
            "2026-11-21T06:01:00",
        ),
    ],
)
def test_a_sidecar_that_the_streams_policy_wants_is_due_and_never_waited_for_without_end(
    stream, told, needed, due
):
    event = an_event(
        type="files.expected", time="2026-11-21T06:00:00Z", data={"stream": "roman-wfi", "group": "g", **told}
    )
    request = ExpectGroup.read(request_in(asked(event, stream))["data"])
    assert request.sidecar_needed is needed
    assert (request.due_at.isoformat()[:19] if request.due_at else None) == due


@pytest.mark.parametrize(
    ("event", "stream", "code", "says"),
    [
        (said("op.ready", op="eid_1_118"), a_stream(), "NOT_ALLOWED", "home of observing programs"),
        (said("op.ready"), HOME, "SCHEMA_VIOLATION", "op"),
        (said("op.ready", op="e", expected_datasets=-1), HOME, "SCHEMA_VIOLATION", "expected_datasets"),
        (said("files.expected", group="g", files=1), a_stream(), "NO_GROUPS", "membership rule"),
        (said("files.expected", group="g"), GROUPED, "SCHEMA_VIOLATION", "either files or sensors"),
        (
            said("files.expected", group="g", files=1, sensors=["R22_S11"]),
            RUBIN,
            "SCHEMA_VIOLATION",
            "either",
        ),
        (said("files.expected", group="g", sensors=["R22_S11"]), GROUPED, "SCHEMA_VIOLATION", "how many"),
        (said("files.expected", group="g", sensors=["R99_S99"]), RUBIN, "SCHEMA_VIOLATION", "R99_S99"),
        (said("files.expected", group="g", files=10**9), GROUPED, "SCHEMA_VIOLATION", "files"),
    ],
)
def test_what_can_not_be_taken_says_why(event, stream, code, says):
    found = refused(event, stream)
    assert found.code == code
    assert any(says in each for each in found.reasons), found.reasons


def test_who_does_not_speak_for_the_home_is_not_heard():
    event = {**said("op.ready", op="eid_1_118"), "source": "other"}
    assert refused(event, HOME, sender="other").code == "NOT_ALLOWED"
