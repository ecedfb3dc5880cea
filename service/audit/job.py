"""The order of one process of the auditor: which partition to look at, from where to where."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["Job"]


@dataclass(frozen=True)
class Job:
    """What to look at: two partitions, from where to where, and the moment of the database."""

    kafka: str
    database: str
    snapshot: str
    site: str
    machine: str
    partition: int
    partitions: int
    ledger: str
    ledger_end: int
    requests: str
    requests_id: str
    requests_begin: int
    requests_end: int
    decided: int
    cuts: dict[str, int]
    tainted: list[str]
    folder: str
    effects: bool = True
    passed: dict[str, str] = field(default_factory=dict)
    expected: str | None = None

    @property
    def scratch(self) -> Path:
        """The process's own database, left for what is looked at afterwards."""
        return Path(self.folder) / f"{self.machine}-{self.partition}.sqlite"

    @property
    def dead(self) -> Path:
        """Where dead letters are noted by their origin."""
        return Path(self.folder) / "dead.sqlite"

    def order(self) -> bytes:
        """As the process reads it."""
        return json.dumps(asdict(self)).encode() + b"\n"
