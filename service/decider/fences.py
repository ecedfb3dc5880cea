"""Being fenced again and again although the lease is ours: another decider works with another database."""

from service.decider.halts import Halt
from service.decider.leases import Slot

__all__ = ["Fences"]

AT_MOST = 10
_SOON_S = 30.0


class Fences:
    """Counts how often in a row each partition was taken from us soon after we had taken it.

    A process that was frozen is fenced too, but has lost its lease by then, and does not take the partition again.
    """

    def __init__(self) -> None:
        self._in_a_row: dict[Slot, int] = {}

    def met(self, slot: Slot, *, after_s: float) -> None:
        """Our owner was fenced so long after its begin; raises Halt at the last one."""
        count = self._in_a_row[slot] = self._in_a_row.get(slot, 0) + 1 if after_s < _SOON_S else 1
        if count >= AT_MOST:
            del self._in_a_row[slot]
            raise Halt(
                "FENCED_FROM_OUTSIDE",
                f"{slot[0]}/{slot[1]}: taken from us {count} times in a row by an owner without a lease in this "
                "database, wanted one decider for a site and its database: stop the other, or let it use this database",
            )
