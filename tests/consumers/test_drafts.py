"""Events before they are sent: read in any of their shapes, and each fault named by its path."""

from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from consumers.drafts import Draft, read_drafts
from consumers.intake import Taken, take
from tests.consumers.at_the_door import NOW, a_message, a_stream, an_event, an_s3_record, rules_of, saying
from tests.consumers.catalogue.making import a_record

SAMPLES = sorted((Path(schemas.__file__).parent / "samples").glob("*.json"))
STREAM = a_stream(
    name_pattern=".+",
    roots=("s3://landing", "file:///landing"),
    membership="roman-exposure",
    programs={},
)
STORE = a_stream("dkist", senders=("dkist-dc",), roots=("s3://dkist",), programs={})


def drafts(value: Any, sender: str | None = "roman-soc") -> list[Draft]:
    text = value if isinstance(value, bytes) else orjson.dumps(value)
    return list(read_drafts(text, sender=sender))


def faults(value: Any) -> list[str]:
    (draft,) = drafts(value)
    return [fault.path for fault in draft.faults]


def test_there_are_samples_of_both_verdicts():
    assert {sample.name.rsplit(".", 2)[1] for sample in SAMPLES} == {"valid", "invalid"}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_is_judged_offline_as_its_name_says(sample):
    (draft,) = drafts(sample.read_bytes(), sender=None)
    assert bool(draft.faults) is sample.name.endswith(".invalid.json"), draft.faults


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_door_judges_a_sample_as_its_name_says(sample):
    """What ``validate`` says offline and what intake does are one verdict."""
    (draft,) = drafts(sample.read_bytes())
    sender = (draft.source or "roman-soc").split("/")[0]
    message = a_message(draft.value, sender=sender, headers=draft.headers)
    outcome = take(message, rules_of(STREAM, STORE), NOW)
    taken = isinstance(outcome, Taken) and not outcome.refused
    assert taken is sample.name.endswith(".valid.json"), outcome


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (an_event(), ["event 1"]),
        ([an_event(), an_event(id="2")], ["event 1", "event 2"]),
        (orjson.dumps(an_event()) + b"\n\n" + orjson.dumps(an_event()) + b"\n", ["line 1", "line 3"]),
        (orjson.dumps(an_event(), option=orjson.OPT_INDENT_2), ["event 1"]),
        ({"Records": [an_s3_record(), an_s3_record("b.fits")]}, ["event 1"]),
        (b"", ["the text"]),
        (b" \n", ["the text"]),
    ],
)
def test_one_event_an_array_and_one_a_line_are_read(text, labels):
    assert [draft.label for draft in drafts(text)] == labels


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        (an_event(), []),
        (saying(size_bytes=-1), ["$.data.size_bytes"]),
        (saying(size_bytes=-1, sha256="x"), ["$.data.size_bytes", "$.data.sha256"]),
        (saying(**{"with space": 1}), ["$.data['with space']"]),
        (saying(uri="s3://landing/../x"), ["$.data.uri"]),
        (an_event(type="file.complete"), ["$.type"]),
        (an_event(id="", source=3), ["$.id", "$.source"]),
        (an_event(id="a\nb"), ["$.id"]),
        (an_event(dataschema="/schemas/file.arrived/9"), ["$.dataschema"]),
        (an_event(time="yesterday"), ["$.time"]),
        (an_event(datacontenttype="text/plain"), ["$.datacontenttype"]),
        (an_event(source="keck"), ["$.source"]),
        (an_event(data=[]), ["$.data"]),
        ({"id": "1"}, ["$.specversion", "$.source", "$.type", "$.data"]),
        (b"17", ["$"]),
        (b"[17]", ["$"]),
        (b"nonsense", ["$"]),
        ({"Records": [an_s3_record(), an_s3_record("../a"), an_s3_record(event="ObjectRemoved:Delete")]},
         ["$.Records[1].s3.object.key", "$.Records[2].eventName"]),
        ({"imageName": "MC_1", "timestampEndOfReadout": 1.0}, ["$"]),
    ],
)  # fmt: skip
def test_each_fault_is_named_by_its_path(value, paths):
    assert faults(value) == paths


def test_a_fault_says_what_was_found():
    (draft,) = drafts(saying(size_bytes=-1))
    assert str(draft.faults[0]).startswith("$.data.size_bytes: found '-1'; ")


def test_a_bad_line_does_not_hide_the_good_ones():
    first, second = drafts(b"nonsense\n" + orjson.dumps(an_event()))
    assert first.faults
    assert not second.faults


def test_a_document_that_is_cut_is_one_fault_and_not_one_a_line():
    """As Rubin's public example of expected sensors is: its last brace is missing."""
    whole = orjson.dumps(an_event(), option=orjson.OPT_INDENT_2)
    (draft,) = drafts(whole[:-2])
    assert draft.label == "the text"
    assert draft.value == whole[:-2]
    assert str(draft.faults[0]).startswith("$: not JSON: unexpected end of data: line ")


def test_events_about_one_file_have_one_key_so_that_they_stay_in_order():
    (first,), (second,) = drafts(an_event()), drafts(an_event(id="2"))
    assert first.key == second.key == b"s3://landing/r0001_cal.asdf"


def test_a_notification_is_answered_record_by_record():
    (draft,) = drafts({"Records": [an_s3_record("a.fits"), an_s3_record("b.fits")]})
    assert len(set(draft.event_ids)) == 2


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        (a_record(), []),
        (a_record(observingProgramExecutionId=7), ["$.observingProgramExecutionId"]),
        (
            {"data": {"datasetInventories": [a_record(), a_record(datasetId=None)]}},
            ["$.data.datasetInventories[1].datasetId"],
        ),
    ],
)
def test_of_a_datasets_record_is_named_what_keeps_it_from_any_program(document, paths):
    assert faults(document) == paths
