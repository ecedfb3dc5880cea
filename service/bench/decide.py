"""How many requests a second one decider process decides, with everything on."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, text

from events.ids import partition_of
from events.log import Log
from events.topic_specs import topic_specs
from events.topics import Topics
from service.bench.timing import Timer
from service.bench.workload import lives
from service.decider.owner import AT_MOST, OwnerSettings
from service.decider.process import Decider

__all__ = ["BATCH", "PARTITIONS", "decide", "fill"]

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
    """Requests decided a second, from the first partition taken over to the last outcome saved."""
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
    _wait(
        timer,
        lambda: any(owner.is_seated for owner in list(decider.owners.values())),
        "no partition was taken over",
    )
    timer.begin()  # as the floor does once it is connected
    _wait(timer, lambda: _decided(decider) >= requests, f"{requests} requests were not decided")
    found = timer.per(requests)
    stop.set()
    thread.join()
    return found | _counts(engine)


def _decided(decider: Decider) -> int:
    return sum(owner.decided for owner in list(decider.owners.values()))


def _wait(timer: Timer, is_so: Callable[[], bool], otherwise: str) -> None:
    while not is_so():
        time.sleep(0.01)
        if timer.seconds() > LIMIT_S:
            raise TimeoutError(f"{otherwise} within {LIMIT_S} s")


def _counts(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        outcomes, refused = connection.execute(
            text("SELECT count(*), count(refusal) FROM decider.outcome")
        ).one()
        subjects = connection.execute(text("SELECT count(*) FROM decider.snapshot")).scalar_one()
    return {"outcomes": outcomes, "refused": refused, "subjects": subjects}
