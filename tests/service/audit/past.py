"""What has happened on the audited site, and ways to spoil it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import Consumer, TopicPartition
from sqlalchemy import text

from events.chain import seal
from events.ids import partition_of, record_id
from events.log import Headers, Place
from service.audit import Findings
from service.audit.audit import audit_site
from service.audit.expected import Expected
from service.wiring import Wiring
from tests.consumers.work_site import WorkSite, running

GOOD = 18


@dataclass
class Past:
    """Eighteen good files, one that is empty, one that came twice with other content, one that is not there."""

    work: WorkSite
    wiring: Wiring

    @classmethod
    def lived(cls, work: WorkSite, wiring: Wiring) -> "Past":
        """All of it, by the real roles, which have stopped."""
        with running(work, projector=True):
            names = [f"f{number}.dat" for number in range(GOOD)]
            subjects = [work.announce(work.place(name, name.encode() * 100)) for name in names]
            empty = work.announce(work.place("empty.dat", b""))
            missing = work.announce(work.landing / "roman" / "missing.dat", size_bytes=10)
            past = cls(work, wiring)
            wanted = {**dict.fromkeys(subjects, "COMPLETE"), empty: "INVALID", missing: "ERROR"}
            work.until(lambda: past.states(1) == wanted, timeout_s=90, what=lambda: str(past.states(1)))
            twice = work.announce(work.place("f0.dat", b"other content"), sha256="1" * 64)
            work.until(
                lambda: past.states(2) == {twice: "INVALID"}, timeout_s=60, what=lambda: str(past.states(2))
            )
            work.until(past.is_quiet, timeout_s=60)
        return past

    def states(self, version: int) -> dict[str, str]:
        """Where each file of this version stands."""
        return dict(self.rows(f"SELECT file, state FROM projection.file_version WHERE version = {version}"))

    def is_quiet(self) -> bool:
        """All is read and done."""
        rows = self.rows("SELECT count(*) FROM work.item WHERE state IN ('open', 'leased', 'reported')")
        return rows == [(0,)] and "stuck" not in self.audit(effects=False).raised

    def audit(self, **options: Any) -> Findings:
        """In this process, without waiting for anybody."""
        return audit_site(self.wiring, **{"settle_s": 0.0, "processes": 0, **options})

    def sql(self, statement: str, **members: Any) -> None:
        """Change what stands in PostgreSQL, one row."""
        with self.work.engine.begin() as connection:
            assert connection.execute(text(statement), members).rowcount == 1, statement

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What stands there."""
        with self.work.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    # --- forging ---

    def last(self, subject: str, *, back: int = 1) -> tuple[dict[str, Any], str]:
        """A record of a subject, counted from its end, and the link before it."""
        reader = self.work.log.reader()
        place = Place(self.work.topics.events("file"), self.home(subject))
        reader.assign({place: 0})
        records: list[dict[str, Any]] = []
        while reader.position(place) < reader.end(place):
            found = reader.poll(at_most=10_000, timeout_s=0.2).get(place, [])
            records += [orjson.loads(each.value or b"") for each in found if each.key == subject.encode()]
        reader.close()
        before = records[-back - 1]["chain"] if len(records) > back else ""
        return records[-back], before

    def forge(self, subject: str, *, link: str | None = None, **changes: Any) -> None:
        """One more record of a subject, sealed after its last one; ``changes`` to what would be right."""
        last, _ = self.last(subject)
        request_id = str(changes.pop("requestid", f"00000000-0000-4000-8000-{last['sequence']:012d}"))
        right = {
            "id": record_id(self.work.topics.site, subject, request_id),
            "type": "file.noted",
            "sequence": last["sequence"] + 1,
            "fromstate": last["tostate"],
            "requestid": request_id,
            "requesttopic": "00000000-0000-0000-0000-000000000000/0/0",
            "data": {"text": "forged"},
        }
        record = {**last, **right, **changes}
        del record["chain"]
        value, _ = seal(last["chain"] if link is None else link, orjson.dumps(record))
        self.say(self.work.topics.events("file"), value, key=subject.encode(), partition=self.home(subject))

    def home(self, subject: str) -> int:
        """The partition of a file."""
        return partition_of(subject, self.work.partitions["file"])

    def say(
        self, topic: str, value: bytes, *, key: bytes = b"k", partition: int = 0, headers: Headers = ()
    ) -> int:
        """Put bytes on a topic with a plain producer; where they stand."""
        writer = self.work.log.writer()
        sent = writer.send(topic, key=key, value=value, partition=partition, headers=headers)
        writer.flush(10)
        writer.close()
        return sent.result(10)[1]

    def passed(self, group: str, topic: str, partition: int, next_offset: int) -> None:
        """Somebody says that it has come so far."""
        consumer = Consumer({"bootstrap.servers": self.wiring.endpoints.kafka, "group.id": group})
        consumer.commit(offsets=[TopicPartition(topic, partition, next_offset)], asynchronous=False)
        consumer.close()

    def note(self, path: Path, *lines: Any) -> Path:
        """A file of what was expected."""
        expected = Expected(path)
        for line in lines:
            expected.note(line)
        expected.close()
        return path


def offenders(found: Findings) -> dict[str, set[str]]:
    """Whom each counter that is not zero names."""
    return {
        name: {each.subject for each in counter.offenders}
        for name, counter in found.counters.items()
        if counter.found
    }
