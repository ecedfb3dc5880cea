"""Every message of every inbox led to a request, a dead letter or an answer, and hostile ones did not pass."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from service.audit.expected import Hostile, Inbox, read_expected
from service.audit.findings import Offender, Tally
from service.audit.kafka_reader import KafkaReader
from service.audit.reach import Place
from service.audit.subjects import scratch
from service.audit.topology import Topology

__all__ = ["InboxCheck", "note_dead_letters"]

_BATCH = 2000


def note_dead_letters(reader: KafkaReader, topology: Topology, path: Path) -> int:
    """The origin and code of every dead letter, in a table for all processes; how many there are."""
    connection, count = scratch(path), 0
    connection.execute("CREATE TABLE dead (origin TEXT PRIMARY KEY, code TEXT) WITHOUT ROWID")
    for batch in _all(reader, topology.deadletter):
        rows = [row for row in map(_dead, batch) if row is not None]
        connection.execute("BEGIN")
        connection.executemany("INSERT OR REPLACE INTO dead VALUES (?, ?)", rows)
        connection.execute("COMMIT")
        count += len(rows)
    connection.close()
    return count


def _all(reader: KafkaReader, places: Iterable[Place]) -> Iterator[list[Any]]:
    wanted = list(places)
    beginnings, ends = reader.beginnings(wanted), reader.ends(wanted)
    return reader.read({place: (beginnings[place], ends[place]) for place in wanted})


def _dead(message: Any) -> tuple[str, str] | None:
    told = dict(message.headers() or ())
    if told.get("kind", b"input") != b"input":
        return None  # a note about another one
    parts = (told.get(f"origin-{part}") or b"" for part in ("topic", "partition", "offset"))
    return b"/".join(parts).decode("utf-8", "replace"), (told.get("code") or b"").decode("utf-8", "replace")


class InboxCheck:
    """``read_to``: how far intake had come in each inbox, noted before the requests' ends were."""

    def __init__(
        self,
        reader: KafkaReader,
        topology: Topology,
        read_to: Mapping[Place, int],
        *,
        folder: Path,
        tally: Tally,
    ) -> None:
        self._reader = reader
        self._topology = topology
        self._read_to = read_to
        self._folder = folder
        self._tally = tally
        self._origins = scratch(folder / "inboxes.sqlite")
        self._origins.execute("CREATE TABLE covered (origin TEXT PRIMARY KEY, code TEXT) WITHOUT ROWID")

    def run(self, scratches: Iterable[Path], expected: Path | None) -> None:
        """``scratches``: what the processes have kept of the requests of intake."""
        self._gather(scratches)
        beginnings = self._reader.beginnings(self._topology.inboxes)
        ranges = {place: (begin, self._read_to.get(place, 0)) for place, begin in beginnings.items()}
        for batch in self._reader.read(ranges):
            self._check(batch)
        if expected is not None:
            self._check_expected(expected)
        self._origins.close()

    def _gather(self, scratches: Iterable[Path]) -> None:
        """Requests by the place of their message or its name, dead letters by origin, answers by origin."""
        for path in scratches:
            self._origins.execute("ATTACH ? AS other", (str(path),))
            self._origins.execute("INSERT OR IGNORE INTO covered SELECT origin, NULL FROM other.covered")
            self._origins.execute("DETACH other")
        self._origins.execute("ATTACH ? AS other", (str(self._folder / "dead.sqlite"),))
        self._origins.execute("INSERT OR REPLACE INTO covered SELECT origin, code FROM other.dead")
        self._origins.execute("DETACH other")
        for batch in _all(self._reader, self._topology.answers):
            rows = [row for row in map(_answered, batch) if row is not None]
            self._origins.executemany("INSERT OR IGNORE INTO covered VALUES (?, ?)", rows)

    def _check(self, batch: list[Any]) -> None:
        for message in batch:
            sender = message.topic().partition(".inbox.")[2]
            self._tally.looked("lost")
            self._tally.count("inbox messages")
            origin = f"{message.topic()}/{message.partition()}/{message.offset()}"
            if not self._is_covered(origin) and not self._is_covered(_cause(sender, message)):
                found = "neither a request nor a dead letter nor an answer"
                self._tally.found(
                    "lost", Offender("", found, "one of them", origin, _event_id(message) or "")
                )

    def _is_covered(self, origin: str | None) -> bool:
        if origin is None:
            return False
        return (
            self._origins.execute("SELECT 1 FROM covered WHERE origin = ?", (origin,)).fetchone() is not None
        )

    def _check_expected(self, path: Path) -> None:
        for line in read_expected(path):
            if isinstance(line, Inbox):
                self._tally.looked("lost")
                cause = f"{line.sender}/{line.event_id}" if line.event_id else None
                if not self._is_covered(line.origin) and not self._is_covered(cause):
                    found = "neither a request nor a dead letter nor an answer, though it was acknowledged"
                    self._tally.found(
                        "lost", Offender("", found, "one of them", line.origin, line.event_id or "")
                    )
            elif isinstance(line, Hostile) and line.origin is not None:
                self._hostile(line, line.origin)

    def _hostile(self, line: Hostile, origin: str) -> None:
        self._tally.looked("silent")
        row = self._origins.execute("SELECT code FROM covered WHERE origin = ?", (origin,)).fetchone()
        code = None if row is None else row[0]
        if code is None or line.code not in {None, code}:
            found = (
                f"turned away with {code}" if code else "it was taken" if row else "nothing was said about it"
            )
            wanted = f"{line.what}: to be turned away with {line.code or 'any code'}"
            self._tally.found("silent", Offender(line.subject or "", found, wanted, origin))


def _answered(message: Any) -> tuple[str, str | None] | None:
    try:
        members = orjson.loads(message.value() or b"")
        origin = members.get("origin")
        return (origin, str(members.get("code"))) if isinstance(origin, str) else None
    except (orjson.JSONDecodeError, AttributeError):
        return None


def _event_id(message: Any) -> str | None:
    """What its sender calls a message, by header or by member."""
    told = {name.lower(): value for name, value in message.headers() or ()}
    if told.get("ce_id"):
        return bytes(told["ce_id"]).decode("utf-8", "replace")
    try:
        found = orjson.loads(message.value() or b"")["id"]
        return found if isinstance(found, str) else None
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return None


def _cause(sender: str, message: Any) -> str | None:
    event_id = _event_id(message)
    return None if event_id is None else f"{sender}/{event_id}"
