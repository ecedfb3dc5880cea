"""Watched folders: new files are announced by us, as a sender of its own, through the same door as everyone else's."""

import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from consumers.door import Rules
from consumers.folder_files import SETTLE_S, Announced, Found, Settling, files_below, is_ignored, look_at
from events.clock import now
from events.ids import derived_id
from events.inbox import InboxFileArrived
from events.log import Log, LogError, Writer
from events.topic_specs import sender_specs
from events.topics import Topics
from events.types import format_time
from projectors.stream_rules import RulesUnavailableError, StreamRule

__all__ = ["announcement", "run_folders"]

log = logging.getLogger(__name__)

_CATCH_UP_AFTER = timedelta(days=1)
_LOOK_S = 0.5
_SCAN_EVERY_S = 10.0
_SCAN_SHARE = (
    20  # of one core, a scan takes at most a twentieth: a folder of a million files is scanned less often
)
_BATCH = 1000
_FLUSH_S = 5.0  # whoever is told to stop waits no longer; what was not acknowledged is announced again


@dataclass(frozen=True, slots=True)
class _Place:
    stream: str
    sender: str
    folder: Path


def run_folders(
    *,
    kafka: Log,
    topics: Topics,
    rules: Rules,
    data_dir: Path,
    stop: threading.Event,
    settle_s: float = SETTLE_S,
) -> None:
    """Watch the folders of all streams until ``stop``; follows changes of the streams' configurations.

    Keeps under ``data_dir`` what it has announced, so that a restart is quiet. That can be thrown away: announced
    twice, a file is witnessed twice, and nothing is done twice.
    """
    watches: dict[_Place, _Watch] = {}
    writer = _LazyWriter(kafka)
    notice = threading.Event()
    told = False
    try:
        while not stop.is_set():
            notice.clear()
            try:
                _follow(
                    watches,
                    _places(rules.current()),
                    ensure=lambda place: kafka.ensure(sender_specs(topics, place.sender)),
                    make=lambda place: _Watch(place, data_dir, notice=notice, settle_s=settle_s),
                )
                for watch in watches.values():
                    watch.step(writer.opened(), topics)
            except (LogError, RulesUnavailableError) as error:
                writer.close()
                if not told:
                    log.warning("watched folders wait", extra={"error": str(error)})
                told = True
                stop.wait(1.0)
            else:
                told = False
            notice.wait(_LOOK_S)
    finally:
        for watch in watches.values():
            watch.close()
        writer.close()


def announcement(found: Found, *, stream: str, sender: str, at: datetime) -> tuple[bytes, bytes]:
    """Key and value of the event that announces a file: the same file, unchanged, always under the same id."""
    modified_at = datetime.fromtimestamp(found.modified_ns / 1e9, UTC)
    event = InboxFileArrived(
        stream=stream,
        uri=found.uri,
        size_bytes=found.size_bytes,
        modified_at=modified_at,
        catch_up=at - modified_at > _CATCH_UP_AFTER,
    )
    value = {
        "specversion": "1.0",
        "id": derived_id(found.uri, f"{found.size_bytes}\n{found.modified_ns}"),
        "source": sender,
        "type": event.name,
        "time": format_time(at),
        "datacontenttype": "application/json",
        "data": event.wire(),
    }
    return found.uri.encode(), orjson.dumps(value)


class _Watch:
    """One folder: the system's notices for speed, scans so that nothing is missed."""

    def __init__(self, place: _Place, data_dir: Path, *, notice: threading.Event, settle_s: float) -> None:
        self._place = place
        self._notice = notice
        name = derived_id(str(place.folder), "folder")
        self._announced = Announced(data_dir / "folders" / f"{place.stream}-{name[:8]}.sqlite3")
        self._settling = Settling(settle_s=settle_s)
        self._notices: queue.SimpleQueue[tuple[Path, bool]] = queue.SimpleQueue()
        self._observer: BaseObserver | None = None
        self._scan_at = 0.0

    def step(self, writer: Writer, topics: Topics) -> None:
        """Announce what has arrived since the last step; raises LogError, and then announces it again next time."""
        if not self._place.folder.is_dir():
            self._stop_observing()
            return  # not there yet, or not mounted
        self._observe()
        now = time.monotonic()
        self._announce(self._settling.settled(self._noticed(), now), writer, topics)
        if now >= self._scan_at:
            self._announce(self._settling.settled(self._scanned(), now), writer, topics)
            self._scan_at = time.monotonic() + max(_SCAN_EVERY_S, _SCAN_SHARE * (time.monotonic() - now))

    def close(self) -> None:
        """Stop watching."""
        self._stop_observing()
        self._announced.close()

    def _noticed(self) -> Iterable[Found]:
        for _ in range(self._notices.qsize()):
            path, is_closed = self._notices.get_nowait()
            found = None if is_ignored(path, self._place.folder) else look_at(path, is_closed=is_closed)
            if found is not None and not self._announced.has(found):
                yield found
        yield from self._settling.again()

    def _scanned(self) -> Iterable[Found]:
        return (found for found in files_below(self._place.folder) if not self._announced.has(found))

    def _announce(self, arrived: Iterable[Found], writer: Writer, topics: Topics) -> None:
        batch: list[Found] = []
        for found in arrived:
            batch.append(found)
            if len(batch) >= _BATCH:
                self._send(batch, writer, topics)
                batch = []
        if batch:
            self._send(batch, writer, topics)

    def _send(self, batch: list[Found], writer: Writer, topics: Topics) -> None:
        at = now()
        for found in batch:
            key, value = announcement(found, stream=self._place.stream, sender=self._place.sender, at=at)
            writer.send(topics.inbox(self._place.sender), key=key, value=value)
        writer.flush(_FLUSH_S)
        self._announced.add(batch)
        log.info("files announced", extra={"stream": self._place.stream, "files": len(batch)})

    def _observe(self) -> None:
        if self._observer is not None and self._observer.is_alive():
            return
        observer = _observer()
        try:
            observer.schedule(_Notices(self._notices, self._notice), str(self._place.folder), recursive=True)
            observer.start()
        except (
            OSError
        ) as error:  # the system's limit of watches, or a file system without notices: scans do it then
            log.warning(
                "folder not observed, only scanned",
                extra={"folder": str(self._place.folder), "error": str(error)},
            )
        self._observer = observer

    def _stop_observing(self) -> None:
        observer, self._observer = self._observer, None
        if observer is not None and observer.is_alive():
            observer.stop()
            observer.join(2.0)


class _Notices(FileSystemEventHandler):
    """Passes on which files were closed after writing, moved in, or created."""

    def __init__(self, notices: "queue.SimpleQueue[tuple[Path, bool]]", notice: threading.Event) -> None:
        self._notices = notices
        self._notice = notice

    def on_closed(self, event: FileSystemEvent) -> None:
        self._pass_on(event.src_path, is_closed=True)

    def on_moved(self, event: FileSystemEvent) -> None:
        if not event.is_directory and event.dest_path:
            self._pass_on(event.dest_path, is_closed=True)

    def on_created(self, event: FileSystemEvent) -> None:
        # Of a file that is written this is only the first notice; of one that is moved in from elsewhere the only one,
        # where the system does not tell moving from making.
        if not event.is_directory:
            self._pass_on(event.src_path, is_closed=False)

    def _pass_on(self, path: str | bytes, *, is_closed: bool) -> None:
        self._notices.put((Path(os.fsdecode(path)), is_closed))
        self._notice.set()


def _observer() -> BaseObserver:
    """Where the system tells what is moved in from what is made, so are we told: what is moved in has come whole."""
    if sys.platform != "linux":
        return Observer()
    from watchdog.observers.inotify import InotifyObserver

    return InotifyObserver(generate_full_events=True)


class _LazyWriter:
    """A writer made when first needed, and anew after the log was away."""

    def __init__(self, kafka: Log) -> None:
        self._kafka = kafka
        self._writer: Writer | None = None

    def opened(self) -> Writer:
        """The writer; raises LogError."""
        if self._writer is None:
            self._writer = self._kafka.writer()
        return self._writer

    def close(self) -> None:
        """Let go of it."""
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                writer.close()
            except LogError as error:
                log.warning("writer not closed cleanly", extra={"error": str(error)})


def _places(rules: Mapping[str, StreamRule]) -> set[_Place]:
    return {
        _Place(rule.stream, rule.folder_sender, Path(folder))
        for rule in rules.values()
        for folder in rule.configuration.watch_folders
        if folder.startswith("/")
    }


def _follow(
    watches: dict[_Place, _Watch],
    places: set[_Place],
    *,
    ensure: Callable[[_Place], None],
    make: Callable[[_Place], _Watch],
) -> None:
    for place in watches.keys() - places:
        watches.pop(place).close()
    for place in places - watches.keys():
        ensure(place)
        watches[place] = make(place)
