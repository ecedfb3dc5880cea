"""Two of one kind: a second one works without lease or lock for a while, and both take over from each other."""

from random import Random

from service.faults.arena import Arena
from service.faults.cell import CellFailedError, Steps

__all__ = ["intruding"]


def intruding(role: str, arena: Arena, dice: Random) -> Steps:
    """A second process of ``role`` comes, stays for some seconds and is killed."""
    intruder = arena.intruder(role)
    try:
        yield from arena.pause(dice.uniform(4.0, 8.0))
        if not intruder.is_alive:
            raise CellFailedError(f"the second {role} ended by itself, see {intruder.log}")
    finally:
        intruder.kill()
