"""Folds, and the rules by which what they say joins, without a database."""

import pytest
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from events.base import FACTS
from events.envelope import Record
from events.file import FileStarted
from projectors import PROJECTIONS
from projectors.copy_text import encoder_of, json_cell, text_cell
from projectors.file_metadata import WIDTHS, validated
from projectors.file_version import file_version
from projectors.group_status import group_status
from projectors.halt import HaltError
from projectors.op_status import op_status
from projectors.projection import EMPTIED, Folded, first, greatest, merged, total
from projectors.sequences import Sequences

TABLE = Table(
    "thing",
    MetaData(),
    Column("file", Text, primary_key=True),
    Column("last", Text),
    first("begin", Text, "the first"),
    total("sum", BigInteger, "the sum"),
    greatest("most", Integer, "the greatest"),
    merged("members", JSONB, "members"),
)


def a_record(number: int = 1, **data) -> Record:
    return Record(
        id="00000000-0000-0000-0000-000000000001", type="file.started", subject="s/a",
        time="2026-11-21T05:00:00.000Z", sequence=number, fromstate="QUEUED", tostate="PROCESSING", actor="worker",
        requestid="r", requesttopic="t", ownerepoch=1, chain="", data=data, version=1, attempt=1,
    )  # fmt: skip


def folded(*rows) -> dict[str, str]:
    """What these rows of one subject come to, as cells."""
    projection = Folded(TABLE)
    told = iter(rows)
    projection.on(FileStarted)(lambda record: {"file": "s/a", **next(told)})
    joined: dict = {}
    for _ in rows:
        projection.fold(a_record(), joined)
    (copy,) = projection.copies(joined.values())
    return dict(zip(copy.columns, copy.lines[0].split("\t"), strict=True))


def test_without_a_rule_the_newer_value_stands():
    assert folded({"last": "one"}, {"last": "two"})["last"] == "two"


def test_a_column_left_out_stays_as_it_is():
    assert folded({"last": "one"}, {"begin": "x"})["last"] == "one"


def test_none_empties_a_column_and_is_told_from_nothing_given():
    emptied = folded({"last": "one"}, {"last": None})
    assert (emptied["last"], emptied[EMPTIED]) == (r"\N", "2")
    filled = folded({"last": None}, {"last": "one"})
    assert (filled["last"], filled[EMPTIED]) == ("one", "0")


def test_rules_join_what_is_given():
    row = folded(
        {"begin": "a", "sum": 1, "most": 7, "members": {"x": 1, "y": 1}},
        {"begin": "b", "sum": 2, "most": 3, "members": {"y": 2}},
        {"begin": None, "sum": None, "most": None, "members": None},
    )
    assert (row["begin"], row["sum"], row["most"], row["members"]) == ("a", "3", "7", '{"x":1,"y":2}')
    assert row[EMPTIED] == "0"


@pytest.mark.parametrize("row", [{"sum": 1.5}, {"sum": True}, {"most": "7"}, {"last": 7}, {"unheard": "of"}])
def test_a_value_that_its_column_cannot_hold_raises_before_anything_is_written(row):
    with pytest.raises((TypeError, KeyError)):
        folded(row)


def test_rows_that_set_the_same_columns_go_together():
    projection = Folded(TABLE)
    copies = projection.copies(
        [{"file": "a", "sum": 1}, {"file": "b", "last": None}, {"file": "c", "sum": None}]
    )
    assert [(copy.columns, copy.lines) for copy in copies] == [
        (("file", "sum", EMPTIED), ["a\t1\t0", "c\t\\N\t0"]),
        (("file", "last", EMPTIED), ["b\t\\N\t2"]),
    ]


@pytest.mark.parametrize("text", ["plain", "a\tb", "a\\b", "\\N", "a\nb\rc", "ümlaut", "␀", "{}", ""])
def test_text_comes_out_of_copy_as_it_went_in(text):
    cell = text_cell(text)
    assert not {"\t", "\n", "\r"} & set(cell)
    assert cell.encode().decode("unicode_escape").encode("latin-1").decode() == text


def test_json_is_escaped_once_more_for_copy():
    assert json_cell({"a": "tab\t", "b": 'quote"'}) == r'{"a":"tab\\t","b":"quote\\""}'


def test_a_type_that_nobody_has_thought_of_is_refused_at_once():
    from sqlalchemy import Interval

    with pytest.raises(TypeError, match="wanted one that COPY is known to read"):
        encoder_of(Column("x", Interval))


def test_every_fact_changes_the_row_of_what_it_is_about():
    told = {name for projection in PROJECTIONS for name in projection.folds}
    facts = {name for name in FACTS if not name.endswith(".refused") and not name.startswith("identity.")}
    assert facts <= told
    for machine, projection in (("file", file_version), ("op", op_status), ("group", group_status)):
        assert {name for name in facts if name.startswith(f"{machine}.")} == set(projection.folds)


def metadata_of(**told) -> dict:
    record = a_record(metadata=told, media_type="application/fits")
    row = validated(record)
    assert isinstance(row, dict)
    return row


@pytest.mark.parametrize(("name", "width"), WIDTHS.items())
def test_a_text_longer_than_its_column_stands_whole_beside_it(name, width):
    fits, too_long = "é" * width, "é" * (width + 1)
    assert metadata_of(**{name: fits})[name] == fits
    row = metadata_of(**{name: too_long})
    assert (row[name], row["extra"]) == (None, {name: too_long})


@pytest.mark.parametrize(
    ("found", "read"), [(-0.5, 359.5), (360.0, 0.0), (725.0, None), (-1e-20, 0.0), (12, 12.0)]
)
def test_a_right_ascension_is_brought_onto_the_circle_or_kept_as_it_came(found, read):
    row = metadata_of(ra_deg=found)
    assert (row["ra_deg"], row["extra"]) == (read, None if read is not None else {"ra_deg": found})


def test_a_declination_beyond_the_pole_is_none():
    row = metadata_of(dec_deg=-90.1)
    assert (row["dec_deg"], row["extra"]) == (None, {"dec_deg": -90.1})


def test_metadata_that_fits_its_columns_goes_there_and_the_rest_to_extra():
    row = metadata_of(
        instrument="WFI", exposure_s=139, ra_deg=1.5, obs_start_utc="2026-11-21T04:59:00.123456Z",
        obs_start_tai="2026-11-21T04:59:37.123456", gain=1.8, extra={"temperature_k": 90},
    )  # fmt: skip
    assert (row["instrument"], row["exposure_s"], row["ra_deg"]) == ("WFI", 139.0, 1.5)
    assert row["obs_start_utc"] == "2026-11-21T04:59:00.123456Z"
    assert row["obs_start_tai"] == "2026-11-21T04:59:37.123456"
    assert row["extra"] == {"gain": 1.8, "temperature_k": 90}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("obs_start_utc", "yesterday"),
        ("obs_start_utc", "2026-11-21T04:59:00"),
        ("obs_start_utc", "2026-11-21T04:59:00+10:00"),
        ("obs_start_utc", "2026-11-21\t04:59:00Z"),
        ("obs_start_utc", "2016-12-31T23:59:60Z"),
        ("obs_start_utc", 1234),
        ("obs_start_tai", "2026-11-21T04:59:37Z"),
        ("obs_start_tai", "2026-11-21"),
        ("exposure_s", "139"),
        ("exposure_s", True),
        ("ra_deg", [1]),
        ("instrument", 7),
        ("target", {"name": "m31"}),
    ],
)
def test_metadata_that_does_not_fit_its_column_is_kept_as_it_came(name, value):
    row = metadata_of(**{name: value})
    assert row[name] is None
    assert row["extra"] == {name: value}


def test_the_first_of_a_subject_needs_no_question_and_a_later_one_does():
    asked: list[str] = []

    def ask(_connection, _machine, subjects):
        asked.extend(subjects)
        return dict.fromkeys(subjects, 4)

    sequences = Sequences(ask, kept=2)
    records = [a_record(1), a_record(2)]
    assert sequences.meet("file", records) == []
    assert sequences.first_wrong("file", records) is None
    sequences.forget()
    later = [a_record(5)]
    sequences.learn(None, "file", sequences.meet("file", later))  # type: ignore[arg-type]
    assert asked == ["s/a"]
    assert sequences.first_wrong("file", later) is None
    found = sequences.first_wrong("file", [a_record(7)])
    assert found is not None
    assert isinstance(found[1], HaltError)


def test_what_is_met_now_and_then_is_remembered_and_the_rest_is_forgotten():
    def ask(_connection, _machine, subjects):
        return dict.fromkeys(subjects, 1)

    sequences = Sequences(ask, kept=2)

    def one(subject: str, number: int) -> list[str]:
        record = a_record(number)
        record.subject = subject
        unknown = sequences.meet("file", [record])
        sequences.learn(None, "file", unknown)  # type: ignore[arg-type]
        assert sequences.first_wrong("file", [record]) is None
        return unknown

    assert one("s/a", 2) == ["s/a"]
    assert one("s/b", 2) == ["s/b"]
    assert one("s/a", 3) == []
    assert one("s/c", 2) == ["s/c"]
    assert one("s/d", 2) == ["s/d"]
    assert one("s/b", 2) == ["s/b"]


def test_the_same_name_in_two_machines_is_two_subjects():
    sequences = Sequences(lambda _connection, _machine, subjects: dict.fromkeys(subjects, 4))
    for machine, number in (("file", 5), ("group", 1), ("file", 6), ("group", 2)):
        record = a_record(number)
        sequences.learn(None, machine, sequences.meet(machine, [record]))  # type: ignore[arg-type]
        assert sequences.first_wrong(machine, [record]) is None
