"""How many ledger records a second one projector process projects: all default views, or one table alone."""

import threading
import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Engine, text

from events.log import Log
from events.topics import Topics
from projectors.application import Application, Batch, Write
from projectors.database import metadata
from projectors.file_version import file_version
from projectors.folding import Folding, Folds
from projectors.follower import Follower
from projectors.merge import make_stages
from projectors.positions import position
from projectors.projector import AT_ONCE, Projector
from projectors.read_models import LIVE
from projectors.sequences import LastSequences
from service.bench.timing import Timer

__all__ = ["empty_views", "project", "project_one_table"]

LIMIT_S = 600.0


def project(logs: Log, engine: Engine, topics: Topics, *, records: int) -> dict[str, Any]:
    """Records projected a second, from the take-over of the positions to the last batch committed."""
    return _followed(logs, engine, topics, records=records, application=Projector())


def project_one_table(logs: Log, engine: Engine, topics: Topics, *, records: int) -> dict[str, Any]:
    """The same for the state of files alone, one row a version, without the ledger's own table."""
    return _followed(logs, engine, topics, records=records, application=_OneTable())


def _followed(
    logs: Log, engine: Engine, topics: Topics, *, records: int, application: Application
) -> dict[str, Any]:
    empty_views(engine)
    stop, timer = threading.Event(), Timer()
    follower = Follower(
        log=logs,
        topics=topics,
        engine=engine,
        name="projector",
        machines=("file",),
        apply=application,
        positions_table=position,
        batch=AT_ONCE,
    )
    thread = threading.Thread(target=follower.run, args=(stop,), daemon=True)
    thread.start()
    while follower.applied < records:
        time.sleep(0.02)
        if timer.seconds() > LIMIT_S:
            raise TimeoutError(f"{records} records were not projected within {LIMIT_S} s")
    found = timer.per(records)
    stop.set()
    thread.join()
    follower.close()
    return found


class _OneTable:
    """An application that folds the versions of files, and nothing else."""

    last_sequences: LastSequences | None = None

    def __init__(self) -> None:
        self._folds = Folds(LIVE.only((file_version,)))

    def reset(self, connection: Connection) -> None:
        make_stages(connection, self._folds.folded)

    def prepare(self, pieces: Iterable[Batch]) -> Write:
        folding = Folding(self._folds)
        for piece in pieces:
            for record, _ in piece:
                if record.type in self._folds.of:
                    folding.fold(record)
        return folding.prepared()

    def prepare_around(self, batch: Batch) -> Write:
        return self.prepare([batch])

    def set_aside(self, record: Any, error: Exception) -> Write | None:
        del record, error
        return None


def empty_views(engine: Engine) -> None:
    """Nothing is projected, and nobody stands anywhere on the log."""
    names = ", ".join(
        f"projection.{table.name}" for table in metadata.sorted_tables if table.schema == "projection"
    )
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {names}"))
