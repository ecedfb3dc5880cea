"""What safety costs: the same requests decided with no store behind and no chain. Nothing but the bench can do this."""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from events.log import Log, Place
from events.topic_specs import topic_specs
from events.topics import Topics
from machines import MACHINES
from machines.desk import Desk, Subject
from service.bench.timing import Timer
from service.decider.owner import OwnerSettings, PartitionOwner
from service.decider.store import NOTHING_LED_PAST, LedPast, OutcomeRow, Watermark
from service.decider.takeover import Seat

__all__ = ["Forgetful", "decide_unsafely"]

NO_CHAIN = "0" * 64


class _Unchained(Desk):
    """Records as long as they always are, but linked to nothing."""

    @staticmethod
    def seal(previous: str, body: bytes) -> tuple[bytes, str]:  # noqa: ARG004
        """The record's bytes with an empty link."""
        return body[:-1] + _TAIL, NO_CHAIN

    def dump(self, subject: Subject) -> bytes:  # noqa: ARG002
        """Nothing: it would be thrown away."""
        return b""


_TAIL = b',"chain":"' + NO_CHAIN.encode() + b'"}'


class Forgetful:
    """A store that keeps nothing: no snapshots, no outcomes, no watermark."""

    def watermark(self) -> Watermark | None:
        """Nothing was saved."""
        return None

    def led_past(self, requests_topic_id: str) -> LedPast:  # noqa: ARG002
        """Nobody has recovered anything."""
        return NOTHING_LED_PAST

    def load(self, subjects: Sequence[str], records: Sequence[str] = ()) -> dict[str, bytes]:  # noqa: ARG002
        """There are none."""
        return {}

    def lost(self, subjects: Sequence[str]) -> list[str]:  # noqa: ARG002
        """Nothing is lost that was never kept."""
        return []

    def digests(self, record_ids: Sequence[str]) -> dict[str, str]:  # noqa: ARG002
        """None are known."""
        return {}

    def save(
        self, snapshots: Iterable[tuple[str, int, bytes]], outcomes: Sequence[OutcomeRow], mark: Watermark
    ) -> None:
        """Nothing is kept."""

    def forget(self) -> None:
        """There is nothing to drop."""

    def cut_off_predecessors(self) -> int:
        """There are none."""
        return 0

    def raise_epoch(self, *, at_least: int) -> int:
        """The first owner."""
        return at_least + 1


class _Owner(PartitionOwner):
    """Makes no rows of what it has decided: they would be thrown away."""

    def _save(self, batch: Any, offsets: list[int]) -> None:
        """Nothing is kept."""


def decide_unsafely(
    logs: Log, topics: Topics, *, requests: int, partitions: int, batch: int
) -> dict[str, Any]:
    """Requests decided a second, into a ledger that nobody else reads."""
    out = Topics(f"{topics.site}-unsafe")
    logs.ensure(topic_specs(out, {"file": partitions}, ()))
    topic_id = logs.topic_ids([topics.requests("file")])[topics.requests("file")]
    owners = [
        _Owner(
            seat=Seat(
                "file",
                number,
                Place(out.events("file"), number),
                Place(topics.requests("file"), number),
                topic_id,
            ),
            logs=logs,
            topics=out,
            store=Forgetful(),
            desk=_Unchained(MACHINES["file"], site=topics.site),
            partitions=partitions,
            # Nothing would bring back a subject that has left the memory.
            settings=OwnerSettings(batch=batch, subjects_kept=requests),
        )
        for number in range(partitions)
    ]
    stop, timer = threading.Event(), Timer()
    threads = [threading.Thread(target=owner.run, args=(stop,), daemon=True) for owner in owners]
    for thread in threads:
        thread.start()
    while sum(owner.decided for owner in owners) < requests:
        time.sleep(0.02)
        if not any(thread.is_alive() for thread in threads):
            raise RuntimeError("every owner has ended, wanted all requests decided; see the log")
    found = timer.per(requests)
    stop.set()
    for thread in threads:
        thread.join()
    return found
