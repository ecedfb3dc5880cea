"""The machine that a figure was taken on, and the versions of what was measured."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from service.settings import PROJECT, Settings
from service.site import children_of

__all__ = ["machine", "versions"]

CPUS = Path("/proc/cpuinfo")


def machine() -> dict[str, Any]:
    """Cores, model of the processor, system, and the load of the last 1, 5 and 15 minutes."""
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "system": platform.platform(),
        "load": [round(each, 2) for each in os.getloadavg()],
    }


def versions(settings: Settings) -> dict[str, str]:
    """Of Python, of the client libraries, of the servers of this site, and the commit that was measured."""
    servers = {
        child["name"]: child["version"] for child in children_of(settings) if child["kind"] == "server"
    }
    libraries = ("kafka-python", "psycopg2-binary", "SQLAlchemy", "orjson")
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
        **servers,
        "commit": _commit(),
    }


def _cpu() -> str:
    lines = CPUS.read_text().splitlines() if CPUS.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "not known"


def _commit() -> str:
    """With ``+`` where files were changed since."""
    try:
        told = [
            subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()
            for command in (["git", "rev-parse", "HEAD"], ["git", "status", "--porcelain"])
        ]
    except (OSError, subprocess.CalledProcessError):
        return "not known"
    return told[0] + ("+" if told[1] else "")
