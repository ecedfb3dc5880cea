"""Guards of the laws that a test may switch off, one at a time, to see its harness turn red. Inert elsewhere."""

import os
from functools import cache

from events.breakable import order

__all__ = ["GUARDS", "VARIABLE", "UnknownGuardError", "is_without"]

VARIABLE = "MERIDIAN_WITHOUT"

GUARDS = {
    "fencing": "a second owner of a partition shuts out the first",
    "compare_and_set": "a follower's position moves only from where the follower left it",
    "dedupe": "a request that was decided is not decided again",
    "read_committed": "records of open and aborted transactions are not seen",
    "contiguity": "a gap in a subject's sequence is an alarm",
}
"""Each guard, and what it sees to."""


class UnknownGuardError(ValueError):
    """There is no such guard; the message names those that there are."""


@cache
def is_without(guard: str) -> bool:
    """Whether this guard is switched off in this process, from its start to its end."""
    asked = order(os.environ, VARIABLE)
    if asked is None:
        return False
    if asked not in GUARDS:
        raise UnknownGuardError(f"found {VARIABLE}={asked}, wanted one of {', '.join(GUARDS)}")
    return asked == guard
