"""What each record obliges us to do; the records are those that the machines really decide."""

from typing import Any

import pytest

from consumers.obligations import closing, obligations
from consumers.owed import (
    Cancelled,
    Configured,
    DeadlineOwed,
    Held,
    ItemOwed,
    Passed,
    StreamStands,
    VersionKnown,
)
from events.envelope import Record
from events.ids import derived_id
from events.trust_policy import TrustPolicy
from tests.machines.given import COMPLETE, SHA_A, SHA_B, Story, a_file, arrival, current, findings

CONFIGURATION = {
    "stream": "roman",
    "senders": ["soc"],
    "roots": ["file:///landing/"],
    "class_limits": {"large": 2},
}


def effects(record: Record) -> list[str]:
    """Effects and deadlines by name."""
    owed = obligations(record)
    names = [each.effect for each in owed if isinstance(each, ItemOwed)]
    return names + [each.request for each in owed if isinstance(each, DeadlineOwed)]


def kinds(record: Record) -> set[type]:
    return {type(each) for each in obligations(record)}


def last(*steps: str) -> Record:
    return a_file(*steps).decisions[-1].record


TABLE: list[tuple[tuple[str, ...], list[str]]] = [
    (("arrive",), ["ingest", "answer"]),
    (("arrive", "start"), []),
    (("arrive", "start", "validated"), ["transfer"]),
    (("arrive", "start", "reject"), ["answer"]),
    (("arrive", "start", "validated", "transferred"), ["register"]),
    (COMPLETE, ["answer"]),
    (("arrive", "fail"), ["answer"]),
    (("arrive", "start", "fail-due"), ["file.retry"]),
    (("arrive", "dismiss"), []),
    (("arrive", "hold"), []),
    (("arrive", "embargo"), ["file.lift"]),
    ((*COMPLETE, "damaged"), []),
]


@pytest.mark.parametrize(("steps", "wanted"), TABLE, ids=["-".join(steps) for steps, _ in TABLE])
def test_each_fact_obliges_what_the_table_says(steps, wanted):
    assert effects(last(*steps)) == wanted


@pytest.mark.parametrize(
    ("steps", "effect", "starts"),
    [
        (("arrive", "fail"), "ingest", True),
        (("arrive", "start", "fail"), "ingest", False),
        (("arrive", "start", "validated", "fail"), "transfer", None),
        (("arrive", "start", "validated", "transferred", "fail"), "register", None),
    ],
)
def test_a_retry_obliges_the_step_that_failed(steps, effect, starts):
    record = a_file(*steps).ask("retry", reason="the server is back")
    (item,) = [each for each in obligations(record) if isinstance(each, ItemOwed)]
    assert (item.effect, item.attempt, item.payload.get("start")) == (effect, 2, starts)
    assert item.payload["brief"]["content"]["uri"] == "file:///landing/a.fits"


def test_a_retry_by_a_person_begins_a_new_budget_and_one_by_a_deadline_does_not():
    by_person = a_file("arrive", "fail").ask("retry", reason="again")
    assert {"base_attempt": 2} in [
        each.members for each in obligations(by_person) if isinstance(each, VersionKnown)
    ]
    story = a_file("arrive", "start", "fail-due")
    by_deadline = story.ask("retry", {"due_sequence": 3})
    assert VersionKnown not in kinds(by_deadline)


def test_reprocessing_obliges_the_checks_with_what_a_person_wants_otherwise():
    record = a_file(*COMPLETE).ask("reprocess", {"overrides": {"identity": "KB.1"}}, reason="wrong clock")
    (item,) = [each for each in obligations(record) if isinstance(each, ItemOwed)]
    assert (item.effect, item.attempt, item.payload["start"]) == ("ingest", 2, True)
    assert item.payload["brief"]["overrides"] == {"identity": "KB.1"}


def test_reprocessing_without_transfer_ends_with_the_checks():
    story = a_file(*COMPLETE)
    story.ask("reprocess", {"transfer": False}, reason="new checks")
    story.ask("start", {"worker": "w", "host": "h", "software_version": "1"}, **current(story))
    record = story.ask("validated", findings(), **current(story))
    assert (record.tostate, effects(record)) == ("COMPLETE", [])


def test_a_reopened_file_that_goes_back_to_its_queue_is_ingested():
    record = a_file("arrive", "dismiss").ask("reopen", reason="it is a science frame after all")
    assert (record.tostate, effects(record)) == ("QUEUED", ["ingest"])


def test_content_that_waited_is_announced_again_when_the_version_ends():
    story = a_file("arrive", "start")
    deferred = story.ask("arrive", arrival(SHA_B, witness="inbox/0/2"), correlationid="second")
    assert effects(deferred) == ["answer"]
    assert VersionKnown("roman/a", 0, {"sender": "somebody", "correlationid": "second"}) in obligations(
        deferred
    )
    rejected = story.ask("reject", {"code": "EMPTY_FILE", "message": "0 bytes"}, **current(story))
    items = {each.effect: each for each in obligations(rejected) if isinstance(each, ItemOwed)}
    assert items["follow"].payload["pending"]["content"]["sha256"] == SHA_B


def test_refused_arrivals_are_answered_and_other_refusals_are_not():
    story = a_file("arrive", "start")
    story.ask("arrive", arrival(SHA_B, witness="inbox/0/2"))
    refused = story.ask("arrive", arrival(SHA_B, witness="inbox/0/3"))
    assert refused.is_refusal
    assert effects(refused) == ["answer"]
    assert effects(story.ask("retry", reason="why not")) == []


def test_facts_that_lead_on_end_what_the_ones_before_them_owed():
    leading: tuple[tuple[str, ...], ...] = (("arrive", "start", "validated"), ("arrive", "dismiss"), COMPLETE)
    for steps in leading:
        record = last(*steps)
        assert Passed("roman/a", 1, record.sequence, record.at) in obligations(record), steps
    staying: tuple[tuple[str, ...], ...] = (("arrive",), ("arrive", "start"), ("arrive", "hold"))
    for steps in staying:
        assert Passed not in kinds(last(*steps)), steps


def test_a_deadline_names_the_sequence_that_set_it_and_is_cancelled_by_what_overtakes_it():
    story = a_file("arrive", "start", "fail-due")
    failed = story.decisions[-1].record
    (owed,) = [each for each in obligations(failed) if isinstance(each, DeadlineOwed)]
    assert (owed.due_sequence, owed.due_at, owed.version) == (3, "2026-11-21T06:00:00Z", 1)
    assert owed.request_id == derived_id(failed.id, "due")
    retried = story.ask("retry", reason="at once")
    assert Cancelled("roman/a", 1, "file.retry", retried.sequence, retried.at) in obligations(retried)


def test_a_report_id_follows_from_the_fact_and_the_effect():
    record = last("arrive")
    ingest = next(each for each in obligations(record) if isinstance(each, ItemOwed))
    assert ingest.report_id == derived_id(record.id, "ingest")


def test_work_class_and_priority_go_with_the_item():
    story = Story("file", "roman/a")
    record = story.ask("arrive", {**arrival(), "work_class": "large", "priority": "catch-up"})
    known = next(each for each in obligations(record) if isinstance(each, VersionKnown))
    assert (known.members["work_class"], known.members["priority"]) == ("large", 1)


def test_holding_a_file_and_letting_it_go_are_remembered():
    story = a_file("arrive", "hold")
    assert obligations(story.decisions[-1].record) == [Held("roman/a", True, 2)]
    assert obligations(story.ask("unhold", reason="fine now")) == [Held("roman/a", False, 3)]


def test_a_streams_configuration_is_kept_by_version_and_its_senders_get_topics():
    story = Story("stream", "roman")
    owed = obligations(story.ask("configure", {"configuration": CONFIGURATION}))
    configured, stands, item = owed
    assert isinstance(configured, Configured)
    assert (configured.configuration_version, configured.configuration["senders"]) == (1, ["soc"])
    assert stands == StreamStands(
        "roman", "Standby", 1, class_limits={"large": 2}, trust=TrustPolicy().model_dump()
    )
    assert isinstance(item, ItemOwed)
    assert (item.effect, item.payload) == ("inbox", {"senders": ["soc"]})
    watched = {**CONFIGURATION, "watch_folders": ["/landing"]}
    again = obligations(story.ask("configure", {"configuration": watched}))
    assert again[2].payload == {"senders": ["soc", "folder-roman"]}


def test_states_and_holds_of_a_stream_are_remembered():
    story = Story("stream", "roman")
    story.ask("configure", {"configuration": CONFIGURATION})
    assert obligations(story.ask("start")) == [StreamStands("roman", "Disabled", 2)]
    assert obligations(story.ask("hold", reason="storm")) == [StreamStands("roman", "Disabled", 3, held=True)]
    assert obligations(story.ask("unhold", reason="over")) == [
        StreamStands("roman", "Disabled", 4, held=False)
    ]


def test_an_instrument_that_says_it_is_off_or_back_is_answered_as_every_sender():
    story = Story("stream", "roman")
    story.ask("configure", {"configuration": CONFIGURATION})
    said: dict[str, Any] = {"actor": "soc", "correlationid": "event-7", "causationid": "soc/event-7"}
    for word, state, kind in (
        ("offline", "Offline", "stream.offline"),
        ("offline", "Offline", "stream.refused"),  # it is off already
        ("standby", "Standby", "stream.standby"),
    ):
        (owed,) = [each for each in obligations(story.ask(word, **said)) if isinstance(each, ItemOwed)]
        assert (owed.effect, owed.payload["type"], owed.payload["state"]) == ("answer", kind, state)
        assert (owed.payload["sender"], owed.payload["event_id"]) == ("soc", "event-7")
    assert not any(isinstance(each, ItemOwed) for each in obligations(story.ask("start", **said)))


def test_an_outcome_closes_by_what_it_is():
    story = a_file("arrive", "start")
    assert closing(story.decisions[-1].record).outcome == "done"
    ignored = story.ask("validated", findings(), version=1, attempt=7)
    assert (ignored.type, closing(ignored).outcome) == ("file.report_ignored", "stale")
    told = {"object": {"bucket": "b", "key": "k", "size_bytes": 1, "sha256": SHA_A}}
    refused = closing(story.ask("transferred", told, version=1, attempt=1))
    assert refused.outcome == "refused"
    assert refused.reasons == ("transferred needs TRANSFERRING, found PROCESSING",)
