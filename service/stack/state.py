"""What the supervisor is asked to run, and what it says about it; both are files in the data folder."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.stack.place import Place

__all__ = ["ChildState", "Condition", "Role", "StackState", "Wanted", "read_state"]


class Condition(StrEnum):
    """How a child is."""

    PREPARING = "preparing"
    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"  # it ended, and is tried again after a pause
    ENDED = "ended"  # by itself, and meant to
    STOPPED = "stopped"


class Role(BaseModel):
    """A command of ours to keep running beside the servers, such as ``python -m service run decider``."""

    model_config = ConfigDict(frozen=True)

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str] = Field(default_factory=dict, repr=False)
    folder: Path = Path("/")
    stop_limit_s: float = 12.0  # a role stops within ten seconds; Faust sometimes does not stop at all


class Wanted(BaseModel):
    """Everything that shall run."""

    model_config = ConfigDict(frozen=True)

    id: str
    servers: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    java_home: Path | None = None
    postgres_bin: Path | None = None
    cache: Path | None = None
    owner: int | None = None  # the process with whose end everything ends too


class ChildState(BaseModel):
    """One child, as it was when the supervisor last looked."""

    name: str
    is_server: bool
    condition: Condition = Condition.PREPARING
    pid: int | None = None
    version: str = ""
    port: int | None = None
    ready_after_s: float | None = None
    restarts: int = 0
    failures: int = 0  # ends in a row before it was ready
    reason: str = ""
    log: Path

    @property
    def has_run(self) -> bool:
        """Whether it was at least tried."""
        return self.condition not in (Condition.PREPARING, Condition.STARTING)


class StackState(BaseModel):
    """The supervisor and its children."""

    pid: int
    started_at: datetime
    wanted: str
    ports: dict[str, int]
    children: dict[str, ChildState]


def read_state(place: Place) -> StackState | None:
    """The last state written, if there is one that can be read."""
    try:
        return StackState.model_validate_json(place.state.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
