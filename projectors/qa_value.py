"""One row a result of a check: per version, attempt, check and part of the file looked at."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, Column, DateTime, Double, Index, Integer, Table, Text, text

from events import file as facts
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Appended, Row

__all__ = ["qa_value"]

qa_value = Appended(
    Table(
        "qa_value",
        metadata,
        Column("file", Text(collation="C"), primary_key=True, comment="<stream>/<logical name>"),
        Column("version", Integer, primary_key=True, autoincrement=False, comment="version of the file"),
        Column(
            "attempt",
            Integer,
            primary_key=True,
            autoincrement=False,
            comment="attempt in which it was checked",
        ),
        Column("check_name", Text, primary_key=True, comment="name of the check"),
        Column(
            "part", Text, primary_key=True, comment="HDU, block or dataset looked at; empty: the whole file"
        ),
        Column("level", Text, nullable=False, comment="critical, advisory or record-only"),
        Column("passed", Boolean, comment="NULL where the check only records"),
        Column("value", Double, comment="the value found, in ``unit``, where it is a number"),
        Column("value_text", Text, comment="the value found, where it is a text"),
        Column("unit", Text, comment="unit of value and threshold"),
        Column("threshold", Double, comment="what it was compared with, in ``unit``, where it is a number"),
        Column("threshold_text", Text, comment="what it was compared with, where it is a text"),
        Column("comparison", Text, comment="how value has to stand to threshold, such as <= or between"),
        Column("message", Text, comment="the result in words"),
        Column("checks_version", Text, comment="format and version of the checks that were run"),
        Column("stream_version", Integer, comment="configuration of the stream by whose rules it was judged"),
        Column(
            "checked_at", DateTime(timezone=True), nullable=False, comment="UTC; when the result was recorded"
        ),
        Index("qa_value_by_check_name", "check_name", "checked_at"),
        # Reports ask which checks failed of many files; few do.
        Index("qa_value_of_failed", "file", "version", postgresql_where=text("passed IS FALSE")),
        Index("qa_value_by_value", "check_name", "value"),
        schema="projection",
    )
)


def _split(value: Any) -> tuple[float | None, str | None]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value), None
    return None, None if value is None else str(value)


@qa_value.on(facts.FileValidated, facts.FileRejected)
def checked(record: Record) -> Iterable[Row]:
    """The results of one attempt. A check that reports twice on one part has its last word."""
    by = {name: record.data.get(name) for name in ("checks_version", "stream_version")}
    rows = {}
    for finding in record.data.get("qa", ()):
        value, value_text = _split(finding.get("value"))
        threshold, threshold_text = _split(finding.get("threshold"))
        part = finding.get("part") or ""
        rows[finding["check"], part] = {
            "file": record.subject,
            "version": record.version,
            "attempt": record.attempt,
            "check_name": finding["check"],
            "part": part,
            "level": finding["level"],
            "passed": finding.get("passed"),
            "value": value,
            "value_text": value_text,
            "unit": finding.get("unit"),
            "threshold": threshold,
            "threshold_text": threshold_text,
            "comparison": finding.get("comparison"),
            "message": finding.get("message"),
            **by,
            "checked_at": record.time,
        }
    return rows.values()
