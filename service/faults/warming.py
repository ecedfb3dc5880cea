"""Before the first injection: the streams of the load are in force, and its first file is through."""

import time
from collections.abc import Callable

from events.stream import StreamConfiguration
from service.client import Client
from service.faults import lives, real_files
from service.faults.arena import Arena
from service.faults.load import Load
from service.faults.program_pieces import home_stream
from service.site import await_topics
from service.stack.failure import StackError
from service.streams import bring_in_force

__all__ = ["bring_streams_in_force"]

_WARM_WITHIN_S = 180.0


def bring_streams_in_force(arena: Arena, load: Load, *, is_stopped: Callable[[], bool]) -> None:
    """Start the load and return once work has got all the way, or nobody wants it any more; raises StackError."""
    await_topics(arena.wiring)
    client = Client(arena.wiring, actor="faults", reason="the load of the harness", source="faults")
    try:
        bring_in_force(client, [real_files.stream_for(arena.landing)], enable=True)
        # Taken in and decided on, but no worker touches files of theirs: they are never enabled.
        home = home_stream(arena.landing, arena.products, portal=arena.metadata_store.url)
        bring_in_force(client, [StreamConfiguration(stream=lives.STREAM), home], enable=False)
    finally:
        client.close()
    arena.watch.progress = load.progress
    load.start()
    until = time.monotonic() + _WARM_WITHIN_S
    while load.progress.announced < 2 and not is_stopped():
        _wait(until, "the load's first files were not acknowledged")
    mark = arena.watch.mark()
    while (missing := arena.watch.missing(mark)) is not None and not is_stopped():
        arena.tend()
        _wait(until, missing)


def _wait(until: float, what: str) -> None:
    if time.monotonic() > until:
        raise StackError(f"the arena did not get going within {_WARM_WITHIN_S:.0f} s: {what}")
    time.sleep(0.1)
