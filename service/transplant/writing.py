"""Records back onto their topics, in order, each once: what is there already is compared and gone on behind."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from events.clock import now
from events.log import Message, Place
from service.transplant.manifest import Part, TransplantError
from service.transplant.reading import each_record
from service.transplant.telling import Telling

if TYPE_CHECKING:
    from events.kafka_log import KafkaLog

__all__ = ["Restoring"]

_AT_ONCE = 2000
_BYTES_AT_ONCE = 8 * 1024 * 1024
_FILLED_AT_ONCE = 4000
_PATIENCE_S = 30.0

Noted = Callable[[Message, int], None]
"""Told of each record, as it is in the export, and of its offset now."""


@dataclass
class Restoring:
    """``site``: whose; a second one of the same site fences the first."""

    log: "KafkaLog"
    site: str
    telling: Telling

    def ledger(self, part: Part, messages: Iterable[Message], noted: Noted) -> int:
        """In transactions, as the decider writes; the records keep everything but their offsets. How many were new."""
        place = Place(part.name, part.partition)
        self.telling.step(f"{place.topic}/{place.partition}", part.records)
        # First, for it ends what one that was killed has left open: nobody could read past that.
        writer, count = self.log.transactional(f"{self.site}.import"), 0
        try:
            rest = self._behind_what_is_there(place, 0, iter(messages), noted)
            for batch in _batches(rest):
                writer.begin()
                sent = writer.restore(place, batch)
                writer.commit({}, group=f"{self.site}.import")
                count += self._note(batch, sent.offsets(_PATIENCE_S), noted)
        finally:
            writer.close()
        return count

    def topic(self, part: Part, messages: Iterable[Message], noted: Noted) -> int:
        """From ``part.first`` on, so that it ends where it ended; how many were new. Raises TransplantError."""
        place = Place(part.name, part.partition)
        self.telling.step(f"{place.topic}/{place.partition}", part.records)
        writer, count = self.log.writer(), 0
        try:
            self._fill(writer, place, part.first)
            rest = self._behind_what_is_there(place, part.first, iter(messages), noted)
            for batch in _batches(rest):
                offsets = writer.restore(place, batch).offsets(_PATIENCE_S)
                wanted = self._expected
                if offsets != list(range(wanted, wanted + len(batch))):
                    raise _stranger(place, f"offset {offsets[0]} given, wanted {wanted}")
                self._expected += len(batch)
                count += self._note(batch, offsets, noted)
        finally:
            writer.close()
        return count

    def committed(self, group: str, offsets: dict[Place, int]) -> None:
        """Where this group goes on."""
        writer = self.log.transactional(f"{self.site}.import")
        try:
            writer.begin()
            writer.commit(offsets, group=group)
        finally:
            writer.close()

    def _fill(self, writer: Any, place: Place, first: int) -> None:
        """What stood before is gone; its offsets are used up, and nobody gets to read what uses them up."""
        beginning, end = self._bounds(place)
        while end < first:
            count = min(_FILLED_AT_ONCE, first - end)
            at_ms = int(now().timestamp() * 1000)
            empty = [Message(*place, end + number, b"", b"", (), at_ms) for number in range(count)]
            offsets = writer.restore(place, empty).offsets(_PATIENCE_S)
            if offsets[0] != end:
                raise _stranger(place, f"offset {offsets[0]} given, wanted {end}")
            end += count
        if beginning < first:
            self.log.cut(place, before=first)
        self._expected = first

    def _behind_what_is_there(
        self, place: Place, begin: int, wanted: Iterator[Message], noted: Noted
    ) -> Iterator[Message]:
        """The records that are still to be written; raises TransplantError where others stand there."""
        _, end = self._bounds(place)
        for there in each_record(self.log, place, begin, end):
            should = next(wanted, None)
            if should is None or not _is_same(there, should):
                raise _stranger(
                    place, f"a record at offset {there.offset} that the export does not have there"
                )
            self.telling.more(1)
            noted(should, there.offset)
        self._expected = max(begin, end)
        return wanted

    def _bounds(self, place: Place) -> tuple[int, int]:
        reader = self.log.reader()
        try:
            return reader.beginning(place), reader.end(place)
        finally:
            reader.close()

    def _note(self, batch: list[Message], offsets: list[int], noted: Noted) -> int:
        for message, offset in zip(batch, offsets, strict=True):
            noted(message, offset)
        self.telling.more(len(batch))
        return len(batch)

    _expected: int = 0


def _batches(messages: Iterator[Message]) -> Iterator[list[Message]]:
    """Some thousands at a time, or some MiB."""
    while first := list(islice(messages, 1)):
        batch, size = first, len(first[0].value or b"")
        while len(batch) < _AT_ONCE and size < _BYTES_AT_ONCE:
            more = next(messages, None)
            if more is None:
                break
            batch.append(more)
            size += len(more.value or b"")
        yield batch


def _is_same(one: Message, other: Message) -> bool:
    """All but the offset."""
    return (one.key, one.value, one.headers, one.timestamp_ms) == (
        other.key, other.value, other.headers, other.timestamp_ms,
    )  # fmt: skip


def _stranger(place: Place, found: str) -> TransplantError:
    return TransplantError(
        f"{place.topic}/{place.partition}: found {found}; wanted this import alone to write there: something else has, "
        f"such as a sender; keep senders away, delete the topic {place.topic}, and start the same import again"
    )
