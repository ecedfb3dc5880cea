"""Who looks after which partition: leases in PostgreSQL. They serve liveness only; the fence is Kafka's."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from sqlalchemy import Engine

from service.snapshots import store_cursor

__all__ = ["EXPIRY_S", "HEARTBEAT_S", "Leases", "Slot"]

HEARTBEAT_S = 1.0
EXPIRY_S = 5.0

Slot = tuple[str, int]
"""Machine and partition."""

ACQUIRE = """
INSERT INTO decider.lease AS held (machine, partition, owner, owner_epoch, expires_at, clock_ahead_s)
SELECT machine, partition, %(owner)s, 0, now() + %(expiry)s * interval '1 second',
       extract(epoch FROM %(clock)s - clock_timestamp())
FROM unnest(%(machines)s::text[], %(partitions)s::int[]) AS wanted (machine, partition)
ORDER BY machine, partition
ON CONFLICT (machine, partition) DO UPDATE
SET owner = excluded.owner, expires_at = excluded.expires_at, clock_ahead_s = excluded.clock_ahead_s
WHERE held.expires_at < now() OR held.owner = excluded.owner
   OR held.expires_at > now() + 2 * %(expiry)s * interval '1 second'
RETURNING machine, partition
"""
"""A lease that lies further ahead than any can was written before PostgreSQL's clock was set back: it is free too."""


class Leases:
    """The leases that one process asks for and keeps alive."""

    def __init__(
        self, engine: Engine, *, owner: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._engine = engine
        self._clock = clock
        self.owner = owner

    def acquire(self, slots: Iterable[Slot]) -> set[Slot]:
        """Those of ``slots`` that are ours now: free, expired, or ours already (which renews them)."""
        wanted = sorted(slots)
        members = {
            "machines": [machine for machine, _ in wanted],
            "partitions": [partition for _, partition in wanted],
            "owner": self.owner,
            "expiry": EXPIRY_S,
            "clock": self._clock(),
        }
        with store_cursor(self._engine) as cursor:
            cursor.execute(ACQUIRE, members)
            return set(cursor.fetchall())

    def others(self) -> dict[Slot, str]:
        """Partitions whose lease another process keeps alive, and which."""
        with store_cursor(self._engine) as cursor:
            cursor.execute(
                "SELECT machine, partition, owner FROM decider.lease WHERE owner <> %s AND expires_at > now()",
                (self.owner,),
            )
            return {(machine, partition): owner for machine, partition, owner in cursor.fetchall()}

    def release(self) -> None:
        """Give all of ours back, so that a successor need not wait for them to expire."""
        with store_cursor(self._engine) as cursor:
            cursor.execute("UPDATE decider.lease SET expires_at = now() WHERE owner = %s", (self.owner,))
