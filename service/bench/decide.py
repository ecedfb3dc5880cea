"""How many requests a second one decider process decides, with everything on; and its floor, which decides nothing."""

import logging
import threading
import time
from typing import Any

from sqlalchemy import Engine, text

from events.ids import partition_of
from events.log import Log, Place
from events.topic_specs import topic_specs
from events.topics import Topics
from service.bench.timing import Timer
from service.bench.workload import lives
from service.decider.owner import AT_MOST, OwnerSettings
from service.decider.process import Decider

__all__ = ["PARTITIONS", "decide", "fill", "floor"]

log = logging.getLogger(__name__)

PARTITIONS = 4
BATCH = AT_MOST
LIMIT_S = 600.0


def fill(logs: Log, topics: Topics, *, files: int, seed: int) -> int:
    """Put the workload on the requests topic; how many requests it has."""
    logs.ensure(topic_specs(topics, {"file": PARTITIONS}, ()))
    writer, count = logs.writer(), 0
    for subject, value in lives(files, seed=seed):
        partition = partition_of(subject, PARTITIONS)
        writer.send(topics.requests("file"), key=subject.encode(), value=value, partition=partition)
        count += 1
    writer.flush(120.0)
    writer.close()
    return count


def decide(logs: Log, engine: Engine, topics: Topics, *, requests: int) -> dict[str, Any]:
    """Requests decided a second, from the first take-over to the last outcome saved."""
    stop = threading.Event()
    timer = Timer()
    decider = Decider(
        logs=logs,
        engine=engine,
        topics=topics,
        partitions={"file": PARTITIONS},
        settings=OwnerSettings(batch=BATCH),
        owner="bench",
    )
    thread = threading.Thread(target=decider.run, args=(stop,), daemon=True)
    thread.start()
    while sum(owner.decided for owner in decider.owners.values()) < requests:
        time.sleep(0.02)
        if timer.seconds() > LIMIT_S:
            raise TimeoutError(f"{requests} requests were not decided within {LIMIT_S} s")
    found = timer.per(requests)
    stop.set()
    thread.join()
    return found | _counts(engine)


def floor(logs: Log, topics: Topics, *, requests: int, name: str) -> dict[str, Any]:
    """The same requests read and written again in transactions of the same size, offsets included."""
    out = Topics(f"{topics.site}-{name}")
    logs.ensure(topic_specs(out, {"file": PARTITIONS}, ()))
    places = [Place(topics.requests("file"), number) for number in range(PARTITIONS)]
    writer, reader = logs.transactional(f"floor-{name}"), logs.reader(committed=True)
    reader.assign(dict.fromkeys(places, 0))
    timer, seen = Timer(), 0
    while seen < requests:
        for place, messages in reader.poll(at_most=BATCH, timeout_s=0.5).items():
            writer.begin()
            for message in messages:
                value = message.value or b""
                writer.send(out.events("file"), key=message.key, value=value, partition=place.partition)
            writer.commit({place: messages[-1].offset + 1}, group=f"floor-{name}")
            seen += len(messages)
    found = timer.per(requests)
    reader.close()
    writer.close()
    return found


def _counts(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        outcomes, refused = connection.execute(
            text("SELECT count(*), count(refusal) FROM decider.outcome")
        ).one()
        subjects = connection.execute(text("SELECT count(*) FROM decider.snapshot")).scalar_one()
    return {"outcomes": outcomes, "refused": refused, "subjects": subjects}
