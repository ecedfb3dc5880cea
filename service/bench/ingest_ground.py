"""What the parts of the ingest bench stand on: one fresh site, its client, folders, and how a batch is timed."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from events.stream import StreamConfiguration
from service.bench.awaiting import await_files, await_inbox
from service.bench.memory_watch import watching
from service.bench.processor_watch import ProcessorWatch
from service.client import Asked, Client
from service.settings import Settings
from service.streams import bring_in_force
from service.wiring import Wiring

__all__ = ["Batch", "Ground", "Order", "clear", "land"]

LIMIT_S = 1800.0
LOOK_S = 0.1
TRIES = 5


@dataclass(frozen=True, slots=True)
class Order:
    """How much of what: small numbers run in seconds. ``hostile``: a folder of bad files with ``expected.json``."""

    times: int = 3
    files: int = 1000
    file_bytes: int = 2_000_000
    romans: int = 20
    roman_side: int = 4088
    hostile: Path | None = None
    sensor_bytes: int = 20_000_000
    within_s: float = 7.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of one batch: seconds until the last file was COMPLETE; memory (MB) and CPU time by process."""

    seconds: float
    rss_mb: dict[str, int]
    died: tuple[str, ...] = ()
    cpu_s: dict[str, float] = field(default_factory=dict)


@dataclass
class Ground:
    """One site for all parts; each part has streams and folders of its own."""

    client: Client
    folder: Path
    progress: Callable[[str], None]
    counted: dict[str, int] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    """Senders whose inboxes are known to be read."""

    @property
    def wiring(self) -> Wiring:
        """The site's servers."""
        return self.client.wiring

    @property
    def settings(self) -> Settings:
        """The site's settings."""
        return self.client.wiring.settings

    def place(self, name: str) -> Path:
        """A folder that is there."""
        found = self.folder / name
        found.mkdir(parents=True, exist_ok=True)
        return found

    def open_stream(self, stream: StreamConfiguration) -> None:
        """Configure and enable it; return once what its senders say is taken in."""
        self._insist(stream)
        senders = [*stream.senders, *([f"folder-{stream.stream}"] if stream.watch_folders else [])]
        for sender in sorted({*senders} - self.heard):
            await_inbox(self.client, sender)
            self.heard.add(sender)

    def _insist(self, stream: StreamConfiguration) -> None:
        """A site that has just come up on a busy machine may be too late with an answer; then it is asked again."""
        found: list[Asked] = []
        for _ in range(TRIES):
            found = bring_in_force(self.client, [stream], enable=True)
            if all(each.outcome is not None and each.outcome.tostate == "Enabled" for each in found):
                return
        raise RuntimeError(
            f"{stream.stream}: asked {TRIES} times to be enabled, found {found[-1:]}, wanted Enabled; "
            "the logs of the site's roles say why"
        )

    def timed(self, stream: str, count: int, begin: Callable[[], object]) -> Batch:
        """Set a batch of ``count`` files going and wait until all of them are COMPLETE."""
        wanted = self.counted[stream] = self.counted.get(stream, 0) + count
        with watching(self.settings) as watch:
            processor = ProcessorWatch(self.settings)
            began = time.monotonic()
            begin()
            seconds = await_files(
                self.client, stream, "state = 'COMPLETE'", wanted, began, limit_s=LIMIT_S, look_s=LOOK_S
            )
            spent_s = processor.spent_s()
            watch.look()
        return Batch(seconds, watch.peak_mb, watch.died(), spent_s)

    def stages(self, stream: str) -> dict[str, dict[str, float]]:
        """Per fact in the lives of a stream's files: seconds since the fact before, median and 95th percentile."""
        with self.client.engine.connect() as connection:
            rows = connection.execute(_STAGES, {"prefix": f"{stream}/"}).all()
        return {row.type: {"p50_s": round(row.p50, 4), "p95_s": round(row.p95, 4)} for row in rows}

    def usage(self, stream: str) -> dict[str, Any]:
        """Of a stream's readers: the longest wall clock, and the most memory, in MB."""
        with self.client.engine.connect() as connection:
            row = connection.execute(_USAGE, {"prefix": f"{stream}/"}).one()
        return {"reader_longest_s": row.longest, "reader_rss_mb": row.rss_mb}


def land(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Move files in at once, as a finished copy is moved in by whoever sends it."""
    landed = []
    for path in paths:
        target = folder / path.name
        path.rename(target)
        landed.append(target)
    return landed


def clear(folder: Path) -> None:
    """Remove all that is in a folder."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


_STAGES = text("""
    SELECT type, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95
    FROM (
        SELECT type,
            CAST(extract(epoch FROM time - lag(time) OVER (PARTITION BY subject ORDER BY sequence)) AS float) AS seconds
        FROM v1.ledger WHERE machine = 'file' AND starts_with(subject, :prefix) AND NOT is_refusal
    ) AS steps WHERE seconds IS NOT NULL GROUP BY type ORDER BY type
""")

_USAGE = text("""
    SELECT max(CAST(data #>> '{usage,wall_s}' AS float)) AS longest,
           CAST(max(CAST(data #>> '{usage,peak_rss_bytes}' AS float)) / 1e6 AS int) AS rss_mb
    FROM v1.ledger WHERE machine = 'file' AND starts_with(subject, :prefix)
        AND type IN ('file.validated', 'file.rejected', 'file.failed')
""")
