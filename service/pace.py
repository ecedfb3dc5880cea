"""A pace for what is asked in bulk, so that what is redriven does not trample on what is being done."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

__all__ = ["AT_A_TIME", "paced"]

AT_A_TIME = 50
"""A second: about what one machine's workers get done, so that a redrive adds little to what waits."""

Each = TypeVar("Each")


def paced(
    things: Iterable[Each],
    rate: float | None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Each]:
    """The same things, so many a second and no faster; ``rate`` None: at once."""
    began = clock()
    for number, each in enumerate(things):
        if rate is not None:
            sleep(max(0.0, number / rate - (clock() - began)))
        yield each
