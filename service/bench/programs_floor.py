"""The floor of judging programs: one process that judges, produces, consumes and COPYs the same verdicts."""

import io
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid5

import orjson
from sqlalchemy import text

from consumers.effects.judging import verdict_request
from consumers.policies import criteria
from events.envelope import Record
from events.ids import NAMESPACE
from events.log import Place, Reader, TopicSpec, Writer
from machines.program.criteria import Criteria
from projectors.ledger import LEDGER_COLUMNS, ledger, ledger_line
from service.bench.programs_made import Made
from service.wiring import Wiring

__all__ = ["FLOOR", "floor_seconds"]

FLOOR = "one process: judge + produce acks=all + consume + COPY of the same verdicts"
BATCH = 500
LIMIT_S = 60.0
TABLE = "operations.bench_verdict"


def floor_seconds(wiring: Wiring, made: Sequence[Made]) -> float:
    """Seconds until every verdict is in a table like the one from which ``v1.op_criterion`` reads the findings."""
    logs, engine = wiring.log(), wiring.engine()
    place = Place(f"{wiring.topics.site}.floor", 0)
    logs.ensure([TopicSpec(place.topic, 1)])
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE IF EXISTS {TABLE}"))
        connection.execute(text(f"CREATE TABLE {TABLE} (LIKE {ledger.fullname} INCLUDING ALL)"))
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
    records = []
    for each in made:
        request = verdict_request(each.now, [each.dataset], rules)
        told = {"subject": each.op, "data": None if request is None else request.wire()}
        records.append((each.op.encode(), orjson.dumps(told)))
    writer.send_all(place.topic, records).offsets(LIMIT_S)


def _consumed(reader: Reader, place: Place, count: int) -> list[Record]:
    found: list[Record] = []
    while len(found) < count:
        messages = reader.poll(at_most=count - len(found), timeout_s=LIMIT_S).get(place, [])
        found += [_record(message.value or b"", message.offset) for message in messages]
    return found


def _record(value: bytes, offset: int) -> Record:
    number = uuid5(NAMESPACE, str(offset))
    told = {
        "id": str(number),
        "type": "op.judged",
        "time": "2026-01-01T00:00:00.000Z",
        "sequence": 1,
        "fromstate": "Discovered",
        "tostate": "Invertible",
        "actor": "worker",
        "requestid": str(number),
        "requesttopic": "",
        "ownerepoch": 1,
        "chain": "0" * 64,
        "partition": 0,
        "offset": offset,
    }
    return Record(**{**told, **orjson.loads(value)})


def _copy(raw: Any, records: Sequence[Record]) -> None:
    columns = ", ".join(f'"{name}"' for name in LEDGER_COLUMNS)
    body = ("\n".join(map(ledger_line, records)) + "\n").encode()
    with raw.cursor() as cursor:
        cursor.copy_expert(f"COPY {TABLE} ({columns}) FROM STDIN", io.BytesIO(body), len(body))
    raw.commit()
