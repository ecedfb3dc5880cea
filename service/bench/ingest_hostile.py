"""Good files beside hostile ones: what the bad cost the good, and whether each bad one ends in its code."""

import json
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from consumers.drafts import STRUCTURED
from events.stream import RetryPolicy, StreamConfiguration
from service.bench.awaiting import await_files
from service.bench.figure import Figure
from service.bench.ingest_ground import LOOK_S, Batch, Ground, Order, clear, land
from service.bench.ingest_made import make_frames

__all__ = ["Bad", "NoCorpusError", "by_stream", "hostile", "read_corpus", "wrongly_ended"]

SENDER, GOOD = "bench-hostile", "bench-beside"
EXPECTED = "expected.json"
PATIENCE_S = 60.0
"""For the bad files, once the good ones beside them are COMPLETE."""
ENDED = "state IN ('COMPLETE', 'INVALID', 'ERROR', 'DISMISSED')"


class NoCorpusError(ValueError):
    """The folder is no corpus; the message says what was wanted."""


@dataclass(frozen=True, slots=True)
class Bad:
    """One file of the corpus: how its stream reads it, and the code it is to end in; None: COMPLETE."""

    path: Path
    format: str
    code: str | None
    settings: dict[str, Any]
    checks: tuple[str, ...] = ()

    @property
    def way(self) -> str:
        """Files of one way may be read by one stream."""
        return json.dumps([self.format, self.settings, self.checks], sort_keys=True)


def read_corpus(folder: Path) -> list[Bad]:
    """The files that ``expected.json`` names: objects with file, format, code, and perhaps settings and checks."""
    manifest = folder / EXPECTED
    if not manifest.is_file():
        raise NoCorpusError(f"{folder}: found no {EXPECTED}, wanted a list of file, format and code there")
    found = [
        Bad(
            folder / each["file"],
            each["format"],
            each.get("code"),
            each.get("settings") or {},
            tuple(each.get("checks") or ()),
        )
        for each in json.loads(manifest.read_text())
    ]
    missing = [bad.path.name for bad in found if not bad.path.is_file()]
    if missing or not found:
        raise NoCorpusError(
            f"{folder}: {EXPECTED} names {len(found)} files, {len(missing)} of them not there"
        )
    return found


def hostile(ground: Ground, order: Order) -> list[Figure]:
    """Frames alone, then as many with the corpus announced beside them, in turns."""
    if order.hostile is None:
        raise NoCorpusError("the part hostile needs a folder of hostile files; name it with --hostile")
    corpus = read_corpus(order.hostile)
    landing, made = ground.place("beside"), ground.place("made")
    ground.open_stream(StreamConfiguration(stream=GOOD, watch_folders=(str(landing),), format="fits"))
    alone, beside = list[Batch](), list[Batch]()
    wrong, streams = list[dict[str, Any]](), list[str]()
    for turn in range(1, order.times + 1):
        for with_bad, runs in ((False, alone), (True, beside)):
            number = 100 + 2 * turn + with_bad
            paths = make_frames(made, turn=number, count=order.files, size_bytes=order.file_bytes)
            opened = _open(ground, corpus, order.hostile, turn) if with_bad else {}

            def begin(paths: list[Path] = paths, opened: dict[str, list[Bad]] = opened) -> None:
                _announce(ground, opened)
                land(paths, landing)

            runs.append(ground.timed(GOOD, len(paths), begin))
            wrong += _ended(ground, opened)
            streams += opened
            clear(landing)
        ground.progress(
            f"good files: {beside[-1].seconds:.2f} s beside bad ones, {alone[-1].seconds:.2f} s alone"
        )
    notes = {
        "files": order.files,
        "hostile_files": len(corpus),
        "goal_at_most": 1.2,
        "wrongly_ended": wrong,
        "cpu_s": {"alone": alone[-1].cpu_s, "beside": beside[-1].cpu_s},
        "died": sorted({name for each in (*alone, *beside) for name in each.died}),
        **_worst(ground, streams),
    }
    floor = "the same number of good files alone"
    return [Figure("good files beside hostile ones", "s", _seconds(beside), floor, _seconds(alone), notes)]


def wrongly_ended(corpus: list[Bad], ends: dict[str, tuple[str, str | None]]) -> list[dict[str, Any]]:
    """Files that ended in another state or code than they were to, or have not ended."""
    found = []
    for bad in corpus:
        state, code = ends.get(bad.path.name, ("none", None))
        is_right = (
            state == "COMPLETE" if bad.code is None else (state in {"INVALID", "ERROR"} and code == bad.code)
        )
        if not is_right:
            found.append({"file": bad.path.name, "wanted": bad.code, "state": state, "code": code})
    return found


def by_stream(corpus: list[Bad]) -> list[list[Bad]]:
    """Files that one stream can take: read in one way, and no two of one name, which would be one file's versions."""
    streams: dict[tuple[str, int], list[Bad]] = {}
    met = Counter[tuple[str, str]]()
    for bad in corpus:
        streams.setdefault((bad.way, met[bad.way, bad.path.name]), []).append(bad)
        met[bad.way, bad.path.name] += 1
    return list(streams.values())


def _open(ground: Ground, corpus: list[Bad], folder: Path, turn: int) -> dict[str, list[Bad]]:
    """Streams of this turn; the same names in a new stream are new files."""
    opened = {}
    for number, bads in enumerate(by_stream(corpus)):
        stream = StreamConfiguration(
            stream=f"hostile-{turn}-{number}",
            senders=(SENDER,),
            roots=(f"{folder.resolve().as_uri()}/",),
            format=bads[0].format,
            name_pattern=r"[^/]+",
            strip_suffix=False,
            settings=bads[0].settings,
            checks=bads[0].checks,
            retry=RetryPolicy(tries=1, first_s=0.5),
        )
        ground.open_stream(stream)
        opened[stream.stream] = bads
    return opened


def _announce(ground: Ground, opened: dict[str, list[Bad]]) -> None:
    messages = [
        (None, json.dumps(_event(stream, bad)).encode(), STRUCTURED)
        for stream, bads in opened.items()
        for bad in bads
    ]
    if messages:
        ground.client.publish(SENDER, messages)


def _event(stream: str, bad: Bad) -> dict[str, Any]:
    told = {"stream": stream, "uri": bad.path.resolve().as_uri(), "size_bytes": bad.path.stat().st_size}
    return {"specversion": "1.0", "id": str(uuid4()), "source": SENDER, "type": "file.arrived", "data": told}


def _ended(ground: Ground, opened: dict[str, list[Bad]]) -> list[dict[str, Any]]:
    wrong = []
    for stream, bads in opened.items():
        with suppress(TimeoutError):  # whatever has not ended by then is among the wrong ones
            began = time.monotonic()
            await_files(ground.client, stream, ENDED, len(bads), began, limit_s=PATIENCE_S, look_s=LOOK_S)
        with ground.client.engine.connect() as connection:
            rows = connection.execute(_ENDS, {"stream": stream}).all()
        wrong += wrongly_ended(bads, {row.name: (row.state, row.code) for row in rows})
    return wrong


def _worst(ground: Ground, streams: list[str]) -> dict[str, Any]:
    found = [ground.usage(stream) for stream in streams]
    return {
        name: max((each[name] or 0 for each in found), default=0)
        for name in ("reader_longest_s", "reader_rss_mb")
    }


def _seconds(batches: list[Batch]) -> tuple[float, ...]:
    return tuple(round(each.seconds, 3) for each in batches)


_ENDS = text("SELECT name, state, code FROM v1.file WHERE stream = :stream")
