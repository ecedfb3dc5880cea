"""One partition of a ledger, record by record: sequence, chain, time, owner, request, and the state that follows."""

from collections.abc import Mapping
from hashlib import sha1, sha256
from typing import Any
from uuid import UUID
from zlib import crc32

import orjson

from service.audit.blocks import Blocks, ledger_line, outcome_line
from service.audit.findings import Offender, Tally
from service.audit.lives import BEGINNINGS, ENDS, is_legal
from service.audit.subject import Standing, Subject, Version
from service.audit.subjects import Subjects

__all__ = ["NAMESPACE", "UNREADABLE", "LedgerCheck", "record_id"]

# The last member of every record: the chain's link, of known length. What stands before it was hashed, and a brace.
_OPEN, _LINK, _CLOSE = b',"chain":"', 64, b'"}'
_TAIL = len(_OPEN) + _LINK + len(_CLOSE)

NAMESPACE = UUID("6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a11")
"""Of every uuid5 of Meridian."""

_NAMESPACE = NAMESPACE.bytes
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_WHOLE = frozenset(
    f"file.{word}"
    for word in [
        "adopted",
        "registered",
        "damaged",
        "restored",
        "held",
        "unheld",
        "embargoed",
        "extended",
        "lifted",
    ]
) | {"stream.held", "stream.unheld"}
"""Facts that concern a subject as a whole, not one of its versions."""

Members = dict[str, Any]

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""What comes of taking bytes for a record that are none."""


def record_id(site: str, subject: str, request_id: str) -> str:
    """The id that the record answering a request has: uuid5 of site, subject and request id."""
    text = sha1(_NAMESPACE + f"{site}\n{subject}\n{request_id}".encode(), usedforsecurity=False).hexdigest()
    # The bits of version and variant by hand: this is asked for every record.
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


class LedgerCheck:
    """Takes the records of one partition in their order."""

    def __init__(
        self,
        *,
        site: str,
        place: str,
        partition: int,
        partitions: int,
        cuts: Mapping[str, int],
        subjects: Subjects,
        tally: Tally,
    ) -> None:
        """``place``: topic and partition as evidence names them. ``cuts``: how far each reader had come."""
        self._site = site
        self._place = place
        self._partition = partition
        self._partitions = partitions
        self._cuts = cuts
        self._first_cut = min(cuts.values())
        self._subjects = subjects
        self._tally = tally
        self._epoch = 0
        self.ledger_rows = Blocks(cuts["view"])
        self.outcome_rows = Blocks(cuts["saved"])
        self.records = 0
        self.refused: dict[str, str] = {}
        self.watched: frozenset[str] = frozenset()
        self.is_repeat = False
        self.passed: Mapping[int, str] = {}

    def take(self, offset: int, key: bytes | None, value: bytes | None) -> Members | None:
        """Check one record and follow it; the record, or None where it is none.

        ``passed`` has what a person has led every part past: offset and SHA-256.
        """
        self.records += 1
        if offset in self.passed and sha256(value or b"").hexdigest() == self.passed[offset]:
            self._tally.count("passed over")
            return None
        try:
            record: Members = orjson.loads(value or b"")
            name, request_id = record["subject"], record["requestid"]
            subject = self._subjects[name]
            if offset >= self._first_cut:
                self._freeze(subject, offset)
            encoded = name.encode()
            if key != encoded or crc32(encoded) % self._partitions != self._partition:
                self._misplaced(record, encoded, key, offset)
            if record["ownerepoch"] >= self._epoch:
                self._epoch = record["ownerepoch"]
            else:
                found, wanted = f"owner epoch {record['ownerepoch']}", f"at least {self._epoch}, as before it"
                self._wrong("unfenced", record, offset, found, wanted)
            self._check_request(record, name, request_id, subject, offset)
            if self._follows(record, value or b"", subject.now, offset):
                self._fold(record, subject.now, offset)
            self._keep(record, offset)
        except UNREADABLE as error:
            self.unreadable(offset, value, error)
            return None
        return record

    def unreadable(self, offset: int, value: bytes | None, error: Exception) -> None:
        """What stands there is no record of ours."""
        said = f"{type(error).__name__}: {error}; {(value or b'')[:80]!r}"
        self._wrong("out_of_order", {}, offset, said, "a record that can be read")

    def _freeze(self, subject: Subject, offset: int) -> None:
        for cut, position in self._cuts.items():
            if offset >= position:
                subject.freeze(cut)

    def _keep(self, record: Members, offset: int) -> None:
        if offset < self._cuts["view"]:
            self.ledger_rows.add(offset, ledger_line(record))
        if offset < self._cuts["saved"]:
            self.outcome_rows.add(offset, outcome_line(record))
        if record["requestid"] in self.watched and record["type"].endswith(".refused"):
            self.refused[record["requestid"]] = record["data"].get("code", "")

    def _misplaced(self, record: Members, encoded: bytes, key: bytes | None, offset: int) -> None:
        if key != encoded:
            self._wrong("out_of_order", record, offset, f"the key {key!r}", f"the subject {encoded!r}")
        belongs = crc32(encoded) % self._partitions
        if belongs != self._partition:
            self._wrong(
                "out_of_order", record, offset, f"in partition {self._partition}", f"in partition {belongs}"
            )

    def _check_request(
        self, record: Members, name: str, request_id: str, subject: Subject, offset: int
    ) -> None:
        wanted = record_id(self._site, name, request_id)
        if record["id"] != wanted:
            # The same request id with other content is answered once more, under an id of its own.
            digest = record.get("requestdigest")
            if record["id"] != record_id(self._site, name, f"{request_id}#{digest}"):
                found = f"id {record['id']} for request {request_id}"
                self._wrong("duplicated", record, offset, found, f"the id {wanted} made of it")
            request_id = f"{request_id}#{digest}"
        answered = hash(request_id)
        self.is_repeat = answered in subject.requests
        if self.is_repeat:
            self._wrong("duplicated", record, offset, f"a second record for request {request_id}", "one")
        subject.requests.add(answered)

    def _follows(self, record: Members, value: bytes, now: Standing, offset: int) -> bool:
        """Whether the record goes on where its subject stood; a repeat is not followed any further."""
        sequence, wanted = record["sequence"], now.sequence + 1
        if sequence != wanted:
            self._wrong("out_of_order", record, offset, f"sequence {sequence}", f"sequence {wanted}")
            if sequence < wanted:
                return False
        else:
            self._check_chain(record, value, now, offset)
        if record["time"] < now.time:
            self._wrong("out_of_order", record, offset, f"time {record['time']}", f"not before {now.time}")
        now.sequence, now.chain, now.time = sequence, record["chain"], max(now.time, record["time"])
        now.offset = offset
        return True

    def _check_chain(self, record: Members, value: bytes, now: Standing, offset: int) -> None:
        stated = value[-_TAIL:]
        link = sha256(now.chain.encode() + value[:-_TAIL] + b"}").hexdigest()
        if stated != b"%s%s%s" % (_OPEN, link.encode(), _CLOSE):
            found = f"chain {record['chain'][:12]}…"
            wanted = f"{link[:12]}…, from its bytes and the link {now.chain[:12] or 'of nothing'} before"
            self._wrong("out_of_order", record, offset, found, wanted)

    def _fold(self, record: Members, now: Standing, offset: int) -> None:
        kind, number = record["type"], record.get("version") or 0
        before = now.versions.get(number)
        fromstate, tostate = record["fromstate"], record["tostate"]
        if number.__class__ is not int or (tostate.__class__ is not str and tostate is not None):
            raise TypeError(f"found version {number!r} and tostate {tostate!r}, wanted a number and a text")
        stood = _stood(kind, before)
        if not (_goes_on(kind, fromstate, stood) and is_legal(kind, fromstate, tostate)):
            found = f"{kind} from {fromstate} to {tostate}"
            self._wrong("out_of_order", record, offset, found, f"one that may follow {stood}")
        if kind.endswith(".refused"):
            self._note_follow(record, now)
            return
        now.fact = record["sequence"]
        data = record["data"]
        code, due = _problem(kind, record, data, before)
        now.versions[number] = Version(
            tostate, record.get("attempt"), record["sequence"], record["id"], offset, code, due
        )
        if kind in _WHOLE:
            self._fold_whole(kind, record, data, now)
        if kind in ENDS and data.get("pending") is not None:
            now.follows.add(record["id"])
        self._note_follow(record, now)

    def _fold_whole(self, kind: str, record: Members, data: Members, now: Standing) -> None:
        """What concerns all versions of a file."""
        match kind:
            case "file.adopted":
                now.best = 1
            case "file.registered":
                now.best = data["best"]
            case "file.damaged":
                now.best = data.get("best")
            case "file.restored":
                now.best = data.get("best", record["version"])
            case "file.held" | "file.unheld" | "stream.held" | "stream.unheld":
                now.held = kind.endswith(".held")
            case "file.embargoed" | "file.extended" | "file.lifted":
                now.embargoed = kind != "file.lifted"

    @staticmethod
    def _note_follow(record: Members, now: Standing) -> None:
        """What was announced anew after a version's end: decided, however that came out."""
        if now.follows:
            now.follows.discard(record.get("causationid") or "")

    def _wrong(self, counter: str, record: Members, offset: int, found: str, wanted: str) -> None:
        offender = Offender(
            subject=str(record.get("subject", "")),
            found=found,
            wanted=wanted,
            position=f"{self._place}/{offset}",
            event_id=str(record.get("id", "")),
        )
        self._tally.found(counter, offender)


def _stood(kind: str, before: Version | None) -> str | None:
    """The state that a record has to begin in; an identity nobody has asked for is free."""
    if before is None or kind in BEGINNINGS:
        return "Free" if kind.startswith("identity.") else None
    return before.state


def _goes_on(kind: str, fromstate: str | None, stood: str | None) -> bool:
    """A refusal may speak of no version, and then names the newest one's state, or none."""
    return fromstate == stood or (kind.endswith(".refused") and (fromstate is None or stood is None))


def _problem(
    kind: str, record: Members, data: Members, before: Version | None
) -> tuple[str | None, str | None]:
    """The code of the version's open problem, and the fact that set a time to try again."""
    match kind:
        case "file.failed":
            return data["code"], record["id"] if data.get("due_at") else None
        case "file.rejected" | "file.conflicted" | "file.damaged":
            return data.get("code"), None
        case "file.retried" | "file.reprocessed" | "file.restored" | "file.registered" | "file.dismissed":
            return None, None
    return (None, None) if before is None else (before.code, before.due)
