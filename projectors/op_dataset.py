"""One row a dataset of an observing program, as its catalogue has it: the fields that criteria read, and problems."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from events import op as facts
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row, first

__all__ = ["op_dataset"]

_UTC = DateTime(timezone=True)
_FALSE = text("false")

op_dataset = Folded(
    Table(
        "op_dataset",
        metadata,
        Column("op", Text(collation="C"), primary_key=True, comment="id of the observing program's execution"),
        Column("program", Text(collation="C"), primary_key=True, comment="id of the instrument program's execution"),
        Column("dataset", Text(collation="C"), primary_key=True, comment="id of the dataset"),
        Column("instrument", Text, comment="instrument as the catalogue names it"),
        Column("digest", Text, nullable=False, comment="hex; of the fields that count"),
        Column("frames", BigInteger, comment="how many frames it has"),
        Column("size_bytes", BigInteger, comment="bytes; of all its frames"),
        Column("created_at", _UTC, comment="UTC; when the data was made, as the data says"),
        Column("started_at", _UTC, comment="UTC; begin of the observation"),
        Column("ended_at", _UTC, comment="UTC; end of the observation"),
        Column("is_embargoed", Boolean, nullable=False, server_default=_FALSE, comment="not public yet"),
        Column("embargo_until", _UTC, comment="UTC; when the embargo ends; NULL: never by itself"),
        Column("metrics", JSONB, comment="JSON object: what criteria read, by name, such as health.good"),
        Column("problems", JSONB, comment="JSON array: fields that could not be taken: {path, found, wanted}"),
        Column("is_gone", Boolean, nullable=False, server_default=_FALSE, comment="its catalogue no longer has it"),
        Column("gone_at", _UTC, comment="UTC; when it was found gone"),
        Column("source", Text, comment="the catalogue, or the sender's event, of the last that was heard of it"),
        first("first_seen_at", _UTC, "UTC; when it was first heard of"),
        Column("changed_at", _UTC, comment="UTC; when it came, or last changed in a field that counts"),
        Column("sequence", BigInteger, nullable=False, comment="number of the last fact about it"),
        Index("op_dataset_by_dataset", "dataset"),
        schema="projection",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.05"},
    )
)  # fmt: skip

_TOLD = (
    "instrument",
    "digest",
    "frames",
    "size_bytes",
    "created_at",
    "started_at",
    "ended_at",
    "embargo_until",
)


def _row(record: Record, dataset: dict[str, Any], **more: Any) -> Row:
    return {
        "op": record.subject,
        "program": dataset["program"],
        "dataset": dataset["dataset"],
        **{name: dataset.get(name) for name in _TOLD},
        "is_embargoed": dataset["is_embargoed"],
        "metrics": dataset["values"],
        "problems": dataset["problems"],
        "is_gone": False,
        "gone_at": None,
        "source": record.data["source"],
        "first_seen_at": record.time,
        "sequence": record.sequence,
        **more,
    }


@op_dataset.on(facts.OpDiscovered)
def discovered(record: Record) -> list[Row]:
    """Those seen so far."""
    return [_row(record, each, changed_at=record.time) for each in record.data["datasets"]]


@op_dataset.on(facts.OpDatasetsChanged)
def datasets_changed(record: Record) -> list[Row]:
    """Gone, come, or changed; in the order in which the machine takes them."""
    data = record.data
    rows = [_gone(record, each) for each in data["gone"]]
    rows += [_row(record, each, changed_at=record.time) for each in [*data["added"], *data["changed"]]]
    return rows + [_row(record, each) for each in data["metadata"]]


@op_dataset.on(facts.OpMetadataChanged)
def metadata_changed(record: Record) -> list[Row]:
    """Only what no criterion reads."""
    return [_row(record, each) for each in record.data["metadata"]]


def _gone(record: Record, gone: dict[str, Any]) -> Row:
    where = {"op": record.subject, "program": gone["program"], "dataset": gone["dataset"]}
    told = {"digest": gone["digest"], "source": record.data["source"], "sequence": record.sequence}
    return {**where, **told, "is_gone": True, "gone_at": record.time}
