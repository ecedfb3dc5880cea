"""One measurement in a process of its own, so that its memory is its own: ``python -m service.bench.child``."""

import json
import subprocess
import sys
from typing import Any

from events.kafka_log import KafkaLog
from events.topics import Topics
from projectors.database import make_engine
from service.bench import decide, project
from service.bench.aggregates import change_aggregates
from service.bench.decide_floor import own_log_floor, plain_floor
from service.bench.project_floor import project_floor
from service.bench.unsafe import decide_unsafely
from service.collecting import collect_seldom, keep_freed

__all__ = ["measured"]

SAME_SIZE = {"batch": decide.BATCH, "partitions": decide.PARTITIONS}


def measured(what: str, *, kafka: str, database: str, site: str, count: int) -> dict[str, Any]:
    """Run one measurement in a child: its rate, the processor time of each item, and its notes."""
    order = {"what": what, "kafka": kafka, "database": database, "site": site, "count": count}
    command = [sys.executable, "-m", "service.bench.child"]
    done = subprocess.run(command, input=json.dumps(order).encode(), stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _run(order: dict[str, Any]) -> dict[str, Any]:
    collect_seldom()  # as the roles do
    keep_freed()
    topics, count = Topics(order["site"]), order["count"]
    logs = KafkaLog(order["kafka"], deep=order["what"].startswith("project"))  # as the projector does
    engine = make_engine(order["database"], "meridian-bench", pool_size=10)
    found: dict[str, Any]
    match order["what"]:
        case "decide":
            found = decide.decide(logs, engine, topics, requests=count)
        case "decide-floor":
            found = plain_floor(logs, order["kafka"], topics, requests=count, name="floor", **SAME_SIZE)
        case "decide-floor-on-own-log":
            found = own_log_floor(logs, topics, requests=count, name="floor-on-own-log", **SAME_SIZE)
        case "decide-unsafely":
            found = decide_unsafely(
                logs, topics, requests=count, partitions=decide.PARTITIONS, batch=decide.BATCH
            )
        case "aggregates":
            found = change_aggregates(order["database"], requests=count)
        case "project":
            found = project.project(logs, engine, topics, records=count)
        case "project-one-table":
            found = project.project_one_table(logs, engine, topics, records=count)
        case _:
            found = project_floor(logs, engine, topics, records=count)
    return found


if __name__ == "__main__":
    print(json.dumps(_run(json.loads(sys.stdin.read()))))
