"""``meridian bench files``: one file alone, and a Rubin exposure at once, from the announcement to the view."""

import hashlib
import json
import time
from collections.abc import Callable
from math import ceil
from pathlib import Path
from statistics import median
from uuid import uuid4

import psutil

from consumers.drafts import STRUCTURED
from consumers.storage import Storage
from events.stream import StreamConfiguration
from service.bench.about import versions
from service.bench.audited import audited
from service.bench.awaiting import await_files, await_inbox
from service.bench.figure import Figure, Result
from service.bench.own_site import own_site
from service.client import Client
from service.demo.exposure import make_exposure
from service.demo.streams import exposure_stream
from service.settings import Settings
from service.site import children_of
from service.streams import bring_in_force

__all__ = ["bench_files"]

SENDER = "bench"


def bench_files(settings: Settings, *, times: int, progress: Callable[[str], None]) -> Result:
    """``times`` files one after the other, then an exposure of 410 notifications; memory of each role at the end."""
    with own_site(settings, with_roles=True, progress=progress) as wiring:
        client = Client(wiring, actor="bench", reason="bench", source="bench")
        folder = wiring.settings.data / "landing"
        folder.mkdir()
        try:
            alone = _one_by_one(client, folder, times=times)
            progress(
                f"one file alone: median {median(alone.runs):.3f} s over a floor of {median(alone.floor_runs):.3f} s"
            )
            exposure = _exposure(client, folder)
            progress(f"exposure: all QUEUED and visible after {exposure.runs[0]:.3f} s")
            exposure.notes["rss_mb"] = _memory(wiring.settings)
            found = versions(wiring.settings)
            progress("audit")
            audit = audited(wiring, effects=True)
        finally:
            client.close()
    return Result([alone, exposure], found, {"times": times}, [audit])


def _one_by_one(client: Client, folder: Path, *, times: int) -> Figure:
    stream = StreamConfiguration(
        stream="bench", senders=(SENDER,), roots=(f"file://{folder}/",), format="fits"
    )
    bring_in_force(client, [stream], enable=True)
    await_inbox(client, SENDER)
    waited, floors, storage = [], [], client.wiring.storage()  # a new client for each would flatter the floor
    for number in range(times + 2):
        path = folder / f"alone-{number:04d}.fits"
        path.write_bytes(_fits(number))
        floors.append(_floor(storage, client.wiring.bucket, path))
        waited.append(_announced_to_complete(client, path))
    # The first two warm the readers up, as a night's first files do.
    excess = sorted(each - floor for each, floor in zip(waited[2:], floors[2:], strict=True))
    notes = {
        "p50_over_floor_s": round(median(excess), 3),
        "p95_over_floor_s": round(excess[ceil(len(excess) * 0.95) - 1], 3),
    }
    name = "one file announced to COMPLETE and visible"
    return Figure(name, "s", tuple(waited[2:]), "its own read + SHA-256 + put", tuple(floors[2:]), notes)


def _exposure(client: Client, folder: Path) -> Figure:
    exposure = make_exposure(folder / "exposure")
    exposure.store(client.wiring.storage())
    stream = exposure_stream(exposure.bucket)
    bring_in_force(client, [stream], enable=True)
    await_inbox(client, exposure.sender)
    began = time.monotonic()
    client.publish(exposure.sender, [(None, value, ()) for value in exposure.notifications])
    look_s = 0.02  # each look counts all rows, on the processors that are to make them
    visible = await_files(client, stream.stream, "true", len(exposure.files), began, look_s=look_s)
    where = "state = 'COMPLETE'"
    complete = await_files(client, stream.stream, where, len(exposure.files), began, look_s=look_s)
    notes = {"notifications": len(exposure.notifications), "all_complete_s": round(complete, 3)}
    return Figure("exposure announced, all visible", "s", (visible,), "wanted within", (2.0,), notes)


def _announced_to_complete(client: Client, path: Path) -> float:
    told = {"stream": "bench", "uri": path.as_uri(), "size_bytes": path.stat().st_size}
    event = {"specversion": "1.0", "id": str(uuid4()), "source": SENDER, "type": "file.arrived", "data": told}
    began = time.monotonic()
    client.publish(SENDER, [(None, json.dumps(event).encode(), STRUCTURED)])
    return await_files(client, "bench", f"name = '{path.stem}' AND state = 'COMPLETE'", 1, began)


def _floor(storage: Storage, bucket: str, path: Path) -> float:
    began = time.monotonic()
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    storage.put_file(path, bucket=bucket, key=f"floor/{path.name}", sha256=sha256, size_bytes=len(content))
    return time.monotonic() - began


def _fits(number: int) -> bytes:
    cards = {"SIMPLE": "T", "BITPIX": "8", "NAXIS": "1", "NAXIS1": "2000000", "EXPNUM": str(number)}
    header = "".join(f"{name:<8}= {value:>20}{'':50}" for name, value in cards.items()) + "END"
    body = number.to_bytes(8, "big") * 250_000
    return header.ljust(2880).encode() + body + bytes(-len(body) % 2880)


def _memory(settings: Settings) -> dict[str, int]:
    """Resident memory by role, children included, in MB."""
    found = {}
    for child in children_of(settings):
        if child["kind"] == "role" and child["pid"]:
            process = psutil.Process(child["pid"])
            for each in (process, *process.children(recursive=True)):
                name = (
                    child["name"]
                    if each.pid == process.pid
                    else f"{child['name']}: {' '.join(each.cmdline()[-3:])[:60]}"
                )
                found[name] = each.memory_info().rss // 1_000_000
    return found
