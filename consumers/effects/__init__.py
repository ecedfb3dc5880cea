"""What is done about facts: read a file, copy it, register it, answer, follow up, make topics."""

from collections.abc import Callable, Mapping

from consumers.claims import WorkItem
from consumers.effects.asking import Ask, Asks
from consumers.effects.ingest import ingest
from consumers.effects.transfer import transfer
from consumers.tools import Tools

__all__ = ["HEAVY", "LIGHT", "Ask", "Asks", "Step"]

Step = Callable[[WorkItem, Tools], Asks]
"""Looks before it acts, acts, and yields what it asks; the report comes last."""

HEAVY: Mapping[str, Step] = {"ingest": ingest, "transfer": transfer}
"""Effects that read whole files: one a thread."""

LIGHT = ("answer", "follow", "inbox", "readiness", "qualify")
"""Effects that take no time: many at once, in one thread, with ``register``. They never wait behind big files."""
