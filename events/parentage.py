"""A child that ends with its parent, even with one that was killed: the end of standard input says so."""

import os
import sys
import threading

__all__ = ["stop_with_parent"]


def stop_with_parent(stop: threading.Event) -> None:
    """Set ``stop`` once standard input ends; what is still said there is of no interest."""
    threading.Thread(target=_watch, args=(stop,), name="parent", daemon=True).start()


def _watch(stop: threading.Event) -> None:
    # Of the descriptor, not of the stream: a thread in the stream's lock is fatal when the interpreter ends.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()
