"""One row a file: what concerns all its versions, such as the best one, holds, acknowledgements, an embargo."""

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from events import file as facts
from events.envelope import Record
from events.file_manifest import FileAttested
from events.file_sidecar import FilePaired
from projectors.database import metadata
from projectors.projection import Folded, Row, first, greatest, merged, total

__all__ = ["file_status"]

_UTC = DateTime(timezone=True)

file_status = Folded(
    Table(
        "file_status",
        metadata,
        Column("file", Text(collation="C"), primary_key=True, comment="<stream>/<logical name>"),
        first("name", Text(collation="C"), "logical name of the file"),
        greatest("versions", Integer, "number of the newest version"),
        Column("best_version", Integer, comment="the newest COMPLETE version; NULL: none yet"),
        first("first_seen_at", _UTC, "UTC; when it was first announced"),
        Column("is_held", Boolean, nullable=False, server_default=text("false"), comment="no work on it for now"),
        Column("held_reason", Text, comment="why it is held"),
        Column("held_at", _UTC, comment="UTC; since when it is held"),
        merged("acknowledged", JSONB, "codes that an operator knows: {code: {until, at, by, reason}}"),
        Column("is_embargoed", Boolean, nullable=False, server_default=text("false"), comment="not public yet"),
        Column("embargo_until", _UTC, comment="UTC; when the embargo ends; NULL: never by itself"),
        Column("embargo_policy", Text, comment="the policy that set it"),
        Column("pending", JSONB, comment="other content that waits for the version in flight to end"),
        total("overtaken", Integer, "how often announced content was replaced before its turn: never processed"),
        Column("sidecar", Text(collation="C"), comment="logical name of its sidecar; NULL: none is there or wanted"),
        Column("sidecar_due_at", _UTC, comment="UTC; when its sidecar is a warning; NULL: none is waited for"),
        merged("withdrawn", JSONB, "warnings that no longer hold, by code or code/version: {sequence, at, because}"),
        Column("note", Text, comment="the last remark"),
        Column("noted_at", _UTC, comment="UTC; time of the last remark"),
        # Here and not with the versions: what never changes costs an index nothing after the first row.
        Index("file_status_by_name", "name"),
        Index("file_status_of_held", "file", postgresql_where=text("is_held")),
        schema="projection",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.05"},
    )
)  # fmt: skip


def _row(record: Record, **more: object) -> Row:
    return {"file": record.subject, **more}


def _name(record: Record) -> str:
    return record.subject.partition("/")[2]


_PAIRING = {"sidecar": "sidecar", "sidecar_due_at": "due_at"}


@file_status.on(facts.FileArrived, facts.FileConflicted)
def begun(record: Record) -> Row:
    """A new version; whatever waited has now come, or was replaced by this."""
    overtaken = 1 if "overtaken" in record.data else None
    seen = {"name": _name(record), "versions": record.version, "first_seen_at": record.time}
    pairing = record.data.get("pairing")
    told = {} if pairing is None else {name: pairing.get(each) for name, each in _PAIRING.items()}
    return _row(record, **seen, pending=None, overtaken=overtaken, **told)


@file_status.on(facts.FileAdopted)
def adopted(record: Record) -> Row:
    """A file that an archive had before us is COMPLETE from the beginning."""
    return _row(record, name=_name(record), versions=1, best_version=1, first_seen_at=record.time)


@file_status.on(facts.FileRegistered)
def registered(record: Record) -> Row:
    """The best version moves by fact."""
    return _row(record, best_version=record.data["best"])


@file_status.on(facts.FileDamaged)
def damaged(record: Record) -> Row:
    """The best version, if the fact names another; else there is none."""
    return _row(record, best_version=record.data.get("best"))


@file_status.on(facts.FileRestored)
def restored(record: Record) -> Row:
    """The version counts again."""
    return _row(record, best_version=record.data.get("best", record.version))


@file_status.on(facts.FileDeferred)
def deferred(record: Record) -> Row:
    """Other content waits."""
    overtaken = 1 if "overtaken" in record.data else None
    return _row(record, pending=record.data["pending"], overtaken=overtaken)


@file_status.on(facts.FileAcknowledged)
def acknowledged(record: Record) -> Row:
    """An operator knows these codes."""
    known = {
        "until": record.data.get("until"),
        "at": record.time,
        "by": record.actor,
        "reason": record.reason,
    }
    return _row(record, acknowledged=dict.fromkeys(record.data["codes"], known))


@file_status.on(facts.FileHeld)
def held(record: Record) -> Row:
    """No work for now."""
    return _row(record, is_held=True, held_reason=record.reason, held_at=record.time)


@file_status.on(facts.FileUnheld)
def unheld(record: Record) -> Row:
    """Work goes on."""
    return _row(record, is_held=False, held_reason=None, held_at=None)


@file_status.on(facts.FileNoted)
def noted(record: Record) -> Row:
    """A remark."""
    return _row(record, note=record.data["text"], noted_at=record.time)


@file_status.on(facts.FileEmbargoed)
def embargoed(record: Record) -> Row:
    """Not public."""
    data = record.data
    return _row(record, is_embargoed=True, embargo_until=data.get("until"), embargo_policy=data.get("policy"))


@file_status.on(facts.FileExtended)
def extended(record: Record) -> Row:
    """Not public for longer."""
    return _row(record, is_embargoed=True, embargo_until=record.data["until"])


@file_status.on(facts.FileLifted)
def lifted(record: Record) -> Row:
    """Public."""
    return _row(record, is_embargoed=False, embargo_until=None, embargo_policy=None)


@file_status.on(facts.FileValidated, facts.FileRejected)
def looked(record: Record) -> Row | None:
    """The warnings of a former look at the version no longer hold; what this one found stands in rows of its own."""
    codes = record.data.get("withdraws")
    if not codes:
        return None
    because = f"the file was looked at again, in attempt {record.attempt}"
    told = {"sequence": record.sequence, "at": record.time, "because": because}
    return _row(record, withdrawn={f"{code}/{record.version}": told for code in codes})


@file_status.on(FilePaired)
def paired(record: Record) -> Row | None:
    """Its sidecar is there; before the file was announced there is no row, its arrival says so then."""
    if record.version is None:
        return None
    because = f"its sidecar {record.data['sidecar']} has come"
    told = {"sequence": record.sequence, "at": record.time, "because": because}
    withdrawn = dict.fromkeys(record.data.get("withdraws", ()), told)
    more = {"withdrawn": withdrawn} if withdrawn else {}
    return _row(record, sidecar=record.data["sidecar"], sidecar_due_at=None, **more)


@file_status.on(FileAttested)
def attested(record: Record) -> Row | None:
    """A manifest that agrees withdraws what another had warned of."""
    codes = record.data.get("withdraws")
    if record.version is None or not codes:
        return None
    because = f"{record.data['manifest']} (version {record.data['manifest_version']}) names no other sum"
    told = {"sequence": record.sequence, "at": record.time, "because": because}
    return _row(record, withdrawn=dict.fromkeys(codes, told))
