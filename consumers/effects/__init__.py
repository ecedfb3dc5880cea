"""What is done about facts: read a file, copy it, register it, answer, follow up, make topics."""

from collections.abc import Callable, Mapping

from consumers.claims import WorkItem
from consumers.effects.asking import Ask, Asks
from consumers.effects.ingest import ingest
from consumers.effects.preprocess import preprocess
from consumers.effects.publish import announce, archive, cite, package, publish, unveil, withdraw
from consumers.effects.remove import remove
from consumers.effects.transfer import transfer
from consumers.effects.unstage import unstage
from consumers.effects.verify import verify
from consumers.tools import Tools

__all__ = ["HEAVY", "HOUSEKEEPING", "LIGHT", "PROGRAM_STEPS", "STEPS", "UNREPORTED", "Ask", "Asks", "Step"]

Step = Callable[[WorkItem, Tools], Asks]
"""Looks before it acts, acts, and yields what it asks; the report comes last."""

HEAVY: Mapping[str, Step] = {"ingest": ingest, "transfer": transfer}
"""Effects that read whole files: one a thread."""

PROGRAM_STEPS: Mapping[str, Step] = {
    "preprocess": preprocess,
    "verify": verify,
    "package": package,
    "archive": archive,
    "announce": announce,
    "cite": cite,
    "publish": publish,
    "withdraw": withdraw,
    "unveil": unveil,
}
"""Steps of observing programs that take their time: one a thread, held up by no stream."""

HOUSEKEEPING: Mapping[str, Step] = {"remove": remove, "unstage": unstage}
"""Steps that take their time and hold up nobody: no state waits for them."""

UNREPORTED = frozenset({"unveil"})
"""Steps after which the ledger has nothing to learn: they are done when they end."""

STEPS: Mapping[str, Step] = {**HEAVY, **PROGRAM_STEPS, **HOUSEKEEPING}
"""All that threads of a worker do."""

LIGHT = (
    "answer", "follow", "inbox", "member", "pair", "attest", "datasets", "policies", "readiness", "qualify",
    "embargo",
)  # fmt: skip
"""Effects that take no time: many at once, in one thread, with ``register``. They never wait behind big files."""
