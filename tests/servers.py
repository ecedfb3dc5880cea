"""Where the tests' servers come from: settings, else containers, else a local stack of this session's own.

Whoever needs the servers first starts them, under a lock; all workers of the session share them; the process that
controls the session stops them at its end.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from service.settings import Settings, load
from service.stack import Endpoints, S3Access, StackError, local
from tests import containers, databases

__all__ = ["ServerSession", "Started"]

VARIABLES = {"kafka": "MERIDIAN_KAFKA", "postgres": "MERIDIAN_DATABASE", "s3": "MERIDIAN_S3_ENDPOINT"}


@dataclass(frozen=True)
class Started:
    """Servers that answer, what was said about their start, and which of them this session may litter."""

    endpoints: Endpoints
    said: tuple[str, ...]
    throwaway: tuple[str, ...]


class ServerSession:
    """One test session's servers, seen from any of its processes; ``folder`` is what these have in common."""

    def __init__(self, folder: Path, *, owner: int) -> None:
        self.folder = folder
        self.owner = owner

    @classmethod
    def begun(cls) -> "ServerSession":
        """A new session, by the process that controls it."""
        return cls(Path(tempfile.mkdtemp(prefix="meridian-tests-")), owner=os.getpid())

    def choice(self) -> str:
        """Where each server comes from, or will."""
        settings = load()
        elsewhere = self._source()
        named = local.local_servers(settings)
        return ", ".join(
            f"{name} from {elsewhere if name in named else VARIABLES[name]}" for name in VARIABLES
        )

    def started(self) -> Started:
        """The servers, started now if nobody did. Raises StackError, the same for every test that asks."""
        with self._locked():
            if not self._note.exists():
                self._write(self._start())
            noted = json.loads(self._note.read_text())
        if "error" in noted:
            raise StackError(f"the tests' servers can't be had: {noted['error']}")
        endpoints = Endpoints(noted["kafka"], noted["database"], S3Access(**noted["s3"]))
        return Started(endpoints, tuple(noted["said"]), tuple(noted["throwaway"]))

    def said(self) -> list[str]:
        """What there is to say about the servers that were started."""
        if not self._note.exists():
            return []
        noted = json.loads(self._note.read_text())
        lines: list[str] = noted.get("said") or [noted["error"]]
        return lines

    def end(self) -> None:
        """Stops what the session started."""
        if self._note.exists():
            with suppress(StackError):  # they could not be had
                started = self.started()
                if "postgres" not in started.throwaway:
                    databases.forget_template(started.endpoints.database, self.folder)
            containers.stop(self.folder)
            local.down(self._settings(), erase=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _note(self) -> Path:
        return self.folder / "servers.json"

    def _settings(self) -> Settings:
        return load(data=self.folder / "stack")

    def _source(self) -> str:
        return "testcontainers" if containers.engine_answers() else "the local stack"

    def _start(self) -> Started | str:
        settings = self._settings()
        needed = local.local_servers(settings)
        said = [f"{name} of {VARIABLES[name]}" for name in VARIABLES if name not in needed]
        try:
            if needed and containers.engine_answers():
                settings = containers.start(settings, needed, self.folder)
                said += [f"{name} in a container" for name in needed]
            self.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)  # PostgreSQL's user passes through
            endpoints = local.up(settings, owner=self.owner, progress=said.append)
        except StackError as error:
            return str(error)
        return Started(endpoints, tuple(said), needed)

    def _write(self, result: Started | str) -> None:
        if isinstance(result, str):
            note: dict[str, object] = {"error": result}
        else:
            found = result.endpoints
            note = {"kafka": found.kafka, "database": found.database, "s3": asdict(found.s3)}
            note |= {"said": result.said, "throwaway": result.throwaway}
        self._note.write_text(json.dumps(note))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
