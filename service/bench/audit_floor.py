"""The audit's floor: ledger and requests read by the audit's own client, decoded and hashed, and nothing checked.

As many processes as the audit has, started as it starts its own: ``python -m service.bench.audit_floor``.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import orjson

from service.audit.kafka_reader import KafkaReader
from service.audit.reach import Place
from service.audit.topology import Topology
from service.collecting import collect_seldom, keep_freed
from service.settings import PROJECT

__all__ = ["audit_floor", "shares"]

Range = tuple[str, int, int, int, bool]
"""Topic, partition, its first offset and its end, and whether it is a ledger: of requests nothing is decoded."""


def audit_floor(kafka: str, site: str) -> dict[str, Any]:
    """Records a second, start-up included, and processor time of each in µs, of all processes together."""
    began, processes = time.perf_counter(), len(os.sched_getaffinity(0))
    parts = [_started(kafka, share) for share in shares(_ranges(kafka, site), processes)]
    told = [json.loads(part.communicate()[0]) for part in parts]
    seconds, records = time.perf_counter() - began, sum(each["records"] for each in told)
    cpu_us = round(sum(each["cpu_s"] for each in told) / max(1, records) * 1_000_000, 1)
    return {"rate": records / seconds, "records": records, "seconds": round(seconds, 3), "cpu_us": cpu_us}


def shares(ranges: Sequence[Range], processes: int) -> list[list[Range]]:
    """Dealt out so that each has as many ledgers as the next, and the requests that belong to them."""
    dealt: list[list[Range]] = [[] for _ in range(processes)]
    for each in ranges:
        dealt[each[1] % processes].append(each)
    return dealt


def _ranges(kafka: str, site: str) -> list[Range]:
    reader = KafkaReader(kafka)
    topology = Topology.found(reader, site)
    ledgers, requests = topology.ledgers, topology.requests
    begins, ends = reader.beginnings([*ledgers, *requests]), reader.ends([*ledgers, *requests])
    return [(*place, begins[place], ends[place], place in ledgers) for place in (*ledgers, *requests)]


def _started(kafka: str, share: Sequence[Range]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "service.bench.audit_floor"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "MALLOC_ARENA_MAX": "2"}
    part = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert part.stdin is not None  # noqa: S101 - it is a pipe
    part.stdin.write(json.dumps({"kafka": kafka, "share": share}).encode() + b"\n")
    part.stdin.flush()
    return part


def _run(kafka: str, share: Sequence[Range]) -> Iterator[int]:
    """How many records each batch had."""
    reader = KafkaReader(kafka)
    for topic, partition, begin, end, is_ledger in share:
        for batch in reader.read({Place(topic, partition): (begin, end)}):
            values = [message.value() for message in batch]
            if is_ledger:
                for value in values:
                    orjson.loads(value)
                    sha256(value).hexdigest()
                yield len(values)


if __name__ == "__main__":
    collect_seldom()
    keep_freed()
    order = json.loads(sys.stdin.readline())
    records = sum(_run(order["kafka"], order["share"]))
    print(json.dumps({"records": records, "cpu_s": time.process_time()}), flush=True)
