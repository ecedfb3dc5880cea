"""Files of a watched folder: which there are, which are still being written, which have been announced."""

import logging
import os
import sqlite3
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SETTLE_S", "Announced", "Found", "Settling", "files_below", "is_ignored", "look_at"]

log = logging.getLogger(__name__)

SETTLE_S = 3.0
"""A file that nobody closed before our eyes has arrived when it has not changed for this long."""

_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", "~")


@dataclass(frozen=True, slots=True)
class Found:
    """A file as seen: place, size, time of change; ``is_closed``: its writer was seen to close or move it."""

    path: str
    size_bytes: int
    modified_ns: int
    touched_ns: int
    is_closed: bool = False

    @property
    def uri(self) -> str:
        """The place as a ``file://`` URI."""
        return Path(self.path).as_uri()


class Settling:
    """Files seen but perhaps not finished."""

    def __init__(self, *, settle_s: float = SETTLE_S) -> None:
        self._settle_s = settle_s
        self._since: dict[str, tuple[float, Found]] = {}

    def settled(self, found: Iterable[Found], now: float) -> Iterator[Found]:
        """Those that have arrived; the others are kept in mind. ``now``: seconds of a clock that never jumps."""
        for each in found:
            since, before = self._since.pop(each.path, (now, each))
            unchanged = (before.size_bytes, before.touched_ns) == (each.size_bytes, each.touched_ns)
            # A file that was closed empty may be one that is created first and written later.
            if (each.is_closed and each.size_bytes) or _age_s(each) >= self._settle_s:
                yield each
            elif unchanged and now - since >= self._settle_s:
                yield each  # its times lie in the future: the clock of whoever writes goes ahead
            else:
                self._since[each.path] = (since if unchanged else now, each)

    def again(self) -> Iterator[Found]:
        """Another look at those kept in mind."""
        for path in list(self._since):
            found = look_at(Path(path), is_closed=False)
            if found is None:
                del self._since[path]
            else:
                yield found


class Announced:
    """What has been announced, in a small file of its own; losing it means announcing again, and no more.

    A file that is broken is begun anew. One that can't be written, as on a full disk, stops nobody: what was announced
    meanwhile is remembered here, and written down once that can be done.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten: dict[str | bytes, tuple[int, int]] = {}
        self._rows = self._opened()

    def has(self, found: Found) -> bool:
        """It was announced as it is now."""
        name, is_now = _name(found.path), (found.size_bytes, found.modified_ns)
        if self._unwritten.get(name) == is_now:
            return True
        try:
            row = self._rows.execute(_KNOWN, (name,)).fetchone()
        except (
            sqlite3.OperationalError
        ):  # not to be had at this moment; announced once more it is the same event
            return False
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
            return False
        return bool(row == is_now)

    def add(self, batch: Iterable[Found]) -> None:
        """These have been announced."""
        self._unwritten |= {_name(each.path): (each.size_bytes, each.modified_ns) for each in batch}
        try:
            with self._rows:
                rows = [(name, *is_now) for name, is_now in self._unwritten.items()]
                self._rows.executemany("INSERT OR REPLACE INTO announced VALUES (?, ?, ?)", rows)
        except sqlite3.OperationalError as error:  # no room, or no right to write
            extra = {"path": str(self._path), "error": str(error), "files": len(self._unwritten)}
            log.warning("what was announced is not written down yet", extra=extra)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
        else:
            self._unwritten.clear()

    def _opened(self, *, is_anew: bool = False) -> sqlite3.Connection:
        """The file; where there is no room for one, a place in memory."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return _forgetting_what_is_gone(_table(str(self._path)))
        except (OSError, sqlite3.OperationalError) as error:
            log.warning(
                "what is announced is not written down", extra={"path": str(self._path), "error": str(error)}
            )
            return _table(":memory:")
        except sqlite3.DatabaseError as error:
            self._throw_away(error)
            return _table(":memory:") if is_anew else self._opened(is_anew=True)

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        self._rows.close()
        self._throw_away(error)
        self._rows = self._opened()

    def _throw_away(self, error: sqlite3.DatabaseError) -> None:
        log.warning(
            "what was announced can't be read, and is announced again",
            extra={"path": str(self._path), "error": str(error)},
        )
        with suppress(OSError):
            for end in ("", "-wal", "-shm"):
                Path(f"{self._path}{end}").unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        self._rows.close()


_KNOWN = "SELECT size_bytes, modified_ns FROM announced WHERE path = ?"


def _table(path: str) -> sqlite3.Connection:
    rows = sqlite3.connect(path)
    rows.execute("PRAGMA journal_mode = WAL")
    rows.execute("PRAGMA synchronous = NORMAL")
    rows.execute(
        "CREATE TABLE IF NOT EXISTS announced"
        " (path TEXT PRIMARY KEY, size_bytes INTEGER, modified_ns INTEGER) WITHOUT ROWID"
    )
    return rows


def _forgetting_what_is_gone(rows: sqlite3.Connection) -> sqlite3.Connection:
    paths = (path for (path,) in rows.execute("SELECT path FROM announced"))
    gone = [
        (path,) for path in paths if not os.path.lexists(os.fsencode(path) if isinstance(path, str) else path)
    ]
    with rows:
        rows.executemany("DELETE FROM announced WHERE path = ?", gone)
    return rows


def files_below(folder: Path) -> Iterator[Found]:
    """All files that count, by folder; what vanishes or can't be read meanwhile is left out."""
    pending = [str(folder)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                inside = [entry for entry in entries if not _is_ignored_name(entry.name)]
        except OSError:
            continue
        for entry in inside:
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
            elif (found := look_at(Path(entry.path), is_closed=False)) is not None:
                yield found


def look_at(path: Path, *, is_closed: bool) -> Found | None:
    """The file as it is now; None if there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(seen.st_mode):
        return None
    touched_ns = max(seen.st_mtime_ns, seen.st_ctime_ns)
    return Found(str(path), seen.st_size, seen.st_mtime_ns, touched_ns, is_closed)


def is_ignored(path: Path, folder: Path) -> bool:
    """Hidden and unfinished files, and whatever lies in a folder of that kind, is nobody's business."""
    return any(_is_ignored_name(step) for step in path.relative_to(folder).parts)


def _is_ignored_name(name: str) -> bool:
    return name.startswith(".") or name.endswith(_UNFINISHED)


def _age_s(found: Found) -> float:
    """By the content's time, not the inode's: a finished file that is moved in is not young again."""
    return time.time() - found.modified_ns / 1e9


def _name(path: str) -> str | bytes:
    """The path as SQLite can hold it: one that is no UTF-8 goes in as bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path
