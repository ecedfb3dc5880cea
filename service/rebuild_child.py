"""One share of a rebuild in a process of its own: ``python -m service.rebuild_child``, told on its standard input.

It is given a ledger to read and tables to fill, and nothing else: no object store, no settings. The end of its
standard input means that whoever asked for it is gone, and it stops.
"""

import json
import logging
import sys
import threading
from contextlib import suppress
from datetime import datetime
from typing import Any

from events.kafka_log import KafkaLog
from events.parentage import stop_with_parent
from events.topics import Topics
from projectors.database import make_engine
from projectors.halt import FollowerError
from projectors.read_models import beside
from projectors.rebuild_fill import Filling
from service.collecting import collect_seldom, keep_freed
from service.peak_memory import peak_rss_mb

__all__ = ["main"]

_TELL_EVERY = 10_000


def main() -> int:
    """Fill what the order says; tells how many records it has read, and at last its memory or what stopped it."""
    logging.basicConfig(level=logging.WARNING)
    collect_seldom()
    keep_freed()
    order = json.loads(sys.stdin.readline())
    stop = threading.Event()
    stop_with_parent(stop)
    logs = KafkaLog(order["kafka"], client_id="meridian-replay")
    engine = make_engine(order["database"], "meridian-replay", pool_size=4)
    filling = _filling(order, logs, engine)
    told = 0

    def tell(records: int) -> None:
        nonlocal told
        if records - told >= _TELL_EVERY:
            told = records
            _say(records=records)

    try:
        filling.run(stop, tell)
    except FollowerError as error:
        _say(records=filling.records, failed=str(error))
        return 1
    except Exception as error:  # noqa: BLE001 - told to whoever asked for it, and the process ends
        _say(records=filling.records, failed=f"{type(error).__name__}: {error}")
        return 1
    _say(records=filling.records, rss_mb=peak_rss_mb())
    logs.close()
    engine.dispose()
    return 0


def _filling(order: dict[str, Any], logs: KafkaLog, engine: Any) -> Filling:
    until = order["until"]
    return Filling(
        log=logs,
        topics=Topics(order["site"]),
        engine=engine,
        models=beside(order["schema"], order["tables"]),
        ends={(machine, partition): end for machine, partition, end in order["ends"]},
        partitions=order["partitions"],
        until=None if until is None else datetime.fromisoformat(until),
    )


def _say(**members: object) -> None:
    with suppress(BrokenPipeError):  # whoever asked is gone
        print(json.dumps(members), flush=True)


if __name__ == "__main__":
    sys.exit(main())
