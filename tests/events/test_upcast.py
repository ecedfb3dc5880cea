"""Old records are read as today's, from the bytes that were written then."""

from pathlib import Path

import pytest

from events.base import FACTS
from events.chain import verify
from events.envelope import Record, UndecodableError, decode_record
from events.upcast import UnknownVersionError, upcast
from machines import MACHINES
from machines.desk import Desk
from machines.file_state import FileState

HISTORY = (Path(__file__).parent / "histories" / "file.arrived.1.ndjson").read_bytes().splitlines()


def a_record(type_name: str, dataschema: str, **data) -> Record:
    return Record(
        id="i",
        type=type_name,
        subject="s/f",
        time="2026-11-21T04:05:06.000Z",
        sequence=1,
        fromstate="∅",
        tostate="QUEUED",
        actor="a",
        requestid="r",
        requesttopic="t/0/1",
        ownerepoch=1,
        chain="",
        data=data,
        dataschema=dataschema,
    )


def test_a_history_of_version_1_still_verifies_in_its_own_bytes():
    chain = ""
    for value in HISTORY:
        chain = verify(chain, value)
    assert decode_record(HISTORY[-1]).chain == chain


def test_a_history_of_version_1_has_todays_shape_once_upcast():
    records = [upcast(decode_record(value)) for value in HISTORY]

    assert [each.dataschema for each in records] == [FACTS[each.type].schema_id() for each in records]
    for each in records:
        FACTS[each.type].read(each.data)
    assert decode_record(HISTORY[0]).data["uri"] == "s3://landing/night-1/a.asdf"
    assert records[0].data == {
        "content": {"uri": "s3://landing/night-1/a.asdf", "size_bytes": 402_653_184, "sha256": "3f" * 32},
        "stream_version": 3,
        "witness": "t/0/17",
        "priority": "catch-up",
    }


def test_a_history_of_version_1_folds_to_the_state_that_it_says():
    desk = Desk(MACHINES["file"], site="meridian")
    subject, chain = desk.new(), ""
    for value in HISTORY:
        chain = verify(chain, value)
        desk.apply(subject, upcast(decode_record(value)), chain=chain)

    versions = subject.state.versions
    assert {number: each.state for number, each in versions.items()} == {
        1: FileState.INVALID,
        2: FileState.QUEUED,
    }
    assert versions[2].content["uri"] == "s3://landing/night-2/a.asdf"
    assert versions[1].content["sha256"] == "3f" * 32


def test_everything_else_about_a_record_stays_as_it_was():
    before = decode_record(HISTORY[0], partition=2, offset=9)
    after = upcast(before)

    for name in Record.__annotations__:
        if name not in {"data", "dataschema"}:
            assert getattr(after, name) == getattr(before, name), name
    assert before.data["uri"]  # the record as it was decoded is left alone


def test_upcasting_again_changes_nothing():
    once = upcast(decode_record(HISTORY[0]))

    assert upcast(once) is once


@pytest.mark.parametrize("name", sorted(FACTS))
def test_todays_version_of_every_fact_is_passed_through(name):
    record = a_record(name, FACTS[name].schema_id())

    assert upcast(record) is record


@pytest.mark.parametrize("name", sorted(FACTS))
def test_there_is_a_way_from_version_1_of_every_fact_to_todays(name):
    assert upcast(a_record(name, f"/schemas/{name}/1")).dataschema == FACTS[name].schema_id()


@pytest.mark.parametrize(
    ("type_name", "dataschema", "said"),
    [
        (
            "file.arrived",
            "/schemas/file.arrived/99",
            "found /schemas/file.arrived/99, wanted /schemas/file.arrived/2",
        ),
        ("file.arrived", "/schemas/file.arrived/0", "file.arrived/0"),
        ("file.arrived", "/schemas/file.arrived/" + "9" * 5000, "update"),
        ("file.arrived", "/schemas/file.arrived/²", "²"),
        ("file.arrived", "/schemas/file.arrived/-1", "-1"),
        ("file.arrived", "/schemas/file.started/1", "file.started/1"),
        ("file.arrived", "", "found nothing"),
        ("file.sung", "/schemas/file.sung/1", "found file.sung"),
    ],
)
def test_what_today_cannot_read_is_an_error_that_says_so(type_name, dataschema, said):
    with pytest.raises(UnknownVersionError, match=said.replace(".", r"\.")) as caught:
        upcast(a_record(type_name, dataschema))

    assert isinstance(
        caught.value, UndecodableError
    )  # so whoever halts at undecodable bytes halts here as well
