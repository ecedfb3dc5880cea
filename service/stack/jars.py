"""The Java servers' jars: pinned by coordinate and SHA-256 in `jars.lock`, fetched once, verified at every start."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from service.stack.failure import StackError

__all__ = ["Jar", "cache_folder", "fetch", "locked", "missing", "version_of"]

LOCK = Path(__file__).with_name("jars.lock")
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Jar:
    """One artifact: the server it belongs to, its Maven coordinates and the checksum it must have."""

    server: str
    coordinates: str
    sha256: str

    @property
    def name(self) -> str:
        """Its file's name in the cache; two contents never share one."""
        _, artifact, *rest = self.coordinates.split(":")
        return "-".join([artifact, *rest, self.sha256[:12]]) + ".jar"


def locked(server: str, lock: Path = LOCK) -> list[Jar]:
    """The jars of a server, as written down."""
    lines = [line.split() for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    return [Jar(*line) for line in lines if line[0] == server]


def version_of(server: str) -> str:
    """The server's version: that of its first jar."""
    return locked(server)[0].coordinates.split(":")[2]


def cache_folder(chosen: Path | None, fallback: Path) -> Path:
    """Where jars are kept: as chosen, else the user's cache, else, if that can't be written, ``fallback``."""
    base = os.environ.get("XDG_CACHE_HOME") or (
        Path(os.environ["HOME"]) / ".cache" if "HOME" in os.environ else ""
    )
    for folder in [chosen] if chosen else [Path(base) / "meridian" if base else fallback, fallback]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise StackError(
        f"{chosen or fallback} can't hold the downloaded jars; wanted a folder to write; set MERIDIAN_CACHE"
    )


def fetch(
    jars: Sequence[Jar], cache: Path, download: Callable[[Jar, Path], Path] | None = None
) -> list[Path]:
    """Paths of the jars, each with the right checksum; those not in the cache are downloaded, several at a time."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(partial(_fetch, cache=cache, download=download or _download), jars))


def missing(jars: Iterable[Jar], cache: Path) -> list[Jar]:
    """Those that would have to be downloaded."""
    return [jar for jar in jars if not (cache / jar.name).exists()]


def _fetch(jar: Jar, cache: Path, download: Callable[[Jar, Path], Path]) -> Path:
    kept = cache / jar.name
    if kept.exists() and _sha256(kept) == jar.sha256:
        return kept
    with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as folder:
        try:
            fresh = download(jar, Path(folder))
        except Exception as error:  # jgo raises what its HTTP library does, and RuntimeError
            raise StackError(
                f"{jar.coordinates} can't be fetched: {error}; wanted the Maven repository to answer; "
                "go online for this one run, or copy another machine's cache here and set MERIDIAN_CACHE"
            ) from error
        found = _sha256(fresh)
        if found != jar.sha256:
            raise StackError(
                f"{jar.coordinates}: expected sha256 {jar.sha256}, fetched {found}; it is not used; "
                "check the proxy or mirror in between"
            )
        fresh.replace(kept)
    return kept


def _download(jar: Jar, folder: Path) -> Path:
    from jgo.maven import MavenContext

    group, artifact, version, *classifier = jar.coordinates.split(":")
    context = MavenContext(repo_cache=folder, timeout=60)
    path: Path = context.project(group, artifact).at_version(version).artifact(*classifier).resolve()
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
