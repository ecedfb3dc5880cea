"""How often Python looks for garbage in processes that work in batches."""

import gc

__all__ = ["collect_seldom"]


def collect_seldom() -> None:
    """Batches hold many objects and make no cycles: a look every 700 objects costs a quarter of the time."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
