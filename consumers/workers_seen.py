"""Each worker's row: when it gave a sign, how its machine is off, what it holds back and why."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Connection, DateTime, Float, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from consumers.readings import Reading
from consumers.rows import rows_json
from consumers.space_forecast import SpaceForecast
from consumers.throttle import Pause
from projectors.database import metadata

__all__ = ["forget", "give_sign", "worker"]

worker = Table(
    "worker",
    metadata,
    Column("worker", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("items", Integer, nullable=False, comment="under way"),
    Column("cpu_share", Float, nullable=False, comment="of all cores, 0 to 1"),
    Column("memory_free_bytes", BigInteger, nullable=False),
    Column("memory_total_bytes", BigInteger, nullable=False),
    Column(
        "disks", JSONB, nullable=False, comment="path, used_bytes, free_bytes, hours_left (NULL: not filling)"
    ),
    Column("pauses", JSONB, nullable=False, comment="what is held back, and why"),
    schema="work",
)


def give_sign(
    connection: Connection,
    *,
    name: str,
    host: str,
    items: int,
    reading: Reading,
    forecast: SpaceForecast,
    pauses: Sequence[Pause],
) -> None:
    """This worker is there, and its machine is off like this."""
    disks = [
        {
            "path": disk.path,
            "used_bytes": disk.used_bytes,
            "free_bytes": disk.free_bytes,
            "hours_left": forecast.hours(disk),
        }
        for disk in reading.disks
    ]
    members = {
        "worker": name,
        "host": host,
        "items": items,
        "cpu_share": round(reading.cpu_share, 3),
        "memory_free_bytes": reading.memory_free_bytes,
        "memory_total_bytes": reading.memory_total_bytes,
        "disks": rows_json(disks),
        "pauses": rows_json({"what": pause.what, "why": pause.why} for pause in pauses),
    }
    connection.execute(_SIGN, members)


def forget(connection: Connection, name: str) -> None:
    """It stops; and so have others that gave no sign for a day."""
    connection.execute(_FORGET, {"worker": name})


_SIGN = text("""
    INSERT INTO work.worker
        (worker, host, seen_at, items, cpu_share, memory_free_bytes, memory_total_bytes, disks, pauses)
    VALUES (:worker, :host, clock_timestamp(), :items, :cpu_share, :memory_free_bytes, :memory_total_bytes,
            CAST(:disks AS jsonb), CAST(:pauses AS jsonb))
    ON CONFLICT (worker) DO UPDATE SET host = excluded.host, seen_at = excluded.seen_at, items = excluded.items,
        cpu_share = excluded.cpu_share, memory_free_bytes = excluded.memory_free_bytes,
        memory_total_bytes = excluded.memory_total_bytes, disks = excluded.disks, pauses = excluded.pauses
""")

_FORGET = text(
    "DELETE FROM work.worker WHERE worker = :worker OR seen_at < clock_timestamp() - interval '1 day'"
)
