"""One row a file that a manifest names: the sum it should have, and what came of comparing. Also of files unseen."""

from typing import Any

from sqlalchemy import Boolean, Column, Connection, DateTime, Index, Integer, Table, Text, text

from events import file as facts
from events.envelope import Record
from events.file_manifest import FileAttested
from projectors.database import metadata
from projectors.projection import Folded, Row

__all__ = ["entries", "entry_of", "manifest_entry", "standing_of"]

manifest_entry = Folded(
    Table(
        "manifest_entry",
        metadata,
        Column("file", Text(collation="C"), primary_key=True, comment="<stream>/<logical name>"),
        Column("stream", Text, comment="the stream of the manifest and of what it names"),
        Column("manifest", Text(collation="C"), comment="logical name of the manifest that was heard last"),
        Column("manifest_version", Integer, comment="its version"),
        Column("algorithm", Text, comment="MD5 or SHA-256"),
        Column("sum", Text, comment="hex; as the manifest has it"),
        Column("found", Text, comment="hex; as read; NULL: not read yet, or not for this kind of sum"),
        Column("agrees", Boolean, comment="both sums are the same; NULL: they were not compared yet"),
        Column("told_at", DateTime(timezone=True), comment="UTC; when the manifest's word was recorded"),
        Index("manifest_entry_by_manifest", "stream", "manifest"),
        schema="projection",
    )
)  # fmt: skip

_AS_TOLD = ("manifest", "manifest_version", "algorithm", "sum")


@manifest_entry.on(FileAttested)
def attested(record: Record) -> Row:
    """The last word stands."""
    data = record.data
    stream = record.subject.partition("/")[0]
    told = {name: data[name] for name in _AS_TOLD}
    compared = {"found": data.get("found"), "agrees": data.get("agrees")}
    return {"file": record.subject, "stream": stream, **told, **compared, "told_at": record.time}


@manifest_entry.on(facts.FileValidated, facts.FileRejected)
def compared(record: Record) -> Row | None:
    """The file was read; only of one that a manifest names does the fact say what came of it."""
    told = record.data.get("attested")
    if told is None:
        return None
    return {"file": record.subject, "found": told.get("found"), "agrees": told.get("agrees")}


def entries(
    connection: Connection,
    *,
    stream: str | None = None,
    manifest: str | None = None,
    standing: str | None = None,
    limit: int = 200,
) -> list[dict[str, Any]]:
    """Rows of ``v1.manifest_entry``, the missing ones first, then those that differ."""
    given = {"stream": stream, "manifest": manifest, "standing": standing}
    where = " AND ".join(f"{name} = :{name}" for name, value in given.items() if value is not None)
    query = f"SELECT * FROM v1.manifest_entry WHERE {where or 'true'} ORDER BY {_ORDER}, file LIMIT :limit"  # noqa: S608
    return [dict(row) for row in connection.execute(text(query), {**given, "limit": limit}).mappings()]


def entry_of(connection: Connection, file: str) -> dict[str, Any] | None:
    """What a manifest says of this file, announced or not."""
    query = text("SELECT * FROM v1.manifest_entry WHERE file = :file")
    row = connection.execute(query, {"file": file}).mappings().one_or_none()
    return None if row is None else dict(row)


def standing_of(connection: Connection, stream: str, manifest: str) -> list[dict[str, Any]]:
    """How the files that a manifest names stand: how many each way, and some of their names."""
    query = text("""
        SELECT standing, count(*) AS files, (array_agg(file ORDER BY file))[1:3] AS some
        FROM v1.manifest_entry WHERE stream = :stream AND manifest = :manifest GROUP BY standing ORDER BY standing
    """)
    found = connection.execute(query, {"stream": stream, "manifest": manifest})
    return [dict(row) for row in found.mappings()]


_ORDER = "array_position(ARRAY['missing', 'differs', 'not compared', 'not read', 'agrees'], standing)"
