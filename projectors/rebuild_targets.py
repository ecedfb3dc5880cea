"""What is filled beside the live tables, one schema a target: noted outside of them, and claimed by one at a time."""

import getpass
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from projectors.database import metadata
from projectors.fold_version import fold_version
from projectors.read_models import ReadModels, beside

__all__ = [
    "CHECK",
    "STANDBY",
    "ClaimedError",
    "Target",
    "claim",
    "enter",
    "find",
    "forget",
    "mark",
    "past_name",
    "targets",
]

STANDBY = "projection_standby"
"""The one schema whose tables may change places with the live ones."""

CHECK = "projection_check"
"""Filled for one comparison, and dropped after it."""

_SPACE = 0x4D52  # keeps our locks apart from others in the same database

target = Table(
    "target",
    metadata,
    Column("schema_name", Text, primary_key=True, comment="the schema that is filled"),
    Column(
        "kind",
        Text,
        nullable=False,
        comment="standby: rebuilt, may be swapped in; former: was live before the last swap; past: a moment, never "
        "swapped; check: for one comparison",
    ),
    Column("tables", ARRAY(Text), nullable=False, comment="the read models in it"),
    Column("state", Text, nullable=False, comment="filling, filled (and fed on), or broken"),
    Column("until_at", DateTime(timezone=True), comment="UTC; past: records decided later are left out"),
    Column("fold_version", Text, nullable=False, comment="digest of the code that began to fill it"),
    Column("owner", Text, nullable=False, comment="who began to fill it"),
    Column("begun_at", DateTime(timezone=True), nullable=False, comment="UTC"),
    Column("filled_at", DateTime(timezone=True), comment="UTC; when it had caught up for the first time"),
    Column("records", BigInteger, comment="records read when it had caught up"),
    Column("message", Text, comment="broken: what was found"),
    schema="rebuild",
)


class ClaimedError(Exception):
    """Somebody else works on this target; the message says who."""


@dataclass(frozen=True, slots=True)
class Target:
    """One schema beside the live one."""

    schema_name: str
    kind: str
    tables: tuple[str, ...]
    state: str
    until_at: datetime | None
    fold_version: str
    owner: str
    begun_at: datetime
    filled_at: datetime | None = None
    records: int | None = None
    message: str | None = None

    @property
    def models(self) -> ReadModels:
        """Its tables."""
        return beside(self.schema_name, self.tables)

    @property
    def is_fed(self) -> bool:
        """The projector keeps it up to date."""
        return self.kind in {"standby", "former"} and self.state == "filled"


def targets(connection: Connection) -> list[Target]:
    """All there are."""
    rows = connection.execute(select(target).order_by(target.c.begun_at)).mappings()
    return [Target(**{**row, "tables": tuple(row["tables"])}) for row in rows]


def find(connection: Connection, schema: str) -> Target | None:
    """One by its schema."""
    return next((each for each in targets(connection) if each.schema_name == schema), None)


def enter(
    connection: Connection, schema: str, *, kind: str, tables: Sequence[str], until_at: datetime | None
) -> Target:
    """Note that filling begins."""
    row = {
        "schema_name": schema,
        "kind": kind,
        "tables": list(tables),
        "state": "filling",
        "until_at": until_at,
        "fold_version": fold_version(),
        "owner": whoami(),
        "begun_at": func.clock_timestamp(),
    }
    connection.execute(insert(target).values(row))
    found = find(connection, schema)
    assert found is not None  # noqa: S101 - just inserted
    return found


def mark(connection: Connection, schema: str, **changed: object) -> None:
    """Change what is noted of a target."""
    connection.execute(update(target).where(target.c.schema_name == schema).values(**changed))


def forget(connection: Connection, schema: str) -> None:
    """The target is gone."""
    connection.execute(delete(target).where(target.c.schema_name == schema))


def past_name(until: datetime) -> str:
    """The schema of a moment of the past."""
    fraction = f"_{until.microsecond:06d}" if until.microsecond else ""
    return f"past_{until:%Y%m%dt%H%M%S}{fraction}"


@contextmanager
def claim(engine: Engine, schema: str, doing: str) -> Iterator[None]:
    """Be the only one who changes this target; raises ClaimedError. A process that dies lets go of it."""
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    key = crc32(schema.encode()) - 2**31
    try:
        connection.execute(_NAMED, {"name": f"meridian {doing}: {whoami()}"[:63]})
        if not connection.scalar(_CLAIM, {"space": _SPACE, "key": key}):
            raise ClaimedError(_claimed(connection, schema, key))
        yield
    finally:
        with suppress(DBAPIError):
            connection.execute(_LET_GO)
        with suppress(DBAPIError):
            connection.invalidate()  # the session's name was for this work
        connection.close()


_LET_GO = text("SELECT pg_advisory_unlock_all()")
_NAMED = text("SELECT set_config('application_name', :name, false)")
_CLAIM = text("SELECT pg_try_advisory_lock(:space, :key)")
_HOLDER = text("""
    SELECT a.application_name, a.backend_start, a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = :space
        AND l.objid::bigint = (CAST(:key AS bigint) & 4294967295)
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


def _claimed(connection: Connection, schema: str, key: int) -> str:
    row = connection.execute(_HOLDER, {"space": _SPACE, "key": key}).one_or_none()
    if row is None:
        return f"{schema} was being worked on a moment ago; try again"
    since = f"{row.backend_start:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"{schema}: found {row.application_name} at work on it since {since} (PostgreSQL session {row.pid}), wanted it "
        "free; wait for it, or end that process and try again: what it has filled is not lost"
    )


def whoami() -> str:
    """User, host and process."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()} process {os.getpid()}"
