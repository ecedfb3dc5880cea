"""Lives that take in every fact of a machine, decided by today's code: what ``add.py`` stores of a new vocabulary."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from events.envelope import decode_request, encode_request
from events.ids import derived_id, record_id
from machines import MACHINES
from machines.desk import Desk, Stamp, Subject, digest_of
from tests.events.histories.op_lives import group_lives, op_lives

__all__ = ["life_of"]

SITE = "meridian"
BEGIN = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SHA_A, SHA_B, SHA_C = "3f" * 32, "a0" * 32, "c7" * 32
WARNING = {"code": "METADATA_TOO_LONG", "message": "cut", "keyword": "OBJECT", "found": "a…", "wanted": "68"}
USAGE = {
    "host": "node-1", "wall_s": 1.25, "cpu_s": 0.5, "peak_rss_bytes": 1 << 27, "bytes_read": 402_653_184,
    "exit": "0", "log_tail": "tab\tquote\"\\ é\n",
}  # fmt: skip


@dataclass
class _Life:
    """One subject, request by request, a minute apart."""

    machine: str
    subject: str
    desk: Desk = field(init=False)
    state: Subject = field(init=False)
    sealed: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(MACHINES[self.machine], site=SITE)
        self.state = self.desk.new()

    def ask(
        self, word: str, data: dict[str, Any] | None = None, *, actor: str = "roman-soc", **more: Any
    ) -> None:
        number = len(self.sealed) + 1
        at = BEGIN + timedelta(minutes=number)
        value = encode_request(
            id=derived_id(self.subject, word, number),
            type=f"{self.machine}.{word}",
            subject=self.subject,
            actor=actor,
            source="history",
            at=at,
            data=data or {},
            correlationid=f"story of {self.subject}",
            **more,
        )
        request = decode_request(value)
        stamp = Stamp(
            record_id(SITE, self.subject, request.id),
            digest_of(request),
            f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
            f"q7Hn3v/0/{number + 40}",
            1 + number // 10,
        )
        self.sealed.append(self.desk.decide(self.state, request, stamp).value)

    def report(self, word: str, data: dict[str, Any]) -> None:
        newest = self.state.state.newest
        self.ask(word, data, version=newest.number, attempt=newest.attempt)


def life_of(machine: str) -> list[bytes]:
    """Sealed records of a few subjects, one life after the other."""
    return [value for life in _LIVES[machine]() for value in life.sealed]


def _files() -> Iterator[_Life]:
    yield _whole_life()
    yield _troubled_life()
    yield _paired_life()
    yield _sidecars_life()
    yield _listed_life()
    yield _lists_life()
    adopted = _Life("file", "roman-wfi/r0000101001001001001_0003_wfi03_f158_cal")
    content = _content("old/c.asdf", SHA_C)
    told = {"content": content, "object": _object(SHA_C), "verified": True, "evidence": {"year": 2019}}
    adopted.ask("adopt", told, reason="taken over from the archive before us")
    yield adopted


def _whole_life() -> _Life:
    """From announced to COMPLETE, with all that people may ask on the way; then damage, and a second version."""
    life = _Life("file", "roman-wfi/r0000101001001001001_0001_wfi01_f158_cal")
    life.ask("arrive", _arrival("night-1/a.asdf", SHA_A, "t/0/1", warnings=[WARNING], purpose="calibration"))
    life.ask("arrive", _arrival("night-1/a.asdf", SHA_A, "t/0/2"))
    life.ask("arrive", _arrival("night-1/b.asdf", SHA_B, "t/0/3", priority="catch-up"))
    life.ask("hold", reason="wait for the calibration")
    life.ask("unhold", reason="it has come")
    life.ask("embargo", {"until": "2027-01-01T00:00:00Z", "policy": "six weeks"})
    life.ask("extend", {"until": "2027-06-01T00:00:00Z"}, reason="asked by the owner")
    life.ask("lift", reason="published early")
    life.ask("note", {"text": "looked at — “good”"})
    life.ask("acknowledge", {"codes": ["METADATA_TOO_LONG"], "until": "2027-01-01T00:00:00Z"}, reason="known")
    life.ask("redrive", reason="the archive has room again")
    life.ask("retry", reason="nothing to retry")
    life.report("start", {"worker": "w1", "host": "node-1", "software_version": "0.1.0"})
    life.report("validated", _findings(SHA_A))
    life.report("transferred", {"object": _object(SHA_A), "usage": USAGE})
    life.report(
        "notify_failed", {"code": "NO_ANSWER", "message": "nobody there", "due_at": "2026-11-21T06:00:00Z"}
    )
    life.report("registered", {"register_table": "operations.l2_file", "row_id": "7"})
    made = {
        "object": _object(SHA_C),
        "media_type": "image/png",
        "width_px": 1024,
        "height_px": 512,
        "images": 2,
    }
    life.ask("preview", {"preview": {**made, "stretch": "asinh", "usage": USAGE}}, version=1)
    life.ask("damaged", {"found_sha256": SHA_C, "wanted_sha256": SHA_A, "message": "bits fell over"})
    life.ask("restored", {"sha256": SHA_A, "message": "copied again"})
    life.ask("arrive", _arrival("night-1/b.asdf", SHA_B, "t/0/3"))
    life.ask("remove", {"what": "source"}, reason="the landing fills up", version=1)
    told = {
        "what": "source",
        "place": "file:///landing/night-1/a.asdf",
        "is_gone": True,
        "message": "removed",
    }
    life.ask("removed", {**told, "usage": USAGE}, version=1)
    return life


def _troubled_life() -> _Life:
    """Failed, tried again, rejected, dismissed, reopened, done again; a late report; content where none may change."""
    life = _Life("file", "roman-wfi/r0000101001001001001_0002_wfi02_f158_cal")
    life.ask("arrive", _arrival("night-2/a.asdf", SHA_A, "t/1/1", work_class="large", role="sidecar"))
    life.report("start", {"worker": "w2", "host": "node-2", "software_version": "0.1.0"})
    failed = {
        "code": "IO_ERROR", "failure_class": "transient", "message": "no room", "due_at": "2026-11-21T05:00:00Z",
        "tries_allowed": 5, "found": "0", "wanted": "1", "evidence": {"errno": 28}, "usage": USAGE,
    }  # fmt: skip
    life.report("fail", failed)
    life.ask("retry", {"due_sequence": 3}, version=1)
    life.ask("validated", _findings(SHA_A), version=1, attempt=1)
    life.report("reject", {
        "code": "CHECKSUM_MISMATCH", "message": "other bytes", "found": SHA_B, "wanted": SHA_A, "sha256": SHA_B,
        "size_bytes": 3, "quarantine": _object(SHA_B), "warnings": [WARNING], "usage": USAGE,
    })  # fmt: skip
    life.ask("dismiss", {"code": "TEST_FRAME"}, reason="a test")
    life.ask("reopen", reason="no test after all")
    life.ask("reprocess", {"transfer": False, "overrides": {"program": "P-7"}}, reason="new calibration")
    life.ask("dismiss", {"code": "ABORTED"}, reason="the exposure was aborted")
    life.ask("reopen", reason="it was not")
    life.report("start", {"worker": "w2", "host": "node-2", "software_version": "0.1.0"})
    life.report("fail", {"code": "EFFECT_BUG", "failure_class": "code", "message": "ours"})
    life.ask("arrive", _arrival("night-2/b.asdf", SHA_B, "t/1/2", changed_content="conflict"))
    return life


def _paired_life() -> _Life:
    """Its sidecar is late, comes after all, and is there for the next version."""
    life = _Life("file", "lsst-cam/MC_O_20261121_000001_R22_S11")
    pairing = {"due_at": "2026-11-21T04:11:00Z"}
    life.ask("arrive", _arrival("night-3/a.fits", SHA_A, "t/2/1", pairing=pairing))
    life.ask("sidecar_due", {"due_sequence": 1}, version=1, actor="deadline")
    life.ask("pair", {"sidecar": "MC_O_20261121_000001_R22_S11.json", "sidecar_version": 1}, actor="worker")
    life.ask("pair", {"sidecar": "MC_O_20261121_000001_R22_S11.json", "sidecar_version": 2}, actor="worker")
    life.ask("dismiss", {"code": "ABORTED"}, reason="the exposure was aborted")
    life.ask("arrive", _arrival("night-3/b.fits", SHA_B, "t/2/2", pairing=pairing))
    return life


def _listed_life() -> _Life:
    """A manifest names it before it comes, with another sum than it has; a second list agrees; new content does not."""
    life = _Life("file", "keck/KB.20261121.12345.67")
    told = {"manifest": "n.md5sum.table", "algorithm": "MD5"}
    life.ask("attest", {**told, "manifest_version": 1, "sum": "0" * 32}, actor="worker")
    life.ask("arrive", _arrival("night-4/a.fits", SHA_A, "t/3/1"))
    life.report("start", {"worker": "w1", "host": "node-1", "software_version": "0.1.0"})
    life.report("validated", {**_findings(SHA_A), "md5": "1" * 32})
    life.ask("attest", {**told, "manifest_version": 2, "sum": "1" * 32}, actor="worker")
    life.ask("attest", {**told, "manifest_version": 1, "sum": "0" * 32}, actor="worker")
    life.report("transferred", {"object": _object(SHA_A)})
    life.report("registered", {"register_table": "operations.l2_file", "row_id": "9"})
    life.ask("arrive", _arrival("night-4/b.fits", SHA_B, "t/3/2"))
    life.report("start", {"worker": "w1", "host": "node-1", "software_version": "0.1.0"})
    life.report("reject", {"code": "TRUNCATED", "message": "cut", "sha256": SHA_B, "md5": "2" * 32})
    return life


def _lists_life() -> _Life:
    """A manifest."""
    life = _Life("file", "keck/n.md5sum.table")
    life.ask("arrive", _arrival("night-4/n.md5sum.table", SHA_C, "t/3/3", role="manifest"))
    life.report("start", {"worker": "w1", "host": "node-1", "software_version": "0.1.0"})
    life.report("validated", {**_findings(SHA_C), "sums": {"KB.20261121.12345.67.fits": "0" * 32}})
    return life


def _sidecars_life() -> _Life:
    """A sidecar, to its end; and word of it to a primary that nobody has announced."""
    life = _Life("file", "lsst-cam/MC_O_20261121_000002_R22_S11.json")
    pairing = {"primaries": ["MC_O_20261121_000002_R22_S11"]}
    life.ask("arrive", _arrival("night-3/c.json", SHA_C, "t/2/3", role="sidecar", pairing=pairing))
    life.report("start", {"worker": "w1", "host": "node-1", "software_version": "0.1.0"})
    life.report("validated", _findings(SHA_C))
    life.report("transferred", {"object": _object(SHA_C)})
    life.report("registered", {"register_table": "operations.l2_file", "row_id": "8"})
    life.ask("pair", {"sidecar": "a.tbl", "sidecar_version": 1}, actor="worker")
    return life


def _identities() -> Iterator[_Life]:
    life = _Life("identity", "KI.20261121.12345.67")
    first = {"subject": "roman-wfi/a", "version": 1, "sha256": SHA_A}
    other = {"subject": "roman-wfi/b", "version": 2, "sha256": SHA_B}
    life.ask("reserve", {"holder": first})
    life.ask("reserve", {"holder": other})
    life.ask("transfer", {"to": other}, reason="the other is the right one")
    life.ask("release", {"holder": other}, reason="neither is")
    life.ask("release", {}, reason="again")
    yield life


def _streams() -> Iterator[_Life]:
    life = _Life("stream", "roman-wfi")
    configuration = {
        "stream": "roman-wfi", "title": "Roman WFI", "owner": "soc", "senders": ["roman-soc"], "format": "any",
        "roots": ["s3://landing/roman/"], "purposes": [{"pattern": ".*_dark", "value": "calibration"}],
        "class_limits": {"large": 2}, "settings": {"level": 2},
    }  # fmt: skip
    life.ask("configure", {"configuration": configuration})
    for word in ("start", "enable", "hold", "unhold", "redrive", "enable", "disable", "standby"):
        life.ask(word, reason="a day's work")
    life.ask("offline", {"until": "2026-12-01T00:00:00Z"}, reason="summer")
    for word in ("standby", "start", "enable"):
        life.ask(word, reason="the summer is over")
    science = {"purpose": "science", "since_at": "2026-12-02T04:00:00Z", "every_s": 1800}
    life.ask("silent", {**science, "last_at": "2026-12-02T04:00:00Z"})
    life.ask("silent", {**science, "purpose": "calibration"})
    life.ask("heard", {"purpose": "science", "heard_at": "2026-12-02T09:00:00Z"})
    life.ask("fault", {"message": "no power"})
    life.ask("configure", {"configuration": {**configuration, "title": "Roman, Wide Field Instrument"}})
    yield life


def _content(key: str, sha256: str) -> dict[str, Any]:
    uri = f"s3://landing/{key}"
    return {"uri": uri, "size_bytes": 402_653_184, "sha256": sha256, "modified_at": "2026-11-21T03:59:59Z"}


def _arrival(key: str, sha256: str, witness: str, **more: Any) -> dict[str, Any]:
    return {"content": _content(key, sha256), "witness": witness, "stream_version": 3, **more}


def _object(sha256: str) -> dict[str, Any]:
    return {
        "bucket": "archive", "key": f"roman-wfi/v1-{sha256}.asdf", "size_bytes": 402_653_184, "sha256": sha256,
        "s3_checksum": "q" * 44, "s3_checksum_type": "FULL_OBJECT", "existed": True,
    }  # fmt: skip


def _findings(sha256: str) -> dict[str, Any]:
    return {
        "sha256": sha256, "size_bytes": 402_653_184, "media_type": "application/x-asdf", "checks_version": "any/1",
        "metadata": {"instrument": "WFI", "exposure_s": 139.8, "obs_start_utc": "2026-11-21T03:00:00Z", "extra": {}},
        "header_fixes": [{"keyword": "DATE", "original": "21/11/26", "fixed": "2026-11-21", "reason": "old form"}],
        "qa": [
            {"check": "structure", "level": "critical", "passed": True},
            {"check": "seeing", "level": "advisory", "passed": False, "value": 1.25, "unit": "arcsec",
             "threshold": 1.2, "message": "poor", "part": "HDU 1"},
        ],
        "warnings": [WARNING],
        "identity": {"archive_identity": "KI.20261121.12345.67", "reserved_by": "76f7d26d-4e4d-50e8-bc6c-872df0d03911"},
        "usage": USAGE,
    }  # fmt: skip


_LIVES: dict[str, Callable[[], Iterable[_Life]]] = {
    "file": _files,
    "group": lambda: group_lives(_Life),
    "identity": _identities,
    "op": lambda: op_lives(_Life),
    "stream": _streams,
}
