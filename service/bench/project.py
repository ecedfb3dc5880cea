"""How many ledger records a second one projector process projects; and its floor, which folds nothing."""

import io
import resource
import threading
import time
from typing import Any

from sqlalchemy import Connection, Engine, text

from events.envelope import decode_record
from events.log import Log, Place
from events.topics import Topics
from projectors.database import metadata
from projectors.follower import Follower
from projectors.positions import position
from projectors.projector import Projector
from service.bench.decide import PARTITIONS

__all__ = ["floor", "project"]

BATCH = 2000
LIMIT_S = 600.0


def project(logs: Log, engine: Engine, topics: Topics, *, records: int) -> tuple[float, dict[str, Any]]:
    """Records projected a second, from the take-over of the positions to the last batch committed."""
    _empty(engine)
    stop, began = threading.Event(), time.monotonic()
    follower = Follower(
        log=logs,
        topics=topics,
        engine=engine,
        name="bench",
        machines=("file",),
        apply=Projector(),
        positions_table=position,
    )
    thread = threading.Thread(target=follower.run, args=(stop,), daemon=True)
    thread.start()
    while _count(engine) < records:
        time.sleep(0.25)
        if time.monotonic() - began > LIMIT_S:
            raise TimeoutError(f"{records} records were not projected within {LIMIT_S} s")
    seconds = time.monotonic() - began
    stop.set()
    thread.join()
    return records / seconds, {"rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def floor(logs: Log, engine: Engine, topics: Topics, *, records: int) -> float:
    """The same records read, decoded and copied into tables and indexes like those of the views; nothing is folded."""
    places = [Place(topics.events("file"), number) for number in range(PARTITIONS)]
    with engine.begin() as connection:
        _make_floor_tables(connection)
    reader = logs.reader(committed=True)
    reader.assign(dict.fromkeys(places, 0))
    began, seen = time.monotonic(), 0
    while seen < records:
        for messages in reader.poll(at_most=BATCH, timeout_s=0.5).values():
            rows = [(decode_record(each.value), each.value or b"") for each in messages]
            lines = b"".join(
                b"%s\t%s\t%d\t%s\n"
                % (row.id.encode(), row.subject.encode(), row.sequence, value.replace(b"\\", b"\\\\"))
                for row, value in rows
            )
            _copy(engine, lines)
            seen += len(messages)
    seconds = time.monotonic() - began
    reader.close()
    return records / seconds


def _make_floor_tables(connection: Connection) -> None:
    for name in ("floor_record", "floor_row"):
        connection.execute(text(f"DROP TABLE IF EXISTS operations.{name}"))
        connection.execute(
            text(
                f"CREATE TABLE operations.{name} (id uuid, subject text, sequence bigint, body jsonb, "
                "PRIMARY KEY (id), UNIQUE (subject, sequence))"
            )
        )


def _copy(engine: Engine, lines: bytes) -> None:
    connection = engine.raw_connection()
    try:
        cursor: Any = connection.cursor()
        for name in ("floor_record", "floor_row"):
            cursor.copy_expert(f"COPY operations.{name} FROM STDIN", io.BytesIO(lines))
        connection.commit()
    finally:
        connection.close()


def _count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM projection.ledger")).scalar_one())


def _empty(engine: Engine) -> None:
    names = ", ".join(
        f"projection.{table.name}" for table in metadata.sorted_tables if table.schema == "projection"
    )
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {names}"))
