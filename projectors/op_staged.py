"""One row a folder with staged inputs of an instrument program, those that have been removed included."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Table, Text, text

from events import op as facts
from events import op_staging as staging
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row

__all__ = ["op_staged"]

_UTC = DateTime(timezone=True)

op_staged = Folded(
    Table(
        "op_staged",
        metadata,
        Column("op", Text(collation="C"), primary_key=True, comment="id of the observing program's execution"),
        Column("location", Text(collation="C"), primary_key=True, comment="where the inputs are, or were, staged"),
        Column("program", Text(collation="C"), nullable=False, comment="id of the instrument program's execution"),
        Column("cover", Text, comment="hex; digest over the datasets whose files they are"),
        Column("staged_at", _UTC, comment="UTC; when they were staged"),
        Column("files", BigInteger, comment="how many files were staged"),
        Column("size_bytes", BigInteger, comment="bytes; of the files that were staged"),
        Column("manifest_uri", Text, comment="where the list of the staged files is"),
        Column("removing_at", _UTC, comment="UTC; when it was decided that they go; NULL: nobody has"),
        Column("policy", Text, comment="by which policy, such as staged-age; NULL: a person asked"),
        Column("because", Text, comment="what the policy found, or why the person asked"),
        Column("removed_at", _UTC, comment="UTC; when they were removed"),
        Column("was_left", Boolean, comment="a worker left them where they are, and says why"),
        Column("message", Text, comment="what the worker said of it"),
        Index("op_staged_kept", "staged_at", postgresql_where=text("removed_at IS NULL")),
        schema="projection",
    )
)  # fmt: skip


@op_staged.on(facts.OpPreprocessed)
def staged(record: Record) -> list[Row]:
    """There, of these datasets."""
    data = record.data
    told: Row = {
        "staged_at": record.time,
        "files": data["files"],
        "size_bytes": data["size_bytes"],
        "manifest_uri": data.get("manifest_uri"),
        **dict.fromkeys(("removing_at", "policy", "because", "removed_at", "was_left", "message")),
    }
    return [
        {"op": record.subject, "location": data["location"], "program": now["program"], **told}
        | {"cover": now["cover"]["digest"]}
        for now in data["programs"]
    ]


@op_staged.on(staging.OpUnstaging)
def unstaging(record: Record) -> Row:
    """They are to go."""
    data = record.data
    told = {"policy": data.get("policy"), "because": data.get("because") or record.reason}
    return _row(record, removing_at=record.time, was_left=None, message=None, **told)


@op_staged.on(staging.OpUnstaged)
def unstaged(record: Record) -> Row:
    """Gone, or left where they are."""
    data = record.data
    if data["is_gone"]:
        return _row(record, removed_at=record.time, was_left=False, message=data["message"])
    return _row(record, removing_at=None, was_left=True, message=data["message"])


def _row(record: Record, **more: object) -> Row:
    data = record.data
    return {"op": record.subject, "location": data["location"], "program": data["program"], **more}
