"""Applies the ledger to the read models: each event folded once, one change a row a batch, all in one transaction."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from events.envelope import Record
from projectors.application import Batch, NotFoldedError, Write
from projectors.fold_version import note_folding
from projectors.folding import Folding, Folds, Prepared
from projectors.ledger import last_sequences_in, ledger_line, storable_ledger_line
from projectors.merge import make_stages
from projectors.projection import Projection
from projectors.read_models import LIVE, ReadModels
from projectors.sequences import LastSequences
from projectors.stream_status import stream_status
from projectors.tainted import Taint, read_taints

__all__ = ["AT_ONCE", "CHANNEL", "MACHINES", "STREAM_CHANNEL", "Projector"]

log = logging.getLogger(__name__)

AT_ONCE = 5000
"""Records of a batch at most: behind by many, a row is changed once for several of its facts, not once for each.

8,000 cost as much processor time for each, and 45 MB more.
"""

CHANNEL = "meridian_projected"
"""Notified after each batch."""

STREAM_CHANNEL = "meridian_stream"
"""Notified after each batch that changed a stream."""

MACHINES = ("file", "group", "identity", "op", "stream")

Place = tuple[str, int, int]
"""Machine, partition and offset of a record."""


class Projector:
    """An application for ``Follower``. Remembers which subjects are in quarantine, and nothing else."""

    def __init__(self, projections: Sequence[Projection] | None = None, *, models: ReadModels = LIVE) -> None:
        """``models``: the tables it fills; who queries the live ones is woken after each batch."""
        self.models = models if projections is None else models.only(projections)
        self.last_sequences: LastSequences | None = (
            last_sequences_in(models.ledger) if models.keeps_ledger else None
        )
        self._folds = Folds(self.models)
        self._tainted: set[tuple[str, str]] = set()

    def reset(self, connection: Connection) -> None:
        """Read the quarantine again, and make this connection ready for merging."""
        self._tainted = read_taints(connection, self.models.tainted)
        note_folding(connection, self.models)
        make_stages(connection, [each for each in self._folds.folded if each.name in self.models.names])

    def prepare(self, pieces: Iterable[Batch]) -> Write:
        """Fold a batch in memory. Of subjects in quarantine the ledger alone goes on."""
        return self._telling(self._folded(pieces, {}))

    def prepare_around(self, batch: Batch) -> Write:
        """The same record by record where need be: those that can't be folded put their subjects into quarantine."""
        try:
            return self.prepare([batch])
        except NotFoldedError:
            return self._telling(self._folded([batch], self._unfoldable(batch)))

    def _telling(self, prepared: Prepared) -> Write:
        return _Notifying(prepared) if self.models.schema == LIVE.schema else prepared

    def _folded(self, pieces: Iterable[Batch], wrong: Mapping[Place, Exception]) -> Prepared:
        folding = Folding(self._folds)
        for piece in pieces:  # what is raised by reading the next one is not of our making
            try:
                self._fold(piece, folding, wrong)
            except Exception as error:
                raise _not_folded(error) from error
        try:
            return folding.prepared()
        except Exception as error:
            raise _not_folded(error) from error

    def _fold(self, piece: Batch, folding: Folding, wrong: Mapping[Place, Exception]) -> None:
        known, tainted = self._folds.of, self._tainted
        for record, _ in piece:
            folding.records.append(ledger_line(record))
            if record.type in known and not (tainted and (record.machine, record.subject) in tainted):
                error = wrong.get((record.machine, record.partition, record.offset)) if wrong else None
                if error is None:
                    folding.fold(record)
                else:
                    self._taint(record, error, folding)

    def _unfoldable(self, batch: Batch) -> dict[Place, Exception]:
        wrong = {}
        for record, _ in batch:
            if record.type in self._folds.of:
                try:
                    alone = Folding(self._folds)
                    alone.fold(record)
                    alone.prepared()
                except Exception as error:  # noqa: BLE001 - whatever it raises, this record alone is set aside
                    wrong[record.machine, record.partition, record.offset] = error
        return wrong

    def set_aside(self, record: Record, error: Exception) -> Write:
        """Keep what can be kept of a record that the database refuses, and quarantine its subject."""
        folding = Folding(self._folds, records=[storable_ledger_line(record)])
        self._taint(record, error, folding)
        return self._telling(folding.prepared())

    def _taint(self, record: Record, error: Exception, folding: Folding) -> None:
        log.error(
            "subject quarantined",
            exc_info=error,
            extra={
                "subject": record.subject,
                "event_id": record.id,
                "position": f"{record.machine}/{record.partition}/{record.offset}",
            },
        )
        self._tainted.add((record.machine, record.subject))
        folding.taints.append(Taint.by(record, error))


def _not_folded(error: Exception) -> NotFoldedError:
    """Whatever it is: it is found record by record, and kept from stopping the others."""
    return NotFoldedError(f"{type(error).__name__}: {error}")


class _Notifying:
    """Writes a batch and wakes those who wait for it."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared

    def __call__(self, connection: Connection) -> None:
        self._prepared(connection, self._notices())

    def in_one_call(self) -> str | None:
        """The same as text, for a few rows."""
        return self._prepared.in_one_call(self._notices())

    def _notices(self) -> list[str]:
        has_streams = any(folded.name == stream_status.name for folded, _ in self._prepared.merged)
        return [CHANNEL, STREAM_CHANNEL] if has_streams else [CHANNEL]
