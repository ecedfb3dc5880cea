"""Folding the facts of a file into its state. Asks nothing: what is in the ledger has happened."""

from collections.abc import Callable
from typing import Any

from events.envelope import Record
from machines.file_state import COMPLETE, STATES, File, FileState, Version

__all__ = ["fold"]

_WORK = ("stream_version", "role", "purpose", "work_class", "priority")


def fold(file: File, record: Record) -> None:
    """One fact into the state. A refusal changes nothing and never comes here."""
    whole = _WHOLE.get(record.type)
    if whole is not None:
        whole(file, record)
        return
    version = file.versions[record.version or 0]
    version.state = STATES[record.tostate or ""]
    if record.attempt is not None:
        version.attempt = record.attempt
    step = _VERSION.get(record.type)
    if step is not None:
        step(file, version, record)


def _arrived(file: File, record: Record) -> None:
    data, number = record.data, record.version or 1
    work = {name: data[name] for name in _WORK if name in data}
    version = Version(number, STATES[record.tostate or ""], data["content"], work=work)
    version.warnings = _codes(data)
    file.versions[number] = version
    pairing = data.get("pairing")
    if pairing is not None:
        file.primaries = pairing.get("primaries")
        file.sidecar_due_sequence = record.sequence if "due_at" in pairing else None
    if file.pending is not None:
        if file.pending["witness"] != data["witness"]:
            file.note_overtaken(file.pending["witness"])
        file.pending = None
    file.forget_old()


def _conflicted(file: File, record: Record) -> None:
    _arrived(file, record)
    file.versions[record.version or 1].code = record.data["code"]


def _adopted(file: File, record: Record) -> None:
    data = record.data
    version = Version(1, COMPLETE, data["content"], object=data.get("object"))
    version.sha256, version.size_bytes = data["content"].get("sha256"), data["content"].get("size_bytes")
    file.versions[1] = version
    file.best = 1


def _witnessed(file: File, record: Record) -> None:
    file.versions[record.version or 0].witnesses = record.data["witnesses"]


def _deferred(file: File, record: Record) -> None:
    if file.pending is not None:
        file.note_overtaken(file.pending["witness"])
    file.pending = record.data["pending"]


def _held(file: File, _record: Record) -> None:
    file.is_held = True


def _unheld(file: File, _record: Record) -> None:
    file.is_held = False


def _embargoed(file: File, record: Record) -> None:
    file.embargoed = True
    file.embargo_until = record.data.get("until")
    file.embargo_sequence = record.sequence if file.embargo_until else None


def _lifted(file: File, _record: Record) -> None:
    file.embargoed, file.embargo_until, file.embargo_sequence = False, None, None


def _paired(file: File, record: Record) -> None:
    file.sidecar, file.sidecar_due_sequence = record.data["sidecar"], None
    withdrawn = set(record.data.get("withdraws", ()))
    for version in file.versions.values():
        version.warnings = [code for code in version.warnings if code not in withdrawn]


def _attested(file: File, record: Record) -> None:
    data = record.data
    file.attested = {name: data[name] for name in ("manifest", "manifest_version", "algorithm", "sum")}
    withdrawn = set(data.get("withdraws", ()))
    for version in file.versions.values():
        version.warnings = [code for code in version.warnings if code not in withdrawn]
        version.looked = [code for code in version.looked if code not in withdrawn]
    if record.version is not None:
        version = file.versions[record.version]
        version.warnings = sorted({*version.warnings, *_codes(data)})


def _nothing(_file: File, _record: Record) -> None:
    """Remarks are for the views."""


def _acknowledged(file: File, record: Record) -> None:
    file.acknowledged |= dict.fromkeys(record.data["codes"], record.data.get("until", ""))


def _codes(data: dict[str, Any]) -> list[str]:
    """Codes of the warnings that a fact carries."""
    return sorted({each["code"] for each in data.get("warnings", ())})


def _looked(version: Version, data: dict[str, Any]) -> None:
    """A look at the file: what the former one had warned of holds only where this one says so too."""
    withdrawn = set(data.get("withdraws", ()))
    version.looked = _codes(data)
    version.warnings = sorted(
        {*version.looked, *(code for code in version.warnings if code not in withdrawn)}
    )


def _validated(_file: File, version: Version, record: Record) -> None:
    data = record.data
    _looked(version, data)
    version.sha256, version.size_bytes, version.md5 = data["sha256"], data["size_bytes"], data.get("md5")
    brief = data["brief"]
    version.work |= {
        name: brief[name]
        for name in ("identity", "instrument", "obs_start_utc", "membership")
        if name in brief
    }


def _rejected(_file: File, version: Version, record: Record) -> None:
    version.code = record.data["code"]
    _looked(version, record.data)
    version.sha256 = record.data.get("sha256", version.sha256)
    version.md5 = record.data.get("md5")
    version.quarantine = record.data.get("quarantine", version.quarantine)


def _transferred(_file: File, version: Version, record: Record) -> None:
    version.object = record.data["object"]


def _registered(file: File, _version: Version, record: Record) -> None:
    file.best = record.data["best"]


def _failed(_file: File, version: Version, record: Record) -> None:
    data = record.data
    version.code, version.failed_from = data["code"], FileState(data["failed_from"])
    version.due_sequence = record.sequence if data.get("due_at") else None


def _retried(_file: File, version: Version, _record: Record) -> None:
    _clear(version)


def _reprocessed(_file: File, version: Version, record: Record) -> None:
    _clear(version)
    version.transfer, version.came_from = record.data["transfer"], FileState(record.data["came_from"])
    version.work["overrides"] = record.data.get("overrides", {})


def _damaged(file: File, version: Version, record: Record) -> None:
    version.code, version.failed_from = record.data["code"], COMPLETE
    file.best = record.data.get("best")


def _restored(file: File, version: Version, record: Record) -> None:
    _clear(version)
    file.best = record.data.get("best", version.number)


def _sidecar_late(file: File, version: Version, record: Record) -> None:
    file.sidecar_due_sequence = None
    version.warnings = sorted({*version.warnings, *_codes(record.data)})


def _removed(_file: File, version: Version, record: Record) -> None:
    data = record.data
    if not data["is_gone"]:
        return
    version.removed = sorted({*version.removed, data["what"]})
    if data["what"] == "quarantine":
        version.quarantine = None
    if data["what"] == "preview":
        version.preview = None


def _previewed(_file: File, version: Version, record: Record) -> None:
    """Where the picture lies: whoever removes it has to be told. A new one may be removed again."""
    stored = record.data["preview"].get("object")
    if stored is not None:
        version.preview = f"s3://{stored['bucket']}/{stored['key']}"
        version.removed = [what for what in version.removed if what != "preview"]


def _dismissed(_file: File, version: Version, record: Record) -> None:
    version.dismissed_from = FileState(record.data["dismissed_from"])


def _reopened(_file: File, version: Version, _record: Record) -> None:
    version.dismissed_from = None


def _clear(version: Version) -> None:
    version.code, version.failed_from, version.due_sequence = None, None, None


_WHOLE: dict[str, Callable[[File, Record], None]] = {
    "file.arrived": _arrived,
    "file.conflicted": _conflicted,
    "file.adopted": _adopted,
    "file.witnessed": _witnessed,
    "file.deferred": _deferred,
    "file.held": _held,
    "file.unheld": _unheld,
    "file.embargoed": _embargoed,
    "file.extended": _embargoed,
    "file.lifted": _lifted,
    "file.redriven": _nothing,
    "file.noted": _nothing,
    "file.acknowledged": _acknowledged,
    "file.paired": _paired,
    "file.attested": _attested,
    "file.report_ignored": _nothing,
}

_VERSION: dict[str, Callable[[File, Version, Record], None]] = {
    "file.validated": _validated,
    "file.rejected": _rejected,
    "file.transferred": _transferred,
    "file.registered": _registered,
    "file.failed": _failed,
    "file.retried": _retried,
    "file.reprocessed": _reprocessed,
    "file.damaged": _damaged,
    "file.restored": _restored,
    "file.dismissed": _dismissed,
    "file.reopened": _reopened,
    "file.removed": _removed,
    "file.sidecar_late": _sidecar_late,
    "file.previewed": _previewed,
}
