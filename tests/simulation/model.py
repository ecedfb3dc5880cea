"""What must come of the requests on a topic, in plain dicts: written from the lifecycle's words, not from its code."""

from dataclasses import dataclass, field
from typing import Any

import orjson

__all__ = ["Expected", "Model"]

Fields = dict[str, Any]

WORKING = {"QUEUED", "PROCESSING", "TRANSFERRING", "TRANSFERRED"}
# report: from, to, fact
REPORTS = {
    "file.start": ({"QUEUED"}, "PROCESSING", "file.started"),
    "file.validated": ({"PROCESSING"}, "TRANSFERRING", "file.validated"),
    "file.reject": ({"PROCESSING"}, "INVALID", "file.rejected"),
    "file.transferred": ({"TRANSFERRING"}, "TRANSFERRED", "file.transferred"),
    "file.registered": ({"TRANSFERRED"}, "COMPLETE", "file.registered"),
    "file.fail": (WORKING, "ERROR", "file.failed"),
}
ATTACHED = {
    "witness", "stream_version", "role", "purpose", "work_class", "priority", "changed_content", "warnings", "pairing",
}  # fmt: skip


@dataclass(frozen=True)
class Expected:
    """One record of the ledger, as far as the model tells. ``code`` is set for refusals."""

    type: str
    subject: str
    requestid: str
    sequence: int
    fromstate: str | None
    tostate: str | None
    version: int | None = None
    attempt: int | None = None
    code: str | None = None


@dataclass
class Model:
    """One partition of the machine ``file``. ``records`` is its whole ledger, in order."""

    records: list[Expected] = field(default_factory=list)
    files: dict[str, Fields] = field(default_factory=dict)
    known: dict[tuple[str, str], str] = field(default_factory=dict)
    read: int = 0

    def take(self, value: bytes) -> None:
        """The next request of the topic."""
        self.read += 1
        request = orjson.loads(value)
        file = self.files.setdefault(
            request["subject"],
            {"versions": {}, "pending": None, "overtaken": [], "held": False, "sequence": 0, "fact": 0},
        )
        digest, key = _digest(request), (request["subject"], request["id"])
        if key in self.known and self.known[key] != digest:
            key = (request["subject"], f"{request['id']}#{digest}")
            if key not in self.known:
                self._write(file, request, {"code": "ID_REUSED", "state": _where(file)})
        elif key not in self.known:
            self._write(file, request, _ruled(file, request))
        self.known.setdefault(key, digest)

    def newest(self, subject: str) -> Fields | None:
        """The newest version of a file, as it will stand once all requests are decided."""
        versions = self.files.get(subject, {}).get("versions", {})
        return versions[max(versions)] if versions else None

    def _write(self, file: Fields, request: Fields, ruled: Fields) -> None:
        file["sequence"] += 1
        about = {"subject": request["subject"], "requestid": request["id"], "sequence": file["sequence"]}
        if "code" in ruled:
            state = ruled["state"]
            self.records.append(
                Expected("file.refused", fromstate=state, tostate=state, code=ruled["code"], **about)
            )
            return
        file["fact"] = file["sequence"]
        ruled["then"](file["sequence"])
        version = ruled["version"]
        self.records.append(
            Expected(
                ruled["type"],
                fromstate=ruled["from"],
                tostate=version["state"],
                version=version["number"],
                attempt=version["attempt"],
                **about,
            )
        )


def _digest(request: Fields) -> str:
    data = dict(request["data"])
    if request["type"] == "file.arrive":
        data = {name: value for name, value in data.items() if name not in ATTACHED}
    names = ("type", "subject", "actor", "reason", "expectedsequence", "version", "attempt")
    content = [*(request.get(name) for name in names), data]
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()


def _newest(file: Fields) -> Fields | None:
    return file["versions"][max(file["versions"])] if file["versions"] else None


def _where(file: Fields) -> str | None:
    newest = _newest(file)
    return newest["state"] if newest else None


def _refused(state: str | None, code: str = "REFUSED") -> Fields:
    return {"code": code, "state": state}


def _fact(kind: str, version: Fields, **change: Any) -> Fields:
    """The fact, and what it changes of its version; ``due`` stands for the fact's own sequence."""

    def then(sequence: int) -> None:
        version.update(change)
        if change.get("due"):
            version["due"] = sequence

    return {"type": kind, "version": version, "from": version["state"], "then": then}


def _ruled(file: Fields, request: Fields) -> Fields:
    expected = request.get("expectedsequence")
    if expected is not None and expected != file["fact"]:
        return _refused(_where(file), "CONFLICT")
    if request["type"] == "file.arrive":
        return _arrive(file, request["data"])
    newest = _newest(file)
    if newest is None:
        return _refused(None, "UNKNOWN_SUBJECT")
    version = file["versions"].get(request.get("version") or newest["number"])
    if version is None:
        return _refused(newest["state"])
    if request["type"] in REPORTS:
        return _report(version, request)
    return _operate(file, newest, version, request)


def _arrive(file: Fields, data: Fields) -> Fields:
    newest, witness, sha256 = _newest(file), data["witness"], data["content"]["sha256"]
    if witness in file["overtaken"]:
        return _refused(_where(file))
    same = [each for each in file["versions"].values() if each["sha256"] == sha256]
    if same:
        return _fact("file.witnessed", same[-1])
    pending = file["pending"]
    if newest is not None and newest["state"] in WORKING:
        if pending is not None and pending["content"]["sha256"] == sha256:
            return _refused(newest["state"])
        return _fact("file.deferred", newest) | {"then": lambda _: _wait(file, data)}
    number = (newest["number"] if newest else 0) + 1
    version = {"number": number, "state": "QUEUED", "sha256": sha256, "attempt": 1, "read": None, "due": None}

    def then(_: int) -> None:
        file["versions"][number] = version
        _wait(file, None if pending is None or pending["witness"] != witness else pending)
        file["pending"] = None

    return {"type": "file.arrived", "version": version, "from": None, "then": then}


def _wait(file: Fields, data: Fields | None) -> None:
    """Other content waits; what waited before has been overtaken, unless it is the same notification."""
    before = file["pending"]
    if before is not None and before is not data:
        file["overtaken"].append(before["witness"])
    file["pending"] = data


def _report(version: Fields, request: Fields) -> Fields:
    if request.get("version") is None or request.get("attempt") is None:
        return _refused(version["state"])
    if request["attempt"] != version["attempt"]:
        return _fact("file.report_ignored", version)
    sources, end, fact = REPORTS[request["type"]]
    if version["state"] not in sources:
        return _refused(version["state"])
    data = request["data"]
    change: Fields = {"state": end}
    match request["type"]:
        case "file.validated":
            if data["sha256"] != version["sha256"] or not all(each["passed"] for each in data["qa"]):
                return _refused(version["state"])
            change |= {"read": (data["sha256"], data["size_bytes"])}
        case "file.transferred":
            if (data["object"]["sha256"], data["object"]["size_bytes"]) != version["read"]:
                return _refused(version["state"])
        case "file.fail":
            change |= {"failed_from": version["state"], "due": bool(data.get("due_at")) or None}
    return _fact(fact, version, **change)


CLEAR = {"due": None, "failed_from": None}


def _operate(file: Fields, newest: Fields, version: Fields, request: Fields) -> Fields:  # noqa: C901, PLR0912  one case a request
    state, again = version["state"], version["attempt"] + 1
    by_person = request.get("reason") is not None
    match request["type"].partition(".")[2]:
        case "note":
            return _fact("file.noted", version)
        case "redrive":
            if by_person:
                return _fact("file.redriven", version)
        case "hold" | "unhold" as asked:
            wanted = asked == "hold"
            if by_person and file["held"] is not wanted:
                fact = _fact("file.held" if wanted else "file.unheld", version)
                return fact | {"then": lambda _: file.update(held=wanted)}
        case "retry":
            due = request["data"].get("due_sequence")
            is_welcome = by_person if due is None else due == version["due"]
            end = version.get("failed_from")
            if state == "ERROR" and is_welcome and newest is version and end in WORKING:
                return _fact("file.retried", version, state=end, attempt=again, **CLEAR)
        case "dismiss":
            if by_person and state in {"QUEUED", "INVALID", "ERROR"}:
                return _fact("file.dismissed", version, state="DISMISSED", dismissed_from=state)
        case "reopen":
            if by_person and state == "DISMISSED":
                return _fact("file.reopened", version, state=version["dismissed_from"], attempt=again)
        case "reprocess":
            in_the_way = newest is not version and newest["state"] in WORKING
            if by_person and state in {"COMPLETE", "INVALID", "ERROR"} and not in_the_way:
                return _fact("file.reprocessed", version, state="QUEUED", attempt=again, **CLEAR)
        case other:
            raise AssertionError(f"the model has no words for {other}")
    return _refused(state)
