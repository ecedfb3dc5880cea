"""One row an attempt at a version of a file: who worked on it, where, with what, at what cost, and how it ended."""

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Table, Text, text

from events import file as facts
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row, first, greatest, total

__all__ = ["attempt"]

_UTC = DateTime(timezone=True)

attempt = Folded(
    Table(
        "attempt",
        metadata,
        Column("file", Text(collation="C"), primary_key=True, comment="<stream>/<logical name>"),
        Column("version", Integer, primary_key=True, autoincrement=False, comment="version of the file"),
        Column("attempt", Integer, primary_key=True, autoincrement=False, comment="number of the try, from 1"),
        Column("worker", Text, comment="the worker that began to read the file"),
        Column("host", Text, comment="the host that worked on it last"),
        Column("software_version", Text, comment="version of the software that began to read it"),
        first("started_at", _UTC, "UTC; when work began: reading, or going on where an earlier attempt failed"),
        Column("ended_at", _UTC, comment="UTC; when it ended; NULL: not yet"),
        Column("outcome", Text, comment="state that it ended in: COMPLETE, INVALID, ERROR …"),
        Column("code", Text, comment="why, where it is not COMPLETE"),
        total("wall_ms", BigInteger, "elapsed time of its work, milliseconds"),
        total("cpu_ms", BigInteger, "processor time of its work, milliseconds"),
        greatest("peak_rss_bytes", BigInteger, "largest memory of its processes, bytes"),
        total("bytes_read", BigInteger, "bytes read"),
        total("bytes_written", BigInteger, "bytes written to the archive"),
        total("lookup_ms", BigInteger, "of its elapsed time: waiting for outside services, milliseconds"),
        Column("exit", Text, comment="exit code or signal of the last process, such as 0 or SIGKILL"),
        Column("log_tail", Text, comment="end of the log of the last process that had one"),
        Column("log_object", Text, comment="where that log stands whole (s3://…); NULL: all of it is in log_tail"),
        Index(
            "attempt_of_lookups", "file", "version", postgresql_include=["lookup_ms", "wall_ms"],
            postgresql_where=text("lookup_ms IS NOT NULL"),
        ),
        schema="projection",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.05"},
    )
)  # fmt: skip

_WORKING = frozenset({"PROCESSING", "TRANSFERRING", "TRANSFERRED"})


def _row(record: Record) -> Row:
    return {"file": record.subject, "version": record.version, "attempt": record.attempt}


def _used(record: Record) -> Row:
    usage = record.data.get("usage")
    if usage is None:
        return {}
    used: Row = {
        "wall_ms": round(usage.get("wall_s", 0) * 1000),
        "cpu_ms": round(usage.get("cpu_s", 0) * 1000),
        "peak_rss_bytes": usage.get("peak_rss_bytes", 0),
        "bytes_read": usage.get("bytes_read", 0),
    }
    if usage.get("bytes_written") is not None:
        used["bytes_written"] = usage["bytes_written"]
    if usage.get("lookup_s") is not None:
        used["lookup_ms"] = round(usage["lookup_s"] * 1000)
    if usage.get("log_tail") is not None:
        used["log_object"] = usage.get("log_object")
    return used | {name: usage[name] for name in ("host", "exit", "log_tail") if usage.get(name) is not None}


def _ended(record: Record) -> Row:
    return {"ended_at": record.time, "outcome": record.tostate, "code": record.data.get("code")}


@attempt.on(facts.FileStarted)
def started(record: Record) -> Row:
    """A worker has begun to read the file."""
    data = record.data
    told = {name: data[name] for name in ("worker", "host", "software_version")}
    return _row(record) | told | {"started_at": record.time}


@attempt.on(facts.FileRetried)
def retried(record: Record) -> Row | None:
    """Work goes on where it failed; back in the queue, a worker has to begin."""
    return _row(record) | {"started_at": record.time} if record.tostate in _WORKING else None


@attempt.on(facts.FileValidated)
def validated(record: Record) -> Row | None:
    """The reading is done; without a transfer that is the end of it."""
    ended = _ended(record) if record.tostate not in _WORKING else {}
    return _changed(record, _used(record) | ended)


@attempt.on(facts.FileTransferred)
def transferred(record: Record) -> Row | None:
    """The copy is done."""
    return _changed(record, _used(record))


@attempt.on(facts.FileRegistered, facts.FileRejected, facts.FileFailed)
def ended(record: Record) -> Row | None:
    """It has ended."""
    return _changed(record, _used(record) | _ended(record))


def _changed(record: Record, more: Row) -> Row | None:
    return _row(record) | more if more else None
