"""The floor of judging programs: one process that judges, produces, consumes and COPYs the same findings."""

import io
import time
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import text

from consumers.effects.judging import verdict_request
from consumers.policies import criteria
from events.envelope import Record
from events.log import Place, Reader, TopicSpec, Writer
from machines.program.criteria import Criteria
from projectors.op_criterion import judged, op_criterion
from service.bench.programs_made import Made
from service.wiring import Wiring

__all__ = ["FLOOR", "floor_seconds"]

FLOOR = "one process: judge + produce acks=all + consume + COPY of the same findings"
BATCH = 500
LIMIT_S = 60.0
TABLE = "operations.bench_criterion"


def floor_seconds(wiring: Wiring, made: Sequence[Made]) -> float:
    """Seconds until every finding of these programs is in a table like that of ``v1.op_criterion``."""
    logs, engine = wiring.log(), wiring.engine()
    place = Place(f"{wiring.topics.site}.floor", 0)
    logs.ensure([TopicSpec(place.topic, 1)])
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE IF EXISTS {TABLE}"))
        like = f"LIKE projection.{op_criterion.table.name} INCLUDING ALL"
        connection.execute(text(f"CREATE TABLE {TABLE} ({like})"))
    raw, writer, reader, rules = engine.raw_connection(), logs.writer(), logs.reader(), (criteria(None),)
    reader.assign({place: reader.end(place)})
    try:
        began = time.perf_counter()
        for first in range(0, len(made), BATCH):
            some = made[first : first + BATCH]
            _produce(writer, place, some, rules)
            _copy(raw, _consumed(reader, place, len(some)))
        return time.perf_counter() - began
    finally:
        writer.close()
        reader.close()
        raw.close()
        engine.dispose()
        logs.close()


def _produce(writer: Writer, place: Place, made: Sequence[Made], rules: Sequence[Criteria]) -> None:
    for each in made:
        request = verdict_request(each.now, [each.dataset], rules)
        value = orjson.dumps({"subject": each.op, "data": None if request is None else request.wire()})
        writer.send(place.topic, key=each.op.encode(), value=value, partition=0)
    writer.flush(LIMIT_S)


def _consumed(reader: Reader, place: Place, count: int) -> list[Record]:
    found: list[Record] = []
    while len(found) < count:
        messages = reader.poll(at_most=count - len(found), timeout_s=LIMIT_S).get(place, [])
        found += [_record(message.value or b"", message.offset) for message in messages]
    return found


def _record(value: bytes, offset: int) -> Record:
    told = {"sequence": offset + 1, "time": "2026-01-01T00:00:00.000Z"}
    return Record.of({**orjson.loads(value), **told})


def _copy(raw: Any, records: Sequence[Record]) -> None:
    rows = [row for record in records for row in judged(record)]
    with raw.cursor() as cursor:
        for copy in op_criterion.copies(rows):
            columns = ", ".join(f'"{name}"' for name in copy.columns)
            body = ("\n".join(copy.lines) + "\n").encode()
            cursor.copy_expert(f"COPY {TABLE} ({columns}) FROM STDIN", io.BytesIO(body), len(body))
    raw.commit()
