"""The four parts of the ingest bench: frames from a folder, full-size images, an exposure, good files beside bad."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

from events.stream import StreamConfiguration
from service.bench.figure import Figure, Floor
from service.bench.ingest_floor import FLOOR, TUNED, Source, floor_seconds
from service.bench.ingest_ground import Batch, Ground, Order, clear, land
from service.bench.ingest_made import make_frames, make_romans
from service.demo.exposure import BUCKET, Exposure, make_exposure
from service.demo.streams import demo_streams, exposure_stream

__all__ = ["exposures", "frames", "romans"]

WARM_UP = 12
"""Files before the first turn: a night's first ones wait for libraries."""

AT_ONCE = 10
"""Notifications that the store sends in one go."""


def frames(ground: Ground, order: Order) -> list[Figure]:
    """So many frames, moved into a watched folder at once, until all are COMPLETE."""
    landing, made = ground.place("frames"), ground.place("made")
    stream = StreamConfiguration(stream="bench-frames", watch_folders=(str(landing),), format="fits")
    ground.open_stream(stream)
    _warm_up(
        ground, stream.stream, make_frames(made, turn=0, count=WARM_UP, size_bytes=order.file_bytes), landing
    )
    ours, theirs, tuned = [], [], []
    for turn in range(1, order.times + 1):
        paths = make_frames(made, turn=turn, count=order.files, size_bytes=order.file_bytes)
        sources = [Source(str(path)) for path in paths]
        theirs.append(floor_seconds(ground.wiring, sources, is_tuned=False))
        tuned.append(floor_seconds(ground.wiring, sources, is_tuned=True))
        ours.append(ground.timed(stream.stream, len(paths), partial(land, paths, landing)))
        clear(landing)
        beside = f", tuned floor {tuned[-1]:.2f} s, ratio {ours[-1].seconds / tuned[-1]:.2f}"
        _tell(ground, f"{len(paths)} frames", ours[-1], theirs[-1], beside)
    notes = {
        "files": order.files,
        "file_bytes": order.file_bytes,
        "goal_at_most": 1.5,
        "files_a_second": round(order.files / median(each.seconds for each in ours), 1),
        **_seen(ours),
        "stages": ground.stages(stream.stream),
    }
    name = f"{order.files} frames from a folder to COMPLETE"
    stricter = Floor(TUNED, tuple(tuned))
    return [Figure(name, "s", _seconds(ours), FLOOR, tuple(theirs), notes, stricter=stricter)]


def romans(ground: Ground, order: Order) -> list[Figure]:
    """So many full-size images of the Wide Field Instrument, moved into a watched folder at once."""
    landing, made = ground.place("romans"), ground.place("made")
    template, *_ = demo_streams(ground.folder)
    told = {"stream": "bench-romans", "senders": (), "roots": (), "watch_folders": (str(landing),)}
    stream = template.model_copy(update=told)
    ground.open_stream(stream)
    _warm_up(ground, stream.stream, make_romans(made, turn=90, count=2, side=128), landing)
    ours, theirs, sizes = [], [], []
    for turn in range(1, order.times + 1):
        paths = make_romans(made, turn=turn, count=order.romans, side=order.roman_side)
        sizes.append(sum(path.stat().st_size for path in paths) / 1e6)
        theirs.append(floor_seconds(ground.wiring, [Source(str(path)) for path in paths], is_tuned=True))
        ours.append(ground.timed(stream.stream, len(paths), partial(land, paths, landing)))
        clear(landing)
        _tell(ground, f"{len(paths)} images", ours[-1], theirs[-1])
    notes = {
        "files": order.romans,
        "file_mb": round(sizes[0] / order.romans, 1),
        "goal_at_least": 0.7,
        "goal_rss_mb": 700,
        **_seen(ours),
        **ground.usage(stream.stream),
    }
    rates = tuple(size / each.seconds for size, each in zip(sizes, ours, strict=True))
    floors = tuple(size / each for size, each in zip(sizes, theirs, strict=True))
    return [Figure("full-size images to COMPLETE", "MB/s", rates, TUNED, floors, notes)]


def exposures(ground: Ground, order: Order) -> list[Figure]:
    """An exposure of Rubin's camera, its 410 files announced by the store in ``within_s``."""
    made = ground.place("exposures")
    storage = ground.wiring.storage()
    stream = exposure_stream(BUCKET)
    storage.ensure_bucket(BUCKET)
    ground.open_stream(stream)
    ours, theirs, count = [], [], 0
    for turn in range(order.times):
        exposure = make_exposure(made, number=40 + turn, sensor_bytes=order.sensor_bytes)
        exposure.store(storage, threads=2)
        clear(made)
        sources = [Source(f"{exposure.bucket}/{file.key}", is_object=True) for file in exposure.files]
        count = len(sources)
        theirs.append(floor_seconds(ground.wiring, sources, is_tuned=True))
        ours.append(
            ground.timed(
                stream.stream,
                len(exposure.files),
                partial(_announce, ground, exposure, order.within_s),
            )
        )
        _tell(ground, f"exposure of {len(exposure.files)} files", ours[-1], theirs[-1])
    storage.close()
    notes = {
        "files": count,
        "sensor_bytes": order.sensor_bytes,
        "announced_within_s": order.within_s,
        "goal_at_most": 1.5,
        **_seen(ours),
        "stages": ground.stages(stream.stream),
    }
    floor = "one process per core: get + SHA-256 + header + put by our own tuned client, nothing else"
    return [
        Figure(
            "exposure announced by the store, all COMPLETE", "s", _seconds(ours), floor, tuple(theirs), notes
        )
    ]


def _announce(ground: Ground, exposure: Exposure, within_s: float) -> None:
    """All notifications, evenly over the time that the store takes for them."""
    began, told = time.monotonic(), exposure.notifications
    for first in range(0, len(told), AT_ONCE):
        time.sleep(max(0.0, began + within_s * first / len(told) - time.monotonic()))
        batch = told[first : first + AT_ONCE]
        ground.client.publish(exposure.sender, [(None, value, ()) for value in batch])


def _warm_up(ground: Ground, stream: str, paths: Sequence[Path], landing: Path) -> None:
    ground.timed(stream, len(paths), partial(land, paths, landing))
    clear(landing)


def _seconds(batches: Sequence[Batch]) -> tuple[float, ...]:
    return tuple(round(each.seconds, 3) for each in batches)


def _seen(batches: Sequence[Batch]) -> dict[str, object]:
    """The most memory of any turn, which roles died meanwhile, and processor time in the last turn."""
    peak: dict[str, int] = {}
    for each in batches:
        peak |= {name: max(rss, peak.get(name, 0)) for name, rss in each.rss_mb.items()}
    died = sorted({name for each in batches for name in each.died})
    return {"rss_mb": peak, "died": died, "cpu_s": batches[-1].cpu_s}


def _tell(ground: Ground, what: str, batch: Batch, floor_s: float, more: str = "") -> None:
    ratio = batch.seconds / floor_s
    ground.progress(f"{what}: {batch.seconds:.2f} s, floor {floor_s:.2f} s, ratio {ratio:.2f}{more}")
