"""One row a warning about a version of a file: something unusual that changes no state."""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Table, Text

from events import file as facts
from events.envelope import Record
from events.file_manifest import FileAttested
from events.file_sidecar import FileSidecarLate
from projectors.database import metadata
from projectors.projection import Appended, Row

__all__ = ["warning"]

warning = Appended(
    Table(
        "warning",
        metadata,
        Column("file", Text(collation="C"), primary_key=True, comment="<stream>/<logical name>"),
        Column("sequence", BigInteger, primary_key=True, autoincrement=False, comment="number of its fact"),
        Column("ordinal", Integer, primary_key=True, autoincrement=False, comment="its place in that fact, from 1"),
        Column("version", Integer, nullable=False, comment="version of the file"),
        Column("attempt", Integer, nullable=False, comment="attempt in which it was seen"),
        Column("code", Text, nullable=False, comment="what kind of warning, such as HEADER_DUPLICATE"),
        Column("message", Text, nullable=False, comment="the warning in words"),
        Column("keyword", Text, comment="the keyword or member concerned"),
        Column("found", Text, comment="what was found"),
        Column("wanted", Text, comment="what was wanted"),
        Column("warned_at", DateTime(timezone=True), nullable=False, comment="UTC; when it was recorded"),
        Index("warning_by_code", "code", "warned_at"),
        schema="projection",
    )
)  # fmt: skip


@warning.on(facts.FileArrived, facts.FileValidated, facts.FileRejected, FileSidecarLate, FileAttested)
def warned(record: Record) -> Iterable[Row]:
    """The warnings that a fact carries."""
    findings = record.data.get("warnings")
    if not findings:
        return ()
    about = {
        "file": record.subject,
        "sequence": record.sequence,
        "version": record.version,
        "attempt": record.attempt,
        "warned_at": record.time,
    }
    return [{**about, "ordinal": number, **finding} for number, finding in enumerate(findings, start=1)]
