"""What the supervisor needs to know of a server in order to run it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

__all__ = ["Account", "Launch", "Server"]


@dataclass(frozen=True, slots=True)
class Account:
    """Another user to run as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Launch:
    """A command to keep running, and how it wishes to be stopped."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path("/")
    account: Account | None = None
    stop_signal: int = 15
    stop_limit_s: float = 20.0
    final_codes: frozenset[int] = frozenset()  # exit codes after which it is not started again


class Server(Protocol):
    """One of the three servers."""

    name: str
    version: str

    def prepare(self) -> Launch:
        """Makes what the server needs before its start (files, formatted folders), and says how to start it."""

    def is_ready(self) -> bool:
        """Whether it answers a question that only a working server can answer."""
