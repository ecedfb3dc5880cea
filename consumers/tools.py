"""What effects work with: stores, the log, the reader of files, outcomes, a clock; all of it handed in."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Engine

from consumers.arrivals import ArrivalsSeen
from consumers.child import ChildResult
from consumers.decisions import Decisions
from consumers.failures import Wait, from_source
from consumers.formats import Expected
from consumers.held import configuration_of
from consumers.homes import Homes
from consumers.kept_copies import KeptCopies
from consumers.lookups import Lookups
from consumers.portal import Portal
from consumers.sender import Sender
from consumers.sources import open_source
from consumers.storage import Storage
from consumers.storage_errors import StorageError
from events.log import Log
from events.stream import StreamConfiguration
from events.topics import Topics
from projectors.outcome import Outcomes

if TYPE_CHECKING:
    from globus_sdk import TransferClient

__all__ = ["Configurations", "Inspects", "Tools"]


class Inspects(Protocol):
    """Looks into files; ``consumers.child.Inspector`` does it in limited children."""

    @property
    def formats(self) -> Collection[str]:
        """Names of the formats it can read."""

    def inspect(
        self,
        path: Path | str,
        format: str,  # noqa: A002
        expected: Expected,
        *,
        together: str | None = None,
        is_behind: bool = False,
    ) -> ChildResult:
        """Look into one file. Never raises for what is wrong with the file.

        Files with the same word for ``together`` may share a process, as long as they are in order. One that
        ``is_behind`` takes little of the machine.
        """


class Configurations:
    """Streams' configurations by version, remembered: a version never changes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[str, int], StreamConfiguration] = {}
        self._lock = threading.Lock()

    def of(self, stream: str, version: int) -> StreamConfiguration:
        """Exactly the version that a file arrived under; raises Wait where dispatch has not met it yet."""
        with self._lock:
            found = self._known.get((stream, version))
        if found is None:
            with self._engine.connect() as connection:
                found = configuration_of(connection, stream, version)
            if found is None:
                message = (
                    f"configuration {version} of {stream} is not known here yet; dispatch has to read it"
                )
                raise Wait(None, "CONFIGURATION_NOT_SEEN", message)
            with self._lock:
                self._known[stream, version] = found
        return found


@dataclass(frozen=True, slots=True)
class Tools:
    """One set for all threads of a worker. ``bucket`` is the site's; streams may name another."""

    engine: Engine
    log: Log
    topics: Topics
    sender: Sender
    storage: Storage
    inspector: Inspects
    outcomes: Outcomes
    configurations: Configurations
    homes: Homes
    arrivals: ArrivalsSeen
    clock: Callable[[], datetime]
    bucket: str
    staging_dir: Path
    host: str
    worker: str
    software_version: str
    lookups: Lookups = field(default_factory=Lookups)
    globus: "TransferClient | None" = None
    """Where the site is registered as an application of Globus."""

    portal: Callable[[str], Portal] = Portal
    """The metadata store at an address."""

    answer_topics: dict[str, bool] = field(default_factory=dict)
    kept: KeptCopies | None = None
    decisions: Decisions | None = None

    @contextmanager
    def source(
        self, uri: str, configuration: StreamConfiguration, *, sha256: str | None = None
    ) -> Iterator[Path]:
        """A local path with the announced bytes. Raises StorageError; Wait where the source's server is away.

        Of an object that was fetched before, the copy that was kept, if it has ``sha256``.
        """
        if self.kept is not None and sha256 is not None:
            with self.kept.taken(uri, sha256) as kept:
                if kept is not None:
                    yield kept
                    return
        opened = open_source(
            uri,
            source_roots(configuration),
            self.staging_dir,
            storage=self.storage,
            max_bytes=configuration.max_bytes,
        )
        with ExitStack() as stack:
            try:
                path = stack.enter_context(opened)
            except StorageError as error:
                raise from_source(error, configuration.stream) from error
            yield path


def source_roots(configuration: StreamConfiguration) -> tuple[str, ...]:
    """URI prefixes of a stream's files; a watched folder is one without being named twice."""
    folders = (folder for folder in configuration.watch_folders if folder.startswith("/"))
    return configuration.roots + tuple(Path(folder).as_uri() for folder in folders)
