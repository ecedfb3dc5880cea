"""What a record of the ledger obliges us to do, and what it ends. Pure: the same record always obliges the same."""

from collections.abc import Callable, Iterable

from consumers.group_obligations import counted, group_obligations
from consumers.held import WHOLE_FILE
from consumers.manifest_obligations import listed
from consumers.owed import (
    Cancelled,
    Configured,
    Data,
    DeadlineOwed,
    Held,
    ItemOwed,
    Judged,
    Obligation,
    Passed,
    Redriven,
    StreamStands,
    VersionKnown,
)
from consumers.program_obligations import program_obligations
from consumers.program_pieces import answer
from consumers.sidecar_obligations import paired, sidecar_is_complete, sidecar_wanted
from consumers.work_items import Closing
from events.envelope import Record

__all__ = ["IGNORED", "closing", "obligations"]

IGNORED = frozenset({"file.report_ignored", "op.report_ignored"})
"""A report that came too late: it is recorded, and closes its item as stale."""

PRIORITIES = {"live": 0, "catch-up": 1}
COST_ITS_READER = frozenset({"CHILD_KILLED"})
"""Codes of failures that tell against the file's stream, though nothing is known to be wrong with the file."""


def obligations(record: Record) -> list[Obligation]:
    """Everything this record obliges us to do or to remember."""
    if record.machine == "stream":
        return _of_stream(record)
    if record.machine == "op":
        return program_obligations(record)
    if record.machine == "group":
        return group_obligations(record)
    rule = _FILE.get(record.type)
    return list(rule(record)) if rule is not None else []


def closing(record: Record) -> Closing:
    """How this record closes whatever waits for the outcome of its request."""
    if record.is_refusal:
        data = record.data
        return Closing(
            record.requestid, "refused", record.at, data.get("code"), tuple(data.get("reasons", ()))
        )
    return Closing(record.requestid, "stale" if record.type in IGNORED else "done", record.at)


# --- files ---


def _arrived(record: Record) -> Iterable[Obligation]:
    data = record.data
    yield _announced(
        record, work_class=data.get("work_class", "normal"), priority=data.get("priority", "live")
    )
    brief = {name: data[name] for name in ("content", "stream_version", "role", "purpose") if name in data}
    yield _item("ingest", record, {"brief": brief, "start": True})
    yield _answer(record)
    yield from sidecar_wanted(record)


def _conflicted(record: Record) -> Iterable[Obligation]:
    yield _announced(record, work_class="normal", priority="live")
    yield _answer(record)


def _witnessed(record: Record) -> Iterable[Obligation]:
    yield _answer(record)


def _deferred(record: Record) -> Iterable[Obligation]:
    yield VersionKnown(
        record.subject, WHOLE_FILE, {"sender": record.actor, "correlationid": record.correlationid}
    )
    yield _answer(record)


def _validated(record: Record) -> Iterable[Obligation]:
    yield _passed(record)
    yield _judged(record, is_good=True)
    if record.tostate == "TRANSFERRING":
        yield _item(
            "transfer", record, {"brief": record.data["brief"], "media_type": record.data.get("media_type")}
        )
    if record.data.get("preview"):
        yield _item("preview", record, {"brief": record.data["brief"]})
    yield from counted(record, record.data["brief"].get("membership"), "seen")
    yield from listed(record)
    yield from _follow(record)


def _transferred(record: Record) -> Iterable[Obligation]:
    yield _passed(record)
    yield _item("register", record, {"brief": record.data["brief"]})


def _registered(record: Record) -> Iterable[Obligation]:
    yield _passed(record)
    yield _answer(record)
    status = "complete" if record.type == "file.registered" else "invalid"
    yield from counted(record, record.data.get("membership"), status)
    yield from sidecar_is_complete(record)
    yield from _follow(record)


def _rejected(record: Record) -> Iterable[Obligation]:
    yield _judged(record, is_good=False)
    yield from _registered(record)


def _failed(record: Record) -> Iterable[Obligation]:
    yield _passed(record)
    if record.data.get("code") in COST_ITS_READER:
        yield _judged(record, is_good=False)
    if record.data.get("due_at"):
        yield _deadline(record, "file.retry", record.data["due_at"], version=record.version)
    else:
        yield _answer(record)
    yield from _follow(record)


def _retried(record: Record) -> Iterable[Obligation]:
    yield _passed(record)
    yield _no_retry(record)
    if record.data.get("due_sequence") is None:
        yield VersionKnown(record.subject, record.version or 1, {"base_attempt": record.attempt})
    yield from _resumed(record)


def _reprocessed(record: Record) -> Iterable[Obligation]:
    yield _passed(record)
    yield _no_retry(record)
    yield VersionKnown(
        record.subject, record.version or 1, {"base_attempt": record.attempt, "queued_at": record.time}
    )
    yield from _resumed(record)


def _reopened(record: Record) -> Iterable[Obligation]:
    yield _passed(record)
    yield VersionKnown(
        record.subject, record.version or 1, {"base_attempt": record.attempt, "queued_at": record.time}
    )
    yield from counted(record, record.data["brief"].get("membership"), "seen")
    yield from _resumed(record)


def _dismissed(record: Record) -> Iterable[Obligation]:
    yield _passed(record)
    yield _no_retry(record)
    yield from counted(record, record.data.get("membership"), "dismissed")
    yield from _follow(record)


def _held(record: Record) -> Iterable[Obligation]:
    yield Held(record.subject, record.type == "file.held", record.sequence)


def _redriven(record: Record) -> Iterable[Obligation]:
    yield Redriven(record.subject, record.sequence)


def _embargoed(record: Record) -> Iterable[Obligation]:
    yield Cancelled(record.subject, None, "file.lift", record.sequence, record.at)
    if record.data.get("until"):
        yield _deadline(record, "file.lift", record.data["until"], version=None)


def _lifted(record: Record) -> Iterable[Obligation]:
    yield Cancelled(record.subject, None, "file.lift", record.sequence, record.at)


def _removing(record: Record) -> Iterable[Obligation]:
    data = record.data
    yield _item("remove", record, {"what": data["what"], "place": data["place"], "brief": data["brief"]})


def _refused(record: Record) -> Iterable[Obligation]:
    if record.data.get("request") == "file.arrive":
        yield _answer(record)


_STEPS = {"QUEUED": "ingest", "PROCESSING": "ingest", "TRANSFERRING": "transfer", "TRANSFERRED": "register"}


def _resumed(record: Record) -> Iterable[Obligation]:
    """The step that the state waits for, once more."""
    effect = _STEPS.get(record.tostate or "")
    if effect is not None:
        start = {"start": record.tostate == "QUEUED"} if effect == "ingest" else {}
        yield _item(effect, record, {"brief": record.data["brief"], **start})


def _announced(record: Record, *, work_class: str, priority: str) -> VersionKnown:
    members = {
        "sender": record.actor,
        "correlationid": record.correlationid,
        "queued_at": record.time,
        "base_attempt": record.attempt or 1,
        "work_class": work_class,
        "priority": PRIORITIES.get(priority, 0),
    }
    return VersionKnown(record.subject, record.version or 1, members)


def _passed(record: Record) -> Passed:
    return Passed(record.subject, record.version, record.sequence, record.at)


def _judged(record: Record, *, is_good: bool) -> Judged:
    return Judged(record.subject.partition("/")[0], is_good, record.at)


def _no_retry(record: Record) -> Cancelled:
    return Cancelled(record.subject, record.version, "file.retry", record.sequence, record.at)


def _follow(record: Record) -> Iterable[Obligation]:
    pending = record.data.get("pending")
    if pending is not None:
        yield _item("follow", record, {"pending": pending})


# These facts answer what the sender itself has said; the others go to whoever announced the version.
_SENDERS_OWN = {"file.arrived", "file.conflicted", "file.witnessed", "file.deferred", "file.refused"}
_TOLD = ("code", "message", "reasons", "found", "wanted", "failed_from", "best", "witnesses", "other_version")


def _answer(record: Record) -> ItemOwed:
    payload: Data = {
        "type": record.type,
        "state": record.tostate,
        "request_id": record.requestid,
        "told": {name: record.data[name] for name in _TOLD if record.data.get(name) is not None},
    }
    if record.type in _SENDERS_OWN:
        payload |= {"sender": record.actor, "event_id": record.correlationid}
    return _item("answer", record, payload)


def _item(effect: str, record: Record, payload: Data) -> ItemOwed:
    brief = payload.get("brief", {})
    return ItemOwed.by(
        record,
        effect,
        payload,
        work_class=brief.get("work_class"),
        priority=PRIORITIES[brief["priority"]] if brief.get("priority") in PRIORITIES else None,
    )


def _deadline(record: Record, request: str, due_at: str, *, version: int | None) -> DeadlineOwed:
    return DeadlineOwed(
        record.id, request, record.subject, version, record.sequence, due_at, record.correlationid
    )


_FILE: dict[str, Callable[[Record], Iterable[Obligation]]] = {
    "file.arrived": _arrived,
    "file.conflicted": _conflicted,
    "file.witnessed": _witnessed,
    "file.deferred": _deferred,
    "file.validated": _validated,
    "file.rejected": _rejected,
    "file.transferred": _transferred,
    "file.registered": _registered,
    "file.failed": _failed,
    "file.retried": _retried,
    "file.reprocessed": _reprocessed,
    "file.dismissed": _dismissed,
    "file.reopened": _reopened,
    "file.held": _held,
    "file.unheld": _held,
    "file.redriven": _redriven,
    "file.embargoed": _embargoed,
    "file.extended": _embargoed,
    "file.lifted": _lifted,
    "file.removing": _removing,
    "file.paired": paired,
    "file.refused": _refused,
}


# --- streams ---


_SAID_BY_INSTRUMENTS = frozenset({"stream.offline", "stream.standby"})


def _of_stream(record: Record) -> list[Obligation]:
    if record.is_refusal:
        return list(answer(record)) if record.data.get("request") in _SAID_BY_INSTRUMENTS else []
    if record.type == "stream.redriven":
        return list(_redriven(record))
    held = {"stream.held": True, "stream.unheld": False}.get(record.type)
    state = record.tostate or ""
    if record.type != "stream.configured":
        told = answer(record) if record.type in _SAID_BY_INSTRUMENTS else ()
        return [StreamStands(record.subject, state, record.sequence, held), *told]
    configuration = record.data["configuration"]
    number = record.data["configuration_version"]
    senders = [*configuration.get("senders", ())]
    if configuration.get("watch_folders"):
        senders.append(f"folder-{record.subject}")  # as whom its watched folders announce
    return [
        Configured(record.subject, number, configuration),
        StreamStands(
            record.subject,
            state,
            record.sequence,
            class_limits=configuration.get("class_limits", {}),
            trust=configuration.get("trust", {}),
        ),
        _item("inbox", record, {"senders": senders}),
        *([_item("policies", record, {})] if configuration.get("programs") else ()),
    ]
