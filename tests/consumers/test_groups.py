"""From files to groups to observing programs: what each fact obliges to, and what is asked of whom."""

from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text

from consumers import claims
from consumers.effects.groups import count_members, tell_datasets
from consumers.known_programs import datasets_of
from consumers.owed import Cancelled, DeadlineOwed, ItemOwed
from machines.membership import membership
from tests.consumers.at_work import STARTED, a_stream, dispatched
from tests.consumers.programs_given import OpStory, dataset, owed, wire
from tests.consumers.test_programs_again import missing
from tests.consumers.test_reconciler import caught_up, run
from tests.consumers.work_site import WorkSite, running
from tests.machines.given import SHA_A, Story, arrival, current, findings, stored

HEADER = {
    "DSETID": "AAAA", "IP_ID": "id.118.visp", "OBSPR_ID": "eid_1_118", "INSTRUME": "VISP", "PROP_ID": "pid_1_1",
    "DNAXIS": 3, "DAAXES": 2, "DNAXIS3": 2,
}  # fmt: skip


def place(index):
    found = membership(
        "dkist-dataset", name=f"frame_{index}", metadata={"extra": {**HEADER, "DINDEX3": index}}
    )
    members = found._asdict()
    return {**members, "parents": found.parents.model_dump(exclude_none=True)}


def frame(index, *, until="registered"):
    """The facts of one frame's way."""
    story = Story("file", f"dkist/frame_{index}")
    told = {
        "start": STARTED,
        "validated": {**findings(), "membership": place(index)},
        "transferred": stored(),
    }
    story.ask("arrive", arrival())
    for step in ("start", "validated", "transferred", "registered"):
        data = told.get(step, {"register_table": "operations.l2_file", "row_id": "1"})
        record = story.ask(step, data, **current(story))
        assert not record.is_refusal, record.data
        if step == until:
            break
    return story


def members(record):
    return [each for each in owed(record, ItemOwed) if each.effect == "member"]


def test_a_file_s_place_is_in_its_facts_from_validation_to_its_end():
    story = frame(1)
    kinds = {each.record.type: members(each.record) for each in story.decisions}
    (seen,), (complete,) = kinds["file.validated"], kinds["file.registered"]
    assert (seen.payload["status"], complete.payload["status"]) == ("seen", "complete")
    assert complete.payload["membership"]["group"] == "AAAA"
    assert complete.payload["membership"]["parents"]["op"] == "eid_1_118"
    assert kinds["file.arrived"] == kinds["file.started"] == kinds["file.transferred"] == []


def test_a_dismissed_and_a_rejected_file_count_as_such():
    story = frame(1, until="validated")
    failure = {"code": "TRANSFER_MISMATCH", "failure_class": "code", "message": "sums differ"}
    story.ask("fail", failure, **current(story))
    dismissed = story.ask("dismiss", {"code": "TEST_FRAME"}, reason="a test", **current(story))
    assert [each.payload["status"] for each in members(dismissed)] == ["dismissed"]
    other = frame(2, until="start")
    rejected = {"code": "UNREADABLE", "message": "no FITS", "membership": place(2)}
    record = other.ask("reject", rejected, **current(other))
    assert [each.payload["status"] for each in members(record)] == ["invalid"]


def test_files_of_streams_without_groups_oblige_to_nothing_more():
    story = Story("file", "roman/a")
    story.ask("arrive", arrival())
    story.ask("start", STARTED, **current(story))
    assert members(story.ask("validated", findings(SHA_A), **current(story))) == []


@pytest.fixture
def connection(postgres):
    engine = create_engine(postgres)
    with engine.connect() as connection:
        a_stream(connection, "dkist")
        yield connection
    engine.dispose()


def claim(connection, *effects):
    standing = claims.stand(connection)
    return claims.claim_light(connection, standing, owner="w1", effects=effects, at_most=100, lease_s=30.0)


class Joined:
    """The engine's place taken by one connection, so that what is not committed is seen."""

    def __init__(self, connection):
        self.connection = connection

    def connect(self):
        return self

    def __enter__(self):
        return self.connection

    def __exit__(self, *_):
        return None


def told(connection, effect, step, stories):
    """What is asked for the items of one effect, decided by the machines and dispatched."""
    records = []
    for _, ask in step(claim(connection, effect), SimpleNamespace(engine=Joined(connection))):
        if ask is None:
            continue
        story = stories(ask.subject)
        records.append(story.ask(ask.request.name.partition(".")[2], ask.request.wire(), actor="worker"))
    dispatched(connection, *records)
    connection.execute(text("UPDATE work.item SET state = 'done' WHERE state = 'leased'"))
    return records


def test_frames_fill_their_dataset_and_the_last_one_tells_the_observing_program(connection):
    group, op = Story("group", "dkist/AAAA"), OpStory()
    for index in (1, 2):
        for each in frame(index).decisions:
            dispatched(connection, each.record)
        told(connection, "member", count_members, lambda _subject: group)
        told(connection, "member", count_members, lambda _subject: group)
        asked = told(connection, "datasets", tell_datasets, lambda _subject: op)
        assert len(asked) == (index == 2), "only a whole dataset is told of"
    assert group.where == "Complete"
    assert op.where == "Discovered"
    (found,) = datasets_of(connection, [("eid_1_118", "id.118.visp")]).popitem()[1]
    assert (found.dataset.dataset, found.dataset.frames) == ("AAAA", 2)
    assert {each.effect for each in claim(connection, "readiness")} == {"readiness"}


def test_what_a_catalogue_has_told_of_a_dataset_is_left_as_it_is(connection):
    group, op = Story("group", "dkist/AAAA"), OpStory()
    dispatched(
        connection,
        op.told("discover", {"source": "catalogue", "datasets": wire(dataset("AAAA", "id.118.visp"))}),
    )
    for index in (1, 2):
        for each in frame(index).decisions:
            dispatched(connection, each.record)
    for _ in range(3):
        told(connection, "member", count_members, lambda _subject: group)
    assert group.where == "Complete"
    assert told(connection, "datasets", tell_datasets, lambda _subject: op) == []


def test_a_due_time_of_a_group_is_a_deadline_that_the_next_one_replaces():
    group = Story("group", "dkist/AAAA")
    wanted = {"kind": "dataset", "by": "manifest", "ranges": [{"first": 0, "last": 4}]}
    first = group.ask("expect", {**wanted, "due_at": "2026-11-22T00:00:00Z"})
    assert [each.request for each in owed(first, DeadlineOwed)] == ["group.due"]
    second = group.ask("expect", {**wanted, "ranges": [{"first": 0, "last": 5}]})
    assert [each.request for each in owed(second, Cancelled)] == ["group.due"]
    assert owed(second, DeadlineOwed) == []


def test_an_exposure_is_complete_when_all_of_its_detectors_are(work_site: WorkSite):
    with running(work_site, projector=True) as site:
        site.stream("roman-wfi", membership="roman-exposure")
        for detector in range(1, 19):
            name = f"r0000101001001001001_0001_wfi{detector:02d}_f158_cal.asdf"
            site.announce(site.place(name, b"x" * detector, stream="roman-wfi"), stream="roman-wfi")
        group = "roman-wfi/r0000101001001001001_0001"

        def whole():
            history = site.history(group, "group")
            return history and history[-1].tostate == "Complete" and history[-1]

        record = site.until(
            whole, timeout_s=40, what=lambda: str([r.data for r in site.history(group, "group")][-1:])
        )
        assert record.data["counts"]["complete"] == 18
        assert [each.type for each in site.records("group") if each.is_refusal] == []
        caught_up(site)
        assert missing(site) == []
        assert (
            run(site, "DELETE FROM work.item WHERE effect = 'member' AND payload ->> 'status' = 'seen'") == 18
        )
        assert {found for _, found in missing(site)} == {"file.validated without the work item member"}
