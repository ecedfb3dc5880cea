"""One row an instrument program of an observing program: its datasets in sum, readiness, verdict and staging."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from events import op as facts
from events import op_staging as staging
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row, first

__all__ = ["op_program"]

_UTC = DateTime(timezone=True)
_STATES = "Discovered, Invertible, Not Invertible, Not applicable or Preprocessed"

op_program = Folded(
    Table(
        "op_program",
        metadata,
        Column("op", Text(collation="C"), primary_key=True, comment="id of the observing program's execution"),
        Column("program", Text(collation="C"), primary_key=True, comment="id of the instrument program's execution"),
        Column("instrument", Text, comment="instrument as the catalogue names it"),
        Column("state", Text, comment=_STATES),
        Column("since_at", _UTC, comment="UTC; when it came into this state"),
        first("first_seen_at", _UTC, "UTC; when its first dataset was heard of"),
        Column("datasets", BigInteger, comment="how many datasets it has"),
        Column("cover", Text, comment="hex; digest over the names and significant fields of its datasets"),
        Column("is_ready", Boolean, comment="all of its datasets are there, as far as anybody knows"),
        Column("expected_datasets", BigInteger, comment="how many a manifest or a sender said; NULL: nobody has"),
        Column("ready_by", Text, comment="why it is ready: manifest, ready_event, quiet_period or operator"),
        Column("ready_at", _UTC, comment="UTC; when it was found ready"),
        Column("ready_message", Text, comment="that in words"),
        Column("awaited_until", _UTC, comment="UTC; it is ready then if nothing comes; NULL: nothing is awaited"),
        Column("readiness_policy", Text, comment="policy by which it is ready, or awaited"),
        Column("readiness_version", BigInteger, comment="version of that policy"),
        Column("forecast", Text, comment="when it is likely to be whole, in words"),
        Column("criteria", Text, comment="criteria it was judged by; NULL: no verdict that holds"),
        Column("criteria_version", BigInteger, comment="version of the criteria"),
        Column("outcome", Text, comment="pass, fail or not_applicable"),
        Column("failed_criteria", JSONB, comment="JSON array: required criteria that were not met"),
        Column("verdict_sequence", BigInteger, comment="number of the fact with the verdict"),
        Column("judged_at", _UTC, comment="UTC; when it was judged"),
        Column("staged_at", _UTC, comment="UTC; when its inputs were staged, or staging was not needed"),
        Column("staged_location", Text, comment="where its inputs are staged"),
        Column("staged_files", BigInteger, comment="how many files were staged"),
        Column("staged_bytes", BigInteger, comment="bytes; of the files that were staged"),
        Column("staged_manifest_uri", Text, comment="where the list of the staged files is"),
        Column("not_needed_because", Text, comment="why nothing had to be staged"),
        Column("unstaged_because", Text, comment="why its staged inputs were removed since; NULL: they were not"),
        Column("frames", BigInteger, comment="how many frames its datasets had when that was known; NULL: not said"),
        Index(
            "op_program_to_claim", "op", "program", postgresql_where=text("state = 'Preprocessed'"),
            postgresql_include=["since_at", "instrument", "frames", "datasets"],
        ),
        # The queue begins with those that have waited longest.
        Index("op_program_waiting", "since_at", postgresql_where=text("state = 'Preprocessed'")),
        Index("op_program_awaited", "awaited_until", postgresql_where=text("awaited_until IS NOT NULL")),
        schema="projection",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.05"},
    )
)  # fmt: skip

_VERDICT: Row = dict.fromkeys(
    ("criteria", "criteria_version", "outcome", "failed_criteria", "verdict_sequence", "judged_at")
)
_STAGED: Row = dict.fromkeys(
    (
        "staged_at", "staged_location", "staged_files", "staged_bytes", "staged_manifest_uri", "not_needed_because",
        "unstaged_because", "frames",
    )
)  # fmt: skip
_AWAITED: Row = {"awaited_until": None, "forecast": None}
_READY: Row = dict.fromkeys(
    ("ready_by", "ready_at", "ready_message", "readiness_policy", "readiness_version")
)


def _stands(record: Record, **more: Any) -> list[Row]:
    """Where the programs of the fact stand after it; ``more`` is the same for all of them."""
    return [_standing(record, now) | more for now in record.data.get("programs", ())]


def _standing(record: Record, now: dict[str, Any]) -> Row:
    return {
        "op": record.subject,
        "program": now["program"],
        "instrument": now["instrument"],
        "state": now["state"],
        "datasets": now["cover"]["datasets"],
        "cover": now["cover"]["digest"],
        "is_ready": now["is_ready"],
        "expected_datasets": now.get("expected_datasets"),
    }


@op_program.on(facts.OpDiscovered)
def discovered(record: Record) -> list[Row]:
    """The first that is known of them."""
    return _stands(record, since_at=record.time, first_seen_at=record.time)


@op_program.on(facts.OpDatasetsChanged)
def datasets_changed(record: Record) -> list[Row]:
    """They are open again; one of which nothing but these datasets is known is new."""
    rows = []
    for now in record.data["programs"]:
        row = _standing(record, now) | _VERDICT | _STAGED | _AWAITED | {"first_seen_at": record.time}
        if not now["is_ready"]:
            row |= _READY
        added = sum(each["program"] == now["program"] for each in record.data["added"])
        if now["program"] in record.data["reopened"] or added == now["cover"]["datasets"]:
            row["since_at"] = record.time
        rows.append(row)
    return rows


@op_program.on(facts.OpReadyAwaited)
def awaited(record: Record) -> list[Row]:
    """It closes then if nothing comes."""
    data = record.data
    told = {"awaited_until": data["due_at"], "forecast": data.get("forecast")}
    return _stands(record, **told, readiness_policy=data["policy"], readiness_version=data["policy_version"])


@op_program.on(facts.OpReadyKept)
def kept(record: Record) -> list[Row]:
    """More is expected than was seen: what is open waits for that now, and for no silence."""
    data = record.data
    rows = _stands(record, **_AWAITED)
    program = data.get("program")
    if program is not None and all(each["program"] != program for each in rows):
        rows.append(
            {"op": record.subject, "program": program, "expected_datasets": data.get("expected_datasets")}
        )
    return rows


@op_program.on(facts.OpReadinessClosed)
def closed(record: Record) -> list[Row]:
    """All datasets are there."""
    data = record.data
    told: Row = {"ready_by": data["by"], "ready_at": record.time, "ready_message": data.get("message")}
    policy = {"readiness_policy": data.get("policy"), "readiness_version": data.get("policy_version")}
    return _stands(record, **told, **policy, **_AWAITED)


@op_program.on(facts.OpJudged)
def judged(record: Record) -> list[Row]:
    """The verdict; its findings stand in the fact, and ``v1.op_criterion`` lists them."""
    verdict = record.data["verdict"]
    told = {name: verdict[name] for name in ("criteria", "criteria_version", "outcome")}
    when = {"judged_at": record.time, "since_at": record.time, "verdict_sequence": record.sequence}
    return _stands(record, **told, **when, failed_criteria=record.data["failed"])


@op_program.on(facts.OpRequalified)
def requalified(record: Record) -> list[Row]:
    """To be judged again."""
    return _stands(record, **_VERDICT, **_STAGED, since_at=record.time)


@op_program.on(facts.OpPreprocessed)
def preprocessed(record: Record) -> list[Row]:
    """Staged."""
    data = record.data
    told: Row = {
        "staged_at": record.time,
        "staged_location": data["location"],
        "staged_files": data["files"],
        "staged_bytes": data["size_bytes"],
        "staged_manifest_uri": data.get("manifest_uri"),
        "not_needed_because": None,
        "unstaged_because": None,
        "frames": data.get("frames"),
    }
    # Those who wait for it wait since it could first be claimed.
    when = {} if data.get("again") else {"since_at": record.time}
    return _stands(record, **told, **when)


@op_program.on(staging.OpUnstaging)
def unstaging(record: Record) -> Row | None:
    """Its inputs go; whoever claims it has them staged again."""
    data = record.data
    if not data["is_current"]:
        return None
    because = data.get("because") or record.reason or data.get("policy")
    emptied = dict.fromkeys(("staged_location", "staged_manifest_uri"))
    return {"op": record.subject, "program": data["program"], **emptied, "unstaged_because": because}


@op_program.on(facts.OpNotNeeded)
def not_needed(record: Record) -> list[Row]:
    """Nothing had to be staged."""
    data = record.data
    told = _STAGED | {
        "staged_at": record.time,
        "not_needed_because": data["because"],
        "frames": data.get("frames"),
    }
    return _stands(record, **told, since_at=record.time)
