"""A dataset's record at the door: as an event of our vocabulary, and bare as DKIST's metadata store writes it."""

import json

import pytest

from consumers.catalogue.record import read_record
from consumers.homes import Home, criteria_in_force
from consumers.intake import Refused, Taken, take
from events.envelope import decode_request
from events.op_requests import ChangeOpDatasets, DiscoverOp
from tests.consumers.at_the_door import (
    NOW,
    a_message,
    a_stream,
    an_event,
    asked,
    refused,
    request_in,
    rules_of,
)
from tests.consumers.catalogue.making import a_record, an_answer
from tests.machines.given import Story

HOME = a_stream("dkist", programs={}, senders=("store",))
SIGNIFICANT = frozenset[str]().union(*(each.reads for each in criteria_in_force(Home())))


def news(record, **more):
    return an_event(
        type="dataset.changed", source="store", data={"stream": "dkist", "record": record, **more}
    )


def one_of(event):
    return asked(event, HOME, sender="store")


def test_a_record_becomes_what_a_scan_would_have_told_of_it():
    one = one_of(news(a_record()))
    told = request_in(one)
    assert (one.machine, one.subject, told["type"]) == ("op", "eid_1_1_opX_R001", "op.discover")
    request = DiscoverOp.read(told["data"])
    assert (request.source, request.proposal, request.experiment) == ("inbox.store", "pid_1_1", "eid_1_1")
    assert request.datasets == (read_record(a_record(), SIGNIFICANT).dataset,), "by the same fields as a scan"


def test_one_that_is_gone_leaves_its_program():
    told = request_in(one_of(news(a_record(), gone=True)))
    (gone,) = ChangeOpDatasets.read(told["data"]).gone
    assert (told["type"], gone.dataset, gone.program) == ("op.datasets", "AAAAA", "id.1.1")


def test_what_is_wrong_in_a_record_is_listed_and_stops_nothing_else():
    (dataset,) = DiscoverOp.read(request_in(one_of(news(a_record(frameCount=-1))))["data"]).datasets
    assert dataset.problems[0].path == "frameCount"


@pytest.mark.parametrize(
    ("event", "stream", "code", "reason"),
    [
        (news({}), HOME, "SCHEMA_VIOLATION", "datasetId"),
        (news(a_record(observingProgramExecutionId=None)), HOME, "SCHEMA_VIOLATION", "observingProgramExecutionId"),
        (news([]), HOME, "SCHEMA_VIOLATION", "record"),
        (news(a_record(instrumentProgramExecutionId=None), gone=True), HOME, "SCHEMA_VIOLATION", "the program it was"),
        (news(a_record()), a_stream("dkist", senders=("store",)), "NOT_ALLOWED", "home of observing programs"),
        (news(a_record()), a_stream("dkist", programs={}), "NOT_ALLOWED", "store"),
        (
            news(a_record()),
            a_stream("dkist", senders=("store",), programs={"criteria": [{"name": "none", "version": 9}]}),
            "BAD_CONFIGURATION",
            "none v9",
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_taken_says_why(event, stream, code, reason):
    found = refused(event, stream, sender="store")
    assert found.code == code
    assert reason in " ".join(found.reasons)


def bare(document, stream=HOME):
    return take(a_message(document, sender="store"), rules_of(stream), NOW)


def test_a_bare_record_goes_to_the_home_that_its_sender_speaks_for():
    found = bare(a_record())
    assert isinstance(found, Taken)
    (one,) = found.asked
    assert (one.subject, decode_request(one.value).type) == ("eid_1_1_opX_R001", "op.discover")
    again, other = bare(a_record()), bare(a_record(frameCount=401))
    assert isinstance(again, Taken)
    assert isinstance(other, Taken)
    assert again.asked[0].request_id == one.request_id, "the same words again ask for nothing new"
    assert other.asked[0].request_id != one.request_id


def test_a_whole_answer_is_taken_record_by_record():
    found = bare(json.loads(json.dumps(an_answer([a_record("A"), a_record("B"), 7, a_record("C", "")]))))
    assert isinstance(found, Taken)
    assert [decode_request(each.value).data["datasets"][0]["dataset"] for each in found.asked] == ["A", "B"]
    assert [each.code for each in found.refused] == ["SCHEMA_VIOLATION", "SCHEMA_VIOLATION"]
    assert all(each.is_kept for each in found.refused)


def test_nobody_speaks_for_a_home_that_is_not_theirs():
    found = bare(a_record(), a_stream("dkist", programs={}, senders=("another",)))
    assert isinstance(found, Refused)
    assert (found.code, found.is_kept) == ("NOT_ALLOWED", True)


def test_a_changed_record_re_opens_and_one_with_another_embargo_does_not():
    story = Story("op", "eid_1_1_opX_R001")

    def heard(**members):
        told = request_in(one_of(news(a_record(**members))))
        return story.ask(told["type"].partition(".")[2], told["data"])

    assert heard().type == "op.discovered"
    assert heard().data["reasons"] == ["the OP is known already, with all of these datasets; nothing to do"]
    assert heard(updateDate="2024-01-01T00:00:00").is_refusal, "no criterion reads that, nor does the public"
    embargoed = heard(isEmbargoed=True, embargoEndDate="2027-01-01T00:00:00")
    assert (embargoed.type, embargoed.tostate) == ("op.metadata_changed", "Discovered")
    assert embargoed.data["metadata"][0]["embargo_until"].startswith("2027-01-01")
    assert heard(isEmbargoed=True, embargoEndDate="2027-01-01T00:00:00").is_refusal
    health = {"bad": 200, "ill": None, "good": 200, "unknown": None}
    changed = heard(health=health, isEmbargoed=True, embargoEndDate="2027-01-01T00:00:00")
    assert changed.type == "op.datasets_changed"
    gone = request_in(one_of(news(a_record(), gone=True)))
    assert [each["dataset"] for each in story.ask("datasets", gone["data"]).data["gone"]] == ["AAAAA"]
