"""The seed of all that is thrown by chance in a test run: one for every ordinary run, a new one for a long one."""

import os
import secrets

__all__ = ["ORDINARY", "SIMULATION_SEED", "seed_of"]

SIMULATION_SEED = "MERIDIAN_SIMULATION_SEED"
ORDINARY = 20_261_122
BITS = 32


def seed_of(*, long: bool) -> int:
    """The environment's, else the one that stands here; a long run throws a new one.

    So a change that turns a run red did it itself, not its dice; what new dice find is a long run's to say, and what
    it found is added to the examples of its test.
    """
    given = os.environ.get(SIMULATION_SEED)
    if given:
        return int(given)
    return secrets.randbits(BITS) if long else ORDINARY
