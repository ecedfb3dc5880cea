"""How processes that work in batches keep their memory: looked through for garbage seldom, and kept between batches."""

import ctypes
import gc

__all__ = ["collect_seldom", "keep_freed"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""What ``mallopt`` calls them."""

_KEPT_BYTES = 16 * 1024 * 1024
_APART_BYTES = 8 * 1024 * 1024
"""Larger ones are asked of the system one by one, and given back at once."""


def collect_seldom() -> None:
    """Batches hold many objects and make no cycles: a look every 700 objects costs a quarter of the time."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def keep_freed() -> bool:
    """Let the C library keep what a batch has freed for the next one; whether it can be told so.

    Left to itself it gives buffers of some 100 KB back to the system and asks for them again, which hands them out
    page by page, each page cleared: a twentieth of a decider's time under load. And all threads share what is kept:
    else each has a heap of its own, which keeps for itself what it once needed, some 20 MB in a projector.
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False  # another C library than glibc
    return all((tell(_TRIM_THRESHOLD, _KEPT_BYTES), tell(_MMAP_THRESHOLD, _APART_BYTES), tell(_ARENA_MAX, 1)))
