import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.catalogue.catalogue_file import CatalogueFile
from consumers.catalogue.look import GAPS_LISTED, Seen
from consumers.catalogue.scan import Known, scan
from consumers.catalogue.spool_sql import Spool
from events.op_parts import Cover
from events.op_requests import ChangeOpDatasets, DiscoverOp
from tests.consumers.catalogue.making import a_record, records, write_catalogue
from tests.consumers.catalogue.telling import as_known, asked_of, outcome

READS = ("health.good", "gos.open", "ao_locked", "stokes")


class Listed:
    """A catalogue in memory."""

    name = "a list"

    def __init__(self, found):
        self.found = found

    def records(self, look):
        yield from (Seen(f"[{n}]", each) for n, each in enumerate(self.found))

    def again(self, dataset_ids):
        return None


def scanned(found, known=(), *, spool, reads=READS, **options):
    return scan(Listed(found), known, significant=reads, spool=spool, **options)


@pytest.fixture
def spool():
    with Spool() as spool:
        yield spool


def test_a_first_scan_finds_every_op_with_its_datasets(tmp_path, spool):
    path = write_catalogue(tmp_path / "datasets.json", records(5))
    found = scan(CatalogueFile(path), [], significant=READS, spool=spool)
    assert {op: len(told["added"]) for op, told in outcome(found).items()} == {
        f"eid_1_{n}_opX_R001.{n}": 4 for n in range(5)
    }
    assert all(change.is_new for change in found.changes())
    assert (found.counts["ops_new"], found.counts["added"], found.gaps, found.question) == (5, 20, [], None)


def test_a_second_scan_of_the_same_catalogue_records_nothing(spool):
    found = scanned(records(5), as_known(records(5), READS), spool=spool)
    assert outcome(found) == {}
    assert {name: count for name, count in found.counts.items() if count} == {
        "records": 20, "ops": 5, "datasets": 20, "ops_known": 5,
    }  # fmt: skip


def test_an_op_that_was_only_spoken_of_is_discovered_with_its_first_datasets(spool):
    op = "eid_1_0_opX_R001.0"
    found = scanned(records(1), [Known(op)], spool=spool)
    (change,) = found.changes()
    assert (change.is_new, change.experiment, len(change.added)) == (True, "eid_1_1", 4)
    assert found.counts["ops_known"] == 1


def test_an_op_of_which_no_record_can_be_read_is_told_once(spool):
    nameless = {"observingProgramExecutionId": "op-1"}
    assert scanned([nameless], [Known("op-1")], spool=spool).counts["ops_new"] == 0


def test_a_changed_catalogue_records_exactly_what_changed(spool):
    before = records(30)
    after = copy.deepcopy(before)
    after[0]["aoLocked"] = 300
    after[4]["updateDate"] = "2024-01-01T00:00:00"
    del after[8]
    after.append(a_record("NEW", op=before[12]["observingProgramExecutionId"], program="id.3.9"))
    found = scanned(after, as_known(before, READS, is_closed=True), spool=spool)
    ops = [each["observingProgramExecutionId"] for each in before]
    assert outcome(found) == {
        ops[0]: {"changed": [before[0]["datasetId"]]},
        ops[4]: {"metadata": [before[4]["datasetId"]]},
        ops[8]: {"gone": [before[8]["datasetId"]]},
        ops[12]: {"added": ["NEW"]},
    }
    by_op = {change.op_id: change for change in found.changes()}
    (changed,) = by_op[ops[0]].changed
    assert [tuple(each) for each in changed.changes] == [("ao_locked", 400, 300)]
    assert changed.dataset.was == changed.before.digest != changed.dataset.digest
    (touched,) = by_op[ops[4]].metadata
    assert [each.path for each in touched.changes] == ["updated_at"]
    assert touched.dataset.digest == touched.before.digest
    assert (by_op[ops[0]].reopens, by_op[ops[4]].reopens) == (("id.0.0",), ())
    assert by_op[ops[12]].reopens == ()
    assert found.counts["reopened"] == 2


def test_a_dataset_that_moves_leaves_one_program_and_joins_another(spool):
    before = records(2)
    after = copy.deepcopy(before)
    after[0]["instrumentProgramExecutionId"] = "id.0.9"
    after[1]["observingProgramExecutionId"] = before[-1]["observingProgramExecutionId"]
    found = scanned(after, as_known(before, READS), spool=spool)
    first, last = (each["observingProgramExecutionId"] for each in (before[0], before[-1]))
    moved, other = before[0]["datasetId"], before[1]["datasetId"]
    assert outcome(found) == {first: {"added": [moved], "gone": [moved, other]}, last: {"added": [other]}}


def told_by(source, raws):
    return [each._replace(source=source) for each in as_known(raws, READS)]


def test_only_who_has_told_of_a_dataset_can_say_that_it_is_gone(spool):
    ours, theirs, frames = records(6)[:4], records(6)[4:8], records(6)[8:12]
    known = [*told_by("a list", ours), *told_by("/yesterday.json", theirs), *told_by("group dkist/A", frames)]
    found = scanned(ours[1:], known, spool=spool)
    assert outcome(found) == {ours[0]["observingProgramExecutionId"]: {"gone": [ours[0]["datasetId"]]}}
    assert (found.counts["unseen"], found.others) == (1, {"/yesterday.json": 4, "group dkist/": 4})
    with Spool() as another:
        found = scanned(ours, known, spool=another, in_place_of=["/yesterday.json", "group dkist/"])
        assert (found.counts["gone"], found.others) == (8, {})


def test_what_another_source_has_told_of_may_change_and_move_all_the_same(spool):
    before = records(2)
    after = copy.deepcopy(before)
    after[0]["aoLocked"] = 300
    after[1]["instrumentProgramExecutionId"] = "id.0.9"
    found = scanned(after[:2], told_by("elsewhere", before), spool=spool)
    moved = before[1]["datasetId"]
    assert outcome(found) == {
        before[0]["observingProgramExecutionId"]: {
            "changed": [before[0]["datasetId"]], "added": [moved], "gone": [moved],
        }
    }  # fmt: skip


def test_a_source_that_leaves_others_their_word_says_nothing_of_what_they_have_told(spool):
    before = records(3)
    after = [{**each, "aoLocked": 1} for each in before]
    known = [*told_by("a catalogue", before[:4]), *told_by("group dkist/A", before[4:8])]
    found = scanned(after, known, spool=spool, in_place_of=["group dkist/"], leaves_others=True)
    assert {op: list(told) for op, told in outcome(found).items()} == {
        before[4]["observingProgramExecutionId"]: ["changed"],
        before[8]["observingProgramExecutionId"]: ["added"],
    }
    assert (found.counts["left"], found.others) == (4, {})


def test_other_criteria_name_other_members_and_nothing_is_changed_by_that(spool):
    known = as_known(records(3), ("fried_m.med",))
    found = scanned(records(3), known, spool=spool)
    assert outcome(found) == {}
    with Spool() as another:
        (first, *rest) = records(3)
        found = scanned([{**first, "updateDate": "2024-01-01T00:00:00"}, *rest], known, spool=another)
        assert outcome(found) == {first["observingProgramExecutionId"]: {"metadata": [first["datasetId"]]}}
        assert [each.metadata[0].dataset.digest for each in found.changes()] == [known[0].dataset.digest]


def test_more_than_a_tenth_of_all_ops_re_opened_stops_and_asks(spool):
    before = records(20)
    after = copy.deepcopy(before)
    for each in after[:8]:  # two OPs of twenty
        each["aoLocked"] = 0
    within = scanned(after, as_known(before, READS, is_closed=True), spool=spool)
    assert (within.counts["reopened"], within.question) == (2, None)
    after[8]["aoLocked"] = 0
    with Spool() as another:
        beyond = scanned(after, as_known(before, READS, is_closed=True), spool=another)
        assert (beyond.question.reopened, beyond.question.known) == (3, 20)
        assert "3 of 20 OPs (15 %)" in str(beyond.question)
        assert len(list(beyond.changes())) == 3
    with Spool() as another:
        still_open = scanned(after, as_known(before, READS), spool=another)
        assert still_open.question is None


def test_a_record_without_a_dataset_is_told_and_its_op_is_found(spool):
    nameless = a_record(op="eid_op_X")
    del nameless["datasetId"]
    found = scanned([nameless, 7, None, *records(1)], as_known(records(2), READS), spool=spool)
    assert outcome(found) == {"eid_op_X": {}}
    assert [(each.at, each.op_id, each.problem.path) for each in found.problems] == [
        ("[0]", "eid_op_X", "datasetId"), ("[1]", None, "[1]"), ("[2]", None, "[2]"),
    ]  # fmt: skip
    assert len(found.gaps) == 3, "who has no name might be one of those that are missing"
    assert found.counts["gone"] == 0


def test_of_a_catalogue_without_one_readable_record_the_first_thousand_gaps_are_kept(spool):
    found = scanned([None] * (GAPS_LISTED + 7), as_known(records(1), READS), spool=spool)
    assert (len(found.gaps), found.counts["gaps"], found.look.is_whole) == (
        GAPS_LISTED,
        GAPS_LISTED + 7,
        False,
    )
    assert (len(found.problems), found.counts["problems"]) == (GAPS_LISTED, GAPS_LISTED + 7)
    assert outcome(found) == {}


def test_a_dataset_whose_record_names_no_op_is_not_gone(spool):
    found_again = records(2)
    del found_again[0]["observingProgramExecutionId"]
    found = scanned(found_again, as_known(records(2), READS), spool=spool)
    assert outcome(found) == {}
    assert [each.problem.path for each in found.problems] == ["observingProgramExecutionId"]


def test_a_record_that_comes_twice_counts_once_and_a_contradiction_is_listed_whichever_comes_first():
    old = a_record(updateDate="2023-02-01T00:00:00", aoLocked=1)
    new = a_record(updateDate="2023-03-01T00:00:00", aoLocked=2)
    for order in ([old, new], [new, old], [old, new, new, old]):
        with Spool() as spool:
            found = scanned(order, spool=spool)
            (change,) = found.changes()
            (dataset,) = change.added
            assert dataset.read().values["ao_locked"] == 2
            assert [each.found for each in dataset.read().problems] == [
                "two records that differ in ao_locked, updated_at"
            ]
            assert found.counts["repeated"] == len(order) - 1
    with Spool() as spool:
        found = scanned([old, old, copy.deepcopy(old)], spool=spool)
        assert (found.counts["repeated"], found.counts["problems"]) == (2, 0)


@pytest.mark.parametrize(("text", "told"), [
    ('{"data": {"datasetInventories": [', "whole JSON document"), ("", "whole JSON document"),
    ('{"data": null, "errors": [{"message": "tired"}]}', "tired"), ("{}", "no list of records"), ("[]", "no list"),
])  # fmt: skip
def test_a_file_that_is_no_catalogue_is_told_and_nothing_is_gone(tmp_path, spool, text, told):
    path = tmp_path / "datasets.json"
    path.write_text(text)
    found = scan(CatalogueFile(path), as_known(records(2), READS), significant=READS, spool=spool)
    assert told in " ".join(map(str, found.gaps))
    assert outcome(found) == {}
    assert found.counts["unseen"] == 8


def test_bytes_that_are_no_text_spoil_one_member_of_one_record(tmp_path, spool):
    whole = json.dumps({"data": {"datasetInventories": records(1)}}).encode()
    path = tmp_path / "datasets.json"
    path.write_bytes(whole.replace(b'"IQUV"', b'"IQ\xff"', 1))
    found = scan(CatalogueFile(path), [], significant=READS, spool=spool)
    assert [each.problem.path for each in found.problems] == ["stokesParameters"]
    assert (found.counts["datasets"], found.gaps) == (4, [])


def test_requests_fit_and_what_leaves_goes_before_what_comes():
    many = [a_record(f"D{n:04d}", program=f"id.{n % 3}") for n in range(450)]
    with Spool() as spool:
        found = scanned(many, as_known([a_record("OLD")], READS), spool=spool)
        (change,) = found.changes()
        asked = asked_of(change)
    assert all(len(each.model_dump_json()) < 256 * 1024 for each in asked)
    assert [each.dataset for each in asked[0].gone] == ["OLD"]
    assert sorted(one.dataset for each in asked for one in each.added) == [f"D{n:04d}" for n in range(450)]


def test_a_new_op_is_discovered_with_what_its_name_says():
    op = "eid_1_118_opAvoqBr_R001.82591.13964206"
    with Spool() as spool:
        (change,) = scanned([a_record(op=op)], spool=spool).changes()
    (asked,) = asked_of(change)
    assert isinstance(asked, DiscoverOp)
    assert (asked.observing_program, asked.repeat) == ("eid_1_118_opAvoqBr", "R001.82591.13964206")
    assert (asked.experiment, asked.proposal) == ("eid_1_1", "pid_1_1")
    assert [each.dataset for each in asked.datasets] == ["AAAAA"]


NAMES = st.sampled_from("ABCDEF")
RECORD = st.builds(
    lambda name, op, program, ao, at: a_record(
        name, f"op_{op}", f"id.{program}", aoLocked=ao, updateDate=f"2023-0{at}-01T00:00:00", instrumentName="VBI"
    ),
    NAMES, st.integers(1, 2), st.integers(1, 2), st.sampled_from([1, 2, None, "x"]), st.integers(1, 3),
)  # fmt: skip
CATALOGUE = st.lists(RECORD, max_size=8)


def applied(known: dict, found) -> dict:
    """What the ledger knows after it has taken the requests of a scan, as the machine's covers reckon it."""
    for change in found.changes():
        for request in asked_of(change):
            if isinstance(request, DiscoverOp):
                known.update({(change.op_id, each.dataset): each for each in request.datasets})
                known.setdefault((change.op_id, None), None)
                continue
            assert isinstance(request, ChangeOpDatasets)
            for gone in request.gone:
                assert known.pop((change.op_id, gone.dataset)).digest == gone.digest
            for each in request.changed:
                assert known[change.op_id, each.dataset].digest == each.was
            for each in request.metadata:
                assert known[change.op_id, each.dataset].digest == each.digest
            for each in request.added:
                assert (change.op_id, each.dataset) not in known
            for each in (*request.added, *request.changed, *request.metadata):
                known[change.op_id, each.dataset] = each
    return known


@settings(max_examples=60)
@given(st.lists(CATALOGUE, min_size=1, max_size=4))
def test_after_any_scans_the_ledger_knows_the_last_catalogue_and_a_repeat_records_nothing(catalogues):
    known: dict = {}
    for found in [*catalogues, catalogues[-1]]:
        rows = [Known(op, dataset) for (op, _), dataset in known.items()]
        with Spool() as spool:
            known = applied(known, scanned(found, rows, spool=spool))
    rows = [Known(op, dataset) for (op, _), dataset in known.items()]
    with Spool() as spool:
        assert outcome(scanned(catalogues[-1], rows, spool=spool)) == {}
    with Spool() as spool:
        fresh = applied({}, scanned(catalogues[-1], spool=spool))
    assert {key for key in known if key[1]} == {key for key in fresh if key[1]}

    def members(each):
        return each and Cover.of([(each.dataset, each.digest)]), each and each.values

    assert all(members(known[key]) == members(fresh[key]) for key in fresh if key[1])
