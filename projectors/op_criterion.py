"""One row a finding of a verdict: every criterion, in each dataset or the program as a whole, met or not."""

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Double, Index, Integer, Table, Text

from events import op as facts
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Appended, Row

__all__ = ["op_criterion"]

_UTC = DateTime(timezone=True)

op_criterion = Appended(
    Table(
        "op_criterion",
        metadata,
        Column("op", Text(collation="C"), primary_key=True, comment="id of the observing program's execution"),
        Column("sequence", BigInteger, primary_key=True, autoincrement=False, comment="number of its verdict's fact"),
        Column("ordinal", Integer, primary_key=True, autoincrement=False, comment="its place in the verdict, from 1"),
        Column("program", Text(collation="C"), nullable=False, comment="id of the instrument program's execution"),
        Column("instrument", Text, nullable=False, comment="instrument as the catalogue names it"),
        Column("criteria", Text, nullable=False, comment="name of the set of criteria"),
        Column("criteria_version", BigInteger, nullable=False, comment="version of the criteria"),
        Column("criterion", Text, nullable=False, comment="name of the criterion"),
        Column("dataset", Text(collation="C"), comment="dataset looked at; NULL: the program as a whole"),
        Column("metric", Text, nullable=False, comment="what was measured"),
        Column("comparison", Text, nullable=False, comment="how value and threshold are compared, such as >="),
        Column("value", Double, comment="the value found, in ``unit``, where it is a number"),
        Column("value_text", Text, comment="the value found, where it is none; several as a JSON array"),
        Column("threshold", Double, comment="what it was compared with, in ``unit``, where it is a number"),
        Column("threshold_text", Text, comment="what it was compared with, where it is none"),
        Column("margin", Double, comment="value less threshold, in ``unit``; negative: short of it"),
        Column("unit", Text, comment="unit of value, threshold and margin"),
        Column("passed", Boolean, nullable=False, comment="it was met"),
        Column("required", Boolean, nullable=False, comment="false: recorded only"),
        Column("message", Text, comment="the finding in words"),
        Column("wanted_by", Text, comment="who wants it"),
        Column("judged_at", _UTC, nullable=False, comment="UTC; when the verdict was recorded"),
        Index("op_criterion_by_criterion", "criterion", "judged_at"),
        schema="projection",
    )
)  # fmt: skip


@op_criterion.on(facts.OpJudged)
def judged(record: Record) -> Iterable[Row]:
    """The findings of one verdict, in its order."""
    verdict = record.data["verdict"]
    subject, sequence, time = record.subject, record.sequence, record.time
    program, instrument = verdict["program"], verdict["instrument"]
    criteria, version = verdict["criteria"], verdict["criteria_version"]
    # Each column by its name, and no dicts put together: there are eleven rows a program, and thousands of programs.
    for ordinal, finding in enumerate(verdict["findings"], start=1):
        given = finding.get
        value, value_text = _split(given("value"))
        threshold, threshold_text = _split(given("threshold"))
        yield {
            "op": subject,
            "sequence": sequence,
            "ordinal": ordinal,
            "program": program,
            "instrument": instrument,
            "criteria": criteria,
            "criteria_version": version,
            "criterion": finding["name"],
            "dataset": given("dataset"),
            "metric": given("metric"),
            "comparison": given("comparison"),
            "margin": given("margin"),
            "unit": given("unit"),
            "value": value,
            "value_text": value_text,
            "threshold": threshold,
            "threshold_text": threshold_text,
            "passed": finding["passed"],
            "required": finding["required"],
            "message": given("message"),
            "wanted_by": given("source"),
            "judged_at": time,
        }


def _split(value: Any) -> tuple[float | None, str | None]:
    kind = type(value)  # as JSON gave it: bool is a type of its own here
    if kind is float or kind is int:
        return float(value), None
    if value is None or kind is str:
        return None, value
    return None, orjson.dumps(value).decode()
