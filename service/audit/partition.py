"""One partition of one machine: its ledger and its requests read once, and all that can be said from them."""

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson

from service.audit.blocks import LEDGER_ROW, OUTCOME_ROW, Blocks, Kept, ledger_line, outcome_line, rows_of
from service.audit.database import moment, reaching
from service.audit.effects_log import EFFECTS, EffectsLog
from service.audit.expected import Hostile, Request, State, read_expected
from service.audit.findings import Offender, Tally
from service.audit.job import Job
from service.audit.kafka_reader import KafkaReader
from service.audit.ledger_check import UNREADABLE, LedgerCheck
from service.audit.reach import Place
from service.audit.requests_check import RequestsCheck
from service.audit.standing_check import StandingCheck
from service.audit.subjects import Subjects, scratch
from service.peak_memory import peak_rss_mb

__all__ = ["run"]

LEDGER = Kept("projection.ledger", LEDGER_ROW, is_keyed=True)
OUTCOMES = Kept("decider.outcome", OUTCOME_ROW, is_keyed=False)
_BLOCKS_LOOKED_INTO = 3


def run(job: Job) -> dict[str, Any]:
    """All that can be checked within one partition. Raises LogAwayError and DatabaseAwayError."""
    tally, began = Tally(job.tainted), time.monotonic()
    own, dead = scratch(job.scratch), sqlite3.connect(job.dead)
    subjects = Subjects(own)
    with moment(job.database, snapshot=job.snapshot) as connection, reaching():
        checked = _read(job, subjects, own, dead, tally)
        tally.count("read_ms", int((time.monotonic() - began) * 1000))
        _compare(job, checked.ledger_rows, LEDGER, connection, tally)
        _compare(job, checked.outcome_rows, OUTCOMES, connection, tally)
        StandingCheck(
            connection,
            machine=job.machine,
            place=f"{job.ledger}/{job.partition}",
            partition=job.partition,
            tally=tally,
        ).run(subjects)
    tally.count("records", checked.records)
    own.close()
    dead.close()
    told = tally.as_json()
    told["seconds"] = time.monotonic() - began
    told["pid"], told["rss_mb"] = os.getpid(), peak_rss_mb()
    return told


def _read(
    job: Job, subjects: Subjects, own: sqlite3.Connection, dead: sqlite3.Connection, tally: Tally
) -> LedgerCheck:
    """The ledger and the requests, once and together."""
    reader = KafkaReader(job.kafka)
    ledger, asked = Place(job.ledger, job.partition), Place(job.requests, job.partition)
    place = f"{job.ledger}/{job.partition}"
    check = LedgerCheck(
        site=job.site, place=place, partition=job.partition, partitions=job.partitions, cuts=job.cuts,
        subjects=subjects, tally=tally,
    )  # fmt: skip
    check.passed = {int(offset): digest for offset, digest in job.passed.items()}
    hostile = list(_expect(job, subjects)) if job.expected else []
    check.watched = frozenset(each.request_id or "" for each in hostile)
    requests = RequestsCheck(
        reader.read({asked: (job.requests_begin, job.requests_end)}),
        job,
        subjects=subjects,
        connection=own,
        dead=dead,
        tally=tally,
    )
    effects = EffectsLog(own, is_kept=job.effects)
    for batch in reader.read({ledger: (0, job.ledger_end)}):
        for message in batch:
            offset = message.offset()
            record = check.take(offset, message.key(), message.value())
            if record is not None:
                try:
                    requests.answered(record, check.key, offset, is_repeat=check.is_repeat)
                    if record["type"] in EFFECTS:
                        effects.take(record, place, offset)
                except UNREADABLE as error:
                    check.unreadable(offset, message.value(), error)
    requests.end()
    effects.end()
    for counter in ("duplicated", "out_of_order", "unfenced"):
        tally.looked(counter, check.records)
    _judge(hostile, check, subjects, tally)
    return check


def _compare(job: Job, blocks: Blocks, kept: Kept, connection: Any, tally: Tally) -> None:
    """A table with a row a record: block by block, and where a block differs, row by row."""
    cursor = connection.cursor()
    tally.looked("divergent", 0)
    different = list(blocks.different(cursor, kept, job.machine, job.partition))
    tally.looked("divergent", sum(count for count, _ in blocks.digests.values()))
    for number in different[:_BLOCKS_LOOKED_INTO]:
        _row_by_row(job, blocks, kept, number, cursor, tally)
    for number in different[_BLOCKS_LOOKED_INTO:]:
        found, wanted = f"a difference in block {number} of {kept.table}", "rows as the ledger has them"
        tally.found(
            "divergent", Offender("", found, wanted, f"{job.ledger}/{job.partition}/{number * blocks.size}")
        )


def _row_by_row(job: Job, blocks: Blocks, kept: Kept, number: int, cursor: Any, tally: Tally) -> None:
    line = ledger_line if kept is LEDGER else outcome_line
    begin, end = number * blocks.size, min(blocks.cut, (number + 1) * blocks.size)
    shown = dict(rows_of(cursor, kept, job.machine, job.partition, begin, end))
    reader, passed = KafkaReader(job.kafka), set(map(int, job.passed))
    for batch in reader.read({Place(job.ledger, job.partition): (begin, min(end, job.ledger_end))}):
        for message in batch:
            try:
                record = orjson.loads(message.value())
                wanted, found = line(record), shown.pop(message.offset(), None)
            except UNREADABLE:
                continue  # told where the ledger was read
            if found != wanted and message.offset() not in passed:
                at = f"{job.ledger}/{job.partition}/{message.offset()}"
                said = f"{kept.table} has {found or 'no row'}"
                tally.found("divergent", Offender(record["subject"], said, wanted, at, record["id"]))
    for offset, found in shown.items():
        at = f"{job.ledger}/{job.partition}/{offset}"
        tally.found("divergent", Offender("", f"{kept.table} has {found}", "no row, there is no record", at))


def _expect(job: Job, subjects: Subjects) -> Iterator[Hostile]:
    """Note with each subject what is expected of it; what is hostile is judged at the end."""
    for line in read_expected(Path(job.expected or "")):
        subject = getattr(line, "subject", None)
        if subject is None or crc32(subject.encode()) % job.partitions != job.partition:
            continue
        machine = line.machine if isinstance(line, Request | State) else "file"
        if machine != job.machine:
            continue
        if isinstance(line, Request):
            subjects[subject].expect([(hash(line.id), line.id)])
        elif isinstance(line, State):
            subjects[subject].states = tuple(line.states)
        elif isinstance(line, Hostile) and line.origin is None:
            yield line


def _judge(hostile: list[Hostile], check: LedgerCheck, subjects: Subjects, tally: Tally) -> None:
    """Whether something was said about what could not be taken."""
    for each in hostile:
        tally.looked("silent")
        name = each.subject or ""
        if each.request_id is not None:
            code = check.refused.get(each.request_id)
            found = "no refusal" if code is None else f"a refusal with {code}"
        else:
            newest = subjects[name].now.newest
            code = newest.code or "" if newest is not None and newest.state in {"INVALID", "ERROR"} else None
            found = f"it stands in {newest.state if newest else None}{f' for {code}' if code else ''}"
        if code is None or each.code not in {None, code}:
            wanted = f"{each.what}: to be turned away with {each.code or 'any code'}"
            tally.found("silent", Offender(name, found, wanted, "", each.request_id or ""))
