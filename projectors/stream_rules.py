"""The streams' configurations in force, as intake and the watched folders go by them: read, and followed."""

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from events.stream import StreamConfiguration
from projectors.listening import listening

__all__ = ["CHANNEL", "LiveRules", "RulesUnavailableError", "StreamRule", "read_rules"]

log = logging.getLogger(__name__)

CHANNEL = "meridian_stream"
"""Whoever writes the rows of streams notifies here."""

_ROWS = text(
    "SELECT stream, state, held, configuration_version, configuration FROM v1.stream WHERE configuration IS NOT NULL"
)

_BEHIND = text("""
    SELECT w.partition, coalesce(p.next_offset, 0) AS projected, w.next_offset AS decided
    FROM decider.watermark w LEFT JOIN projection.position p
    ON p.follower = 'projector' AND p.machine = w.machine AND p.partition = w.partition
    WHERE w.machine = 'stream' AND coalesce(p.next_offset, 0) < w.next_offset
""")


class RulesUnavailableError(Exception):
    """The rules can't be read now, or what is known of them is too old to go by; later may work."""


class _BehindError(RulesUnavailableError):
    """The views lack facts of streams that have been decided."""


@dataclass(frozen=True, slots=True)
class StreamRule:
    """One stream as it stands: its commandable state, and its configuration with the version that is in force."""

    stream: str
    state: str
    held: bool
    version: int
    configuration: StreamConfiguration

    @property
    def is_offline(self) -> bool:
        """Silence is expected of it."""
        return self.state.casefold() == "offline"

    @property
    def folder_sender(self) -> str:
        """The sender as whom its watched folders announce."""
        return f"folder-{self.stream}"

    @property
    def senders(self) -> frozenset[str]:
        """Who may announce its files."""
        own = {self.folder_sender} if self.configuration.watch_folders else set()
        return frozenset(self.configuration.senders) | own

    @property
    def roots(self) -> tuple[str, ...]:
        """URI prefixes under which its files lie; a watched folder is one without being named twice."""
        return self.configuration.roots + tuple(
            PurePosixPath(folder).as_uri()
            for folder in self.configuration.watch_folders
            if folder.startswith("/")
        )


def read_rules(connection: Connection) -> dict[str, StreamRule]:
    """All configured streams. A configuration that today's code can't read is left out and logged."""
    rules = {}
    for row in connection.execute(_ROWS):
        try:
            configuration = StreamConfiguration.model_validate(row.configuration)
        except ValidationError:
            log.exception("stream configuration unreadable", extra={"stream": row.stream})
            continue
        rules[row.stream] = StreamRule(
            row.stream, row.state, row.held, row.configuration_version, configuration
        )
    return rules


class LiveRules:
    """The rules, kept fresh in the background by ``follow``; safe to read from any thread."""

    def __init__(self, engine: Engine, *, refresh_s: float = 5.0, stale_after_s: float = 60.0) -> None:
        self._engine = engine
        self._refresh_s = refresh_s
        self._stale_after_s = stale_after_s
        self._rules: Mapping[str, StreamRule] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()
        self.changed = threading.Event()
        """Set whenever a refresh has found other rules than before; whoever waits clears it."""

    def current(self) -> Mapping[str, StreamRule]:
        """The rules as last read; reads them if that is too long ago. Raises RulesUnavailableError."""
        if time.monotonic() - self._read_at > self._stale_after_s:
            try:
                return self.refresh()
            except _BehindError:
                if not self._rules:
                    raise
        return self._rules

    def refresh(self) -> Mapping[str, StreamRule]:
        """The rules as they stand now. Raises RulesUnavailableError, also where the views lack some of their facts:
        nobody is to be refused by views that are being made anew.
        """
        with self._lock:
            try:
                with self._engine.connect() as connection:
                    behind = connection.execute(_BEHIND).first()
                    rules = read_rules(connection)
            except SQLAlchemyError as error:
                said = getattr(error, "orig", None) or error
                raise RulesUnavailableError(f"stream rules: the database does not answer: {said}") from error
            if behind is not None:
                raise _BehindError(
                    f"stream rules: the views have read stream/{behind.partition} up to {behind.projected}, wanted "
                    f"{behind.decided}; wait until the projector has caught up: meridian status"
                )
            if rules != self._rules:
                self._rules = rules
                self.changed.set()
            self._read_at = time.monotonic()
            return rules

    def follow(self, stop: threading.Event) -> None:
        """Refresh at each notice and every few seconds, until ``stop``; outlives outages of the database."""
        is_away = False
        while not stop.is_set():
            try:
                self._listen(stop)
            except (RulesUnavailableError, SQLAlchemyError, OSError) as error:
                # Said at the beginning of an outage only; each attempt that got through ends it.
                if not is_away or time.monotonic() - self._read_at < self._refresh_s:
                    log.warning("stream rules not read", extra={"error": str(error)})
                is_away = True
                stop.wait(1.0)

    def _listen(self, stop: threading.Event) -> None:
        with listening(self._engine, CHANNEL) as notices:
            while not stop.is_set():
                with suppress(_BehindError):  # what was read before holds until then
                    self.refresh()
                until = time.monotonic() + self._refresh_s
                while not stop.is_set() and time.monotonic() < until and notices.wait(0.5) is None:
                    pass
