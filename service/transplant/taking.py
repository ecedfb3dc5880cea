"""``meridian export``: what has to be carried, read from a site at work or at rest into a folder of NDJSON files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Engine

from consumers.intake_watch import group_of
from events.clock import now
from events.log import Log, Message, Place
from events.topics import MACHINES
from events.types import format_time
from projectors.passed_over import NOTHING, PassedOver, passed_over
from service.transplant.checking import check
from service.transplant.folder import Written, new_folder, write_lines
from service.transplant.lines import line_of
from service.transplant.manifest import Manifest, Part, TransplantError
from service.transplant.reading import each_record
from service.transplant.tables import carried_tables, rows_of
from service.transplant.telling import Telling
from service.version import software_version
from service.wiring import Wiring

__all__ = ["Export"]


@dataclass(frozen=True, slots=True)
class _Reach:
    """One partition: from where to where it is read, and where whoever reads it goes on."""

    kind: str
    place: Place
    begin: int
    end: int
    let_go: int | None = None


@dataclass
class Export:
    """Of one site; it changes nothing there. ``said`` is told now and then where it stands."""

    wiring: Wiring
    said: Callable[[str], None]
    _log: Log = field(init=False)
    _engine: Engine = field(init=False)
    _passed: PassedOver = field(init=False, default=NOTHING)

    def __post_init__(self) -> None:
        self._log = self.wiring.log()
        self._engine = self.wiring.engine(pool_size=2)
        self._telling = Telling(self.said)

    def close(self) -> None:
        """Let go."""
        self._log.close()
        self._engine.dispose()

    def run(self, folder: Path) -> Manifest:
        """Write all of it and read it once more; the folder is whole then, or not there. Raises TransplantError."""
        topics, at = self.wiring.topics, format_time(now())
        partitions = self._partitions()
        with new_folder(folder) as writing:
            with self._engine.connect() as connection:
                self._passed = passed_over(connection)
            # What was let go of first, then where what came of it ends: nothing falls in between.
            inboxes, asked, ledgers = self._inboxes(), self._requests(partitions), self._ledgers(partitions)
            parts = [self._topic(writing, each) for each in ledgers]
            parts += [self._topic(writing, each) for each in self._ending(asked)]
            parts += [self._topic(writing, each) for each in self._kept()]
            parts += [self._topic(writing, each) for each in self._ending(inboxes)]
            parts += self._tables(writing)
            manifest = Manifest(
                topics.site, at, software_version(), partitions, self._has_moved(ledgers), tuple(parts)
            )
            manifest.write(writing)
            check(writing, manifest, self._telling)
        return manifest

    # --- from where to where

    def _partitions(self) -> dict[str, int]:
        topics = self.wiring.topics
        names = {machine: topics.events(machine) for machine in MACHINES}
        found = self._log.partitions(names.values())
        missing = [name for name in names.values() if name not in found]
        if missing:
            raise TransplantError(
                f"kafka at {self.wiring.endpoints.kafka}: found no topic {', '.join(missing)}, wanted the ledger of "
                f"the site {topics.site}; is this the right server, the right --site?"
            )
        return {machine: found[name] for machine, name in names.items()}

    def _inboxes(self) -> list[_Reach]:
        names = [name for name in self._log.names() if name.startswith(self.wiring.topics.inbox_prefix)]
        places = self._places(names)
        taken = self._log.committed(group_of(self.wiring.topics.site), places)
        begins = {place: max(taken.get(place) or 0, self._bounds(place)[0]) for place in places}
        return [_Reach("inbox", place, begin, begin, begin) for place, begin in begins.items()]

    def _requests(self, partitions: Mapping[str, int]) -> list[_Reach]:
        topics, found = self.wiring.topics, list[_Reach]()
        for machine in partitions:
            places = self._places([topics.requests(machine)])
            decided = self._log.committed(topics.decider(machine), places)
            for place in places:
                begin, _ = self._bounds(place)
                found.append(_Reach("requests", place, begin, begin, max(decided.get(place) or 0, begin)))
        return found

    def _ledgers(self, partitions: Mapping[str, int]) -> list[_Reach]:
        found = []
        for place in self._places(map(self.wiring.topics.events, partitions)):
            begin, end = self._bounds(place)
            if begin:
                raise TransplantError(
                    f"{place.topic}/{place.partition}: found that it begins at {begin}, wanted all of the ledger; "
                    "restore what is gone first, or export from a copy that has it"
                )
            found.append(_Reach("ledger", place, begin, end))
        return found

    def _kept(self) -> list[_Reach]:
        """Dead letters and answers: all there are."""
        topics = self.wiring.topics
        answers = [name for name in self._log.names() if name.startswith(topics.answers(""))]
        named = [("deadletter", [topics.deadletter]), ("answers", answers)]
        return [
            _Reach(kind, place, *self._bounds(place))
            for kind, names in named
            for place in self._places(names)
        ]

    def _ending(self, reaches: Iterable[_Reach]) -> Iterator[_Reach]:
        """With the end as it is now: after the ledger's was noted."""
        noted = [(each, self._bounds(each.place)[1]) for each in reaches]
        for each, end in noted:
            yield replace(each, end=max(each.begin, end))

    def _places(self, names: Iterable[str]) -> list[Place]:
        counts = self._log.partitions(names)
        return [Place(name, number) for name, count in sorted(counts.items()) for number in range(count)]

    def _bounds(self, place: Place) -> tuple[int, int]:
        reader = self._log.reader()
        try:
            return reader.beginning(place), reader.end(place)
        finally:
            reader.close()

    def _has_moved(self, ledgers: Iterable[_Reach]) -> bool:
        return any(self._bounds(each.place)[1] != each.end for each in ledgers)

    # --- writing

    def _topic(self, folder: Path, reach: _Reach) -> Part:
        place, ends = reach.place, _Ends()
        name = f"{place.topic.removeprefix(f'{self.wiring.topics.site}.')}-{place.partition}.ndjson"
        self._telling.step(f"{place.topic}/{place.partition}", reach.end - reach.begin)
        messages = each_record(self._log, place, reach.begin, reach.end)
        written = write_lines(folder / name, self._lines(reach, messages, ends))
        return Part(
            name, reach.kind, place.topic, place.partition, *_told(written), reach.begin, reach.end,
            ends.first, ends.last, reach.let_go,
        )  # fmt: skip

    def _lines(self, reach: _Reach, messages: Iterable[Message], ends: "_Ends") -> Iterator[bytes]:
        machine = reach.place.topic.split(".")[1]
        for message in messages:
            ends.note(message.offset)
            self._telling.more(1)
            is_passed = reach.kind == "ledger" and self._passed.has(machine, message)
            yield line_of(message, is_passed=is_passed)

    def _tables(self, folder: Path) -> list[Part]:
        parts = []
        with self._engine.connect() as connection:
            for table in carried_tables(connection):
                name = f"{table.replace(chr(34), '').replace('/', '_')}.ndjson"
                rows = rows_of(connection, table)
                written = write_lines(folder / name, (f"{row}\n".encode() for row in rows))
                parts.append(Part(name, "table", table, 0, *_told(written)))
        return parts


@dataclass(slots=True)
class _Ends:
    first: int | None = None
    last: int | None = None

    def note(self, offset: int) -> None:
        self.first = offset if self.first is None else self.first
        self.last = offset


def _told(written: Written) -> tuple[int, int, str]:
    return written.lines, written.bytes, written.sha256
