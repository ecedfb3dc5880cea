"""Work on observing programs in the database: what dispatch keeps of them, and who may claim which item."""

import pytest
from sqlalchemy import create_engine, text

from consumers import breakers, claims, deadlines, work_items
from consumers.known_programs import datasets_of, part_of
from consumers.policies import criteria
from machines.program.verdict import judge
from tests.consumers.at_work import dispatched, state_of
from tests.consumers.programs_given import OP_ID, UNTIL, VBI, VISP, OpStory, cover, dataset, wire

ONE, TWO, CONTEXT = dataset("AAAA"), dataset("BBBB"), dataset("CCCC", VBI, "VBI")
OF_VISP = f"program:{VISP}"


@pytest.fixture
def connection(postgres):
    engine = create_engine(postgres)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def claim(connection, *effects):
    standing = claims.stand(connection)
    return claims.claim_light(connection, standing, owner="w1", effects=effects, at_most=10, lease_s=30.0)


def known(connection, program=VISP):
    return [each.dataset for each in datasets_of(connection, [(OP_ID, program)])[OP_ID, program]]


def test_datasets_are_known_as_the_last_fact_has_them(connection):
    story = OpStory()
    dispatched(connection, story.discover(ONE, TWO, CONTEXT))
    assert known(connection) == [ONE, TWO]
    assert known(connection, VBI) == [CONTEXT]
    other = TWO.model_copy(update={"digest": "f" * 32, "was": TWO.digest, "frames": 7})
    gone = {"dataset": "AAAA", "program": VISP, "digest": ONE.digest}
    changed = story.told("datasets", {"source": "catalogue", "changed": wire(other), "gone": [gone]})
    dispatched(connection, changed)
    assert known(connection) == [other]
    assert known(connection, "another") == []


def test_a_dataset_that_goes_over_to_another_program_is_there(connection):
    story = OpStory()
    dispatched(connection, story.discover(ONE, TWO, CONTEXT))
    moved = TWO.model_copy(update={"program": VBI})
    dispatched(connection, story.told("datasets", {"source": "catalogue", "changed": wire(moved)}))
    assert known(connection) == [ONE]
    assert {each.dataset for each in known(connection, VBI)} == {"BBBB", "CCCC"}


def test_reading_the_ledger_again_changes_nothing_of_what_is_known(connection):
    story = OpStory()
    records = [story.discover(ONE), story.told("datasets", {"source": "catalogue", "added": wire(TWO)})]
    dispatched(connection, *records)
    before = known(connection), part_of(connection, OP_ID, OF_VISP)
    items = connection.execute(text("SELECT count(*) FROM work.item")).scalar_one()
    dispatched(connection, records[0])
    dispatched(connection, *reversed(records))
    assert (known(connection), part_of(connection, OP_ID, OF_VISP)) == before
    assert connection.execute(text("SELECT count(*) FROM work.item")).scalar_one() == items


def test_a_part_remembers_its_facts_one_by_one_or_in_one_batch(connection):
    story, other = OpStory(), OpStory(subject="eid_1_119")
    for each in (story, other):
        records = [each.discover(ONE), each.close(ONE)]
        records.append(
            each.told("judge", {"verdict": judge(VISP, [ONE], criteria()).model_dump(mode="json")})
        )
        staged = {
            "program": VISP,
            "cover": cover(ONE),
            "location": "file:///work/1",
            "files": 1,
            "size_bytes": 1,
        }
        records.append(each.told("preprocessed", staged))
        if each is story:
            for record in records:
                dispatched(connection, record)
        else:
            dispatched(connection, *records)
    one, all_at_once = part_of(connection, OP_ID, OF_VISP), part_of(connection, "eid_1_119", OF_VISP)
    assert one == all_at_once
    assert one.known["location"] == "file:///work/1"
    assert one.known["now"]["state"] == "Preprocessed"


def test_each_program_s_item_is_claimed_without_any_stream(connection):
    dispatched(connection, OpStory().discover(ONE, CONTEXT))
    found = claim(connection, "readiness", "qualify")
    assert {item.payload["part"] for item in found} == {OF_VISP, f"program:{VBI}"}
    assert len({item.cause for item in found}) == 1


def test_new_data_makes_the_work_of_its_program_stale_and_no_other(connection):
    story = OpStory()
    dispatched(connection, story.discover(ONE, CONTEXT))
    dispatched(connection, story.close(ONE), story.close(CONTEXT, program=VBI))
    items = {item.payload["part"]: item for item in claim(connection, "qualify")}
    assert items.keys() >= {OF_VISP}
    dispatched(connection, story.told("datasets", {"source": "catalogue", "added": wire(TWO)}))
    assert state_of(connection, items[OF_VISP]) == "stale"
    assert claims.still_mine(connection, items.values()) == {
        item.key for part, item in items.items() if part != OF_VISP
    }


def test_a_program_whose_work_is_parked_holds_up_no_other_program(connection):
    story = OpStory()
    dispatched(connection, story.discover(ONE, CONTEXT), story.close(ONE))
    (item,) = claim(connection, "qualify")
    work_items.park(connection, item.lease, code="EFFECT_BUG", reason="x")
    dispatched(connection, story.close(CONTEXT, program=VBI))
    assert [each.payload["part"] for each in claim(connection, "qualify")] == [f"program:{VBI}"]


def test_what_is_held_rests_and_its_answers_go_out(connection):
    story = OpStory()
    dispatched(
        connection,
        story.told(
            "discover",
            {"source": "inbox", "datasets": wire(ONE)},
            actor="dkist",
            causationid="dkist/e1",
            correlationid="e1",
        ),
    )
    dispatched(connection, story.told("hold", {}, reason="look first"))
    assert [item.effect for item in claim(connection, "readiness", "answer")] == ["answer"]
    dispatched(connection, story.told("unhold", {}, reason="looked"))
    assert [item.effect for item in claim(connection, "readiness", "answer")] == ["readiness"]


def test_work_on_programs_waits_for_the_log_too(connection):
    story = OpStory()
    dispatched(connection, story.discover(ONE))
    breakers.trip(connection, breakers.LOG, code="X", error="x")
    assert claim(connection, "readiness") == []


def test_a_refused_verdict_has_one_more_try_to_say_so(connection):
    story = OpStory()
    dispatched(connection, story.discover(ONE), story.close(ONE))
    (item,) = claim(connection, "qualify")
    claims.mark_reported(connection, [(item, b"x")])
    record = story.ask("note", {"text": "x"})
    record.requestid, record.type = item.report_id, "op.refused"
    record.data = {"request": "op.judge", "code": "REFUSED", "reasons": ["not ready"]}
    dispatched(connection, record)
    (again,) = claim(connection, "qualify")
    assert again.payload["refused"] == {"code": "REFUSED", "reasons": ["not ready"]}
    assert again.report_id != item.report_id


def test_a_deadline_of_one_program_is_void_and_that_of_the_other_stays(connection):
    story = OpStory()
    dispatched(connection, story.discover(ONE, CONTEXT))
    for program, each in ((VISP, ONE), (VBI, CONTEXT)):
        wait = {
            "program": program,
            "due_at": UNTIL,
            "policy": "quiet",
            "policy_version": 1,
            "cover": cover(each),
        }
        dispatched(connection, story.told("await", wait))
    dispatched(connection, story.close(ONE))
    waiting = (
        connection.execute(text("SELECT part FROM work.deadline WHERE state = 'waiting'")).scalars().all()
    )
    assert waiting == [f"program:{VBI}"]
    assert deadlines.next_due_at(connection) is not None
