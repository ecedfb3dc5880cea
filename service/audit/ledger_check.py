"""One partition of a ledger, record by record: sequence, chain, time, owner, request, and the state that follows."""

from collections.abc import Mapping
from hashlib import sha1, sha256
from math import inf
from typing import Any
from uuid import UUID
from zlib import crc32

import orjson

from service.audit.blocks import Blocks, ledger_line, outcome_line
from service.audit.findings import Offender, Tally
from service.audit.steps import Step, Steps
from service.audit.subject import Standing, Subject, Version
from service.audit.subjects import Subjects

__all__ = ["NAMESPACE", "UNREADABLE", "LedgerCheck", "record_id"]

# The last member of every record: the chain's link, of known length. What stands before it was hashed, and a brace.
_OPEN, _LINK, _CLOSE = b',"chain":"', 64, b'"}'
_TAIL = len(_OPEN) + _LINK + len(_CLOSE)

NAMESPACE = UUID("6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a11")
"""Of every uuid5 of Meridian."""

_loads, _new, _sha1, _sha256 = orjson.loads, tuple.__new__, sha1, sha256
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}

Members = dict[str, Any]

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""What comes of taking bytes for a record that are none."""


def record_id(site: str, subject: str, request_id: str) -> str:
    """The id that the record answering a request has: uuid5 of site, subject and request id."""
    return _uuid5(NAMESPACE.bytes + f"{site}\n{subject}\n{request_id}".encode())


def _uuid5(words: bytes) -> str:
    text = _sha1(words, usedforsecurity=False).hexdigest()
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
        self._before = NAMESPACE.bytes + f"{site}\n".encode()
        self._place = place
        self._partition = partition
        self._partitions = partitions
        self._cuts = cuts
        self._next_cut: float = min(cuts.values())
        self._beyond: list[str] = []
        self._view_cut, self._saved_cut = cuts["view"], cuts["saved"]
        self._steps = Steps()
        self._subjects, self._live = subjects, subjects.live
        self._tally = tally
        self._epoch = 0
        self.ledger_rows = Blocks(cuts["view"])
        self.outcome_rows = Blocks(cuts["saved"])
        self.records = 0
        self.refused: dict[str, str] = {}
        self.watched: frozenset[str] = frozenset()
        self.is_repeat = False
        self.key = b""
        self.passed: Mapping[int, str] = {}

    def take(self, offset: int, key: bytes | None, value: bytes | None) -> Members | None:
        """Check one record and follow it; the record, or None where it is none.

        ``key`` then has the bytes of its subject. ``passed`` has what a person has led every part past: offset and
        SHA-256.
        """
        self.records += 1
        value = value or b""
        if self.passed and self._is_passed(offset, value):
            return None
        try:
            record: Members = _loads(value)
            name = record["subject"]
            subject = self._live.get(name) or self._subjects[name]
            if offset >= self._next_cut:
                self._pass_cuts(offset)
            if self._beyond and (subject.frozen is None or len(subject.frozen) < len(self._beyond)):
                self._freeze(subject)
            self.key = subject.key
            if key != subject.key or subject.hashed % self._partitions != self._partition:
                self._misplaced(record, subject.key, key, offset)
            if record["ownerepoch"] != self._epoch:
                self._check_owner(record, record["ownerepoch"], offset)
            self._check_request(record, subject, offset)
            if self._follows(record, value, subject.now, offset):
                self._fold(record, subject.now, offset)
            self._keep(record, offset)
        except UNREADABLE as error:
            self.unreadable(offset, value, error)
            return None
        return record

    def _is_passed(self, offset: int, value: bytes) -> bool:
        """A person has led every part past these bytes at this place."""
        is_passed = self.passed.get(offset) == sha256(value).hexdigest()
        if is_passed:
            self._tally.count("passed over")
        return is_passed

    def unreadable(self, offset: int, value: bytes | None, error: Exception) -> None:
        """What stands there is no record of ours."""
        said = f"{type(error).__name__}: {error}; {(value or b'')[:80]!r}"
        self._wrong("out_of_order", {}, offset, said, "a record that can be read")

    def _pass_cuts(self, offset: int) -> None:
        """From here on, these readers have read no further."""
        self._beyond = [cut for cut, position in self._cuts.items() if offset >= position]
        self._next_cut = min((each for each in self._cuts.values() if offset < each), default=inf)

    def _freeze(self, subject: Subject) -> None:
        for cut in self._beyond:
            subject.freeze(cut)

    def _keep(self, record: Members, offset: int) -> None:
        if offset < self._view_cut:
            rows = self.ledger_rows
            if offset >= rows.end_of_block:
                rows.begin(offset)
            rows.lines.append(ledger_line(record))
        if offset < self._saved_cut:
            rows = self.outcome_rows
            if offset >= rows.end_of_block:
                rows.begin(offset)
            rows.lines.append(outcome_line(record))
        if self.watched and record["requestid"] in self.watched and record["type"].endswith(".refused"):
            self.refused[record["requestid"]] = record["data"].get("code", "")

    def _misplaced(self, record: Members, encoded: bytes, key: bytes | None, offset: int) -> None:
        if key != encoded:
            self._wrong("out_of_order", record, offset, f"the key {key!r}", f"the subject {encoded!r}")
        belongs = crc32(encoded) % self._partitions
        if belongs != self._partition:
            self._wrong(
                "out_of_order", record, offset, f"in partition {self._partition}", f"in partition {belongs}"
            )

    def _check_owner(self, record: Members, epoch: int, offset: int) -> None:
        """Another owner than before has to be a later one."""
        if epoch > self._epoch:
            self._epoch = epoch
        else:
            found, wanted = f"owner epoch {epoch}", f"at least {self._epoch}, as before it"
            self._wrong("unfenced", record, offset, found, wanted)

    def _check_request(self, record: Members, subject: Subject, offset: int) -> None:
        request_id = record["requestid"]
        words = b"%b%b\n%b" % (self._before, subject.key, request_id.encode())
        text = _sha1(words, usedforsecurity=False).hexdigest()
        # As _uuid5 has it; a call less for every record.
        made = f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"
        if record["id"] != made:
            request_id = self._asked_again(record, words, made, offset)
        answered = hash(request_id)
        self.is_repeat = answered in subject.requests
        if self.is_repeat:
            self._wrong("duplicated", record, offset, f"a second record for request {request_id}", "one")
        subject.requests.add(answered)

    def _asked_again(self, record: Members, words: bytes, made: str, offset: int) -> str:
        """The same request id with other content is answered once more, under an id of its own."""
        digest = record.get("requestdigest")
        if record["id"] != _uuid5(words + f"#{digest}".encode()):
            found = f"id {record['id']} for request {record['requestid']}"
            self._wrong("duplicated", record, offset, found, f"the id {made} made of it")
        return f"{record['requestid']}#{digest}"

    def _follows(self, record: Members, value: bytes, now: Standing, offset: int) -> bool:
        """Whether the record goes on where its subject stood; a repeat is not followed any further."""
        sequence, chain, time = record["sequence"], record["chain"], record["time"]
        if sequence == now.sequence + 1:
            hashed = _sha256(
                now.chain.encode()
            )  # piece by piece: to put them together first would copy the record
            hashed.update(value[:-_TAIL])
            hashed.update(b"}")
            link = hashed.hexdigest()
            if not value.endswith(b"%b%b%b" % (_OPEN, link.encode(), _CLOSE)):
                self._unchained(record, link, now, offset)
        else:
            wanted = now.sequence + 1
            self._wrong("out_of_order", record, offset, f"sequence {sequence}", f"sequence {wanted}")
            if sequence < wanted:
                return False
        if time >= now.time:
            now.time = time
        else:
            self._wrong("out_of_order", record, offset, f"time {time}", f"not before {now.time}")
        now.sequence, now.chain, now.offset = sequence, chain, offset
        return True

    def _unchained(self, record: Members, link: str, now: Standing, offset: int) -> None:
        found = f"chain {record['chain'][:12]}…"
        wanted = f"{link[:12]}…, from its bytes and the link {now.chain[:12] or 'of nothing'} before"
        self._wrong("out_of_order", record, offset, found, wanted)

    def _fold(self, record: Members, now: Standing, offset: int) -> None:
        kind, number = record["type"], record.get("version") or 0
        fromstate, tostate = record["fromstate"], record["tostate"]
        step, before = self._steps[kind, fromstate, tostate], now.versions.get(number)
        if number.__class__ is not int:
            raise TypeError(f"found the version {number!r}, wanted a number")
        stood = step.nothing if before is None or step.begins else before.state
        # A refusal may speak of no version, and then names the newest one's state, or none.
        goes_on = fromstate == stood or (step.is_refusal and (fromstate is None or stood is None))
        if not (goes_on and step.is_legal):
            found = f"{kind} from {fromstate} to {tostate}"
            self._wrong("out_of_order", record, offset, found, f"one that may follow {stood}")
        if not step.is_refusal:
            self._fold_fact(step, record, before, number, now, offset)
        if now.follows:  # what was announced anew after a version's end: decided, however that came out
            now.follows = tuple(each for each in now.follows if each != record.get("causationid"))

    def _fold_fact(
        self, step: Step, record: Members, before: Version | None, number: int, now: Standing, offset: int
    ) -> None:
        data, sequence = record["data"], record["sequence"]
        now.fact = sequence
        if record["tostate"] is None:
            return  # word of a file that nobody has announced: it has no version
        code = due = None
        if step.sets_problem:
            code, due = _problem(record, data)
        elif before is not None:
            code, due = before.code, before.due
        now.versions[number] = _new(
            Version,
            (record["tostate"], record.get("attempt"), sequence, record["id"], offset, code, due),
        )
        if step.is_whole:
            self._fold_whole(record["type"], record, data, now)
        if step.is_end and data.get("pending") is not None:
            now.follows = (*now.follows, record["id"])

    def _fold_whole(self, kind: str, record: Members, data: Members, now: Standing) -> None:
        """What concerns a subject as a whole."""
        match kind:
            case "file.adopted":
                now.best = 1
            case "file.registered":
                now.best = data["best"]
            case "file.damaged":
                now.best = data.get("best")
            case "file.restored":
                now.best = data.get("best", record["version"])
            case "file.held" | "file.unheld" | "stream.held" | "stream.unheld" | "op.held" | "op.unheld":
                now.held = kind.endswith(".held")
            case "file.embargoed" | "file.extended" | "file.lifted":
                now.embargoed = kind != "file.lifted"

    def _wrong(self, counter: str, record: Members, offset: int, found: str, wanted: str) -> None:
        offender = Offender(
            subject=str(record.get("subject", "")),
            found=found,
            wanted=wanted,
            position=f"{self._place}/{offset}",
            event_id=str(record.get("id", "")),
        )
        self._tally.found(counter, offender)


def _problem(record: Members, data: Members) -> tuple[str | None, str | None]:
    """The code of the problem that a fact opens, and the fact itself if it set a time to try again; or none."""
    match record["type"]:
        case "file.failed":
            return data["code"], record["id"] if data.get("due_at") else None
        case "file.rejected" | "file.conflicted" | "file.damaged":
            return data.get("code"), None
    return None, None
