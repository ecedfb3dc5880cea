"""The auditor: a reader of its own, with its own Kafka client, that checks the laws from outside.

One audit is ``service.audit.audit``. It is not brought along here: its processes would read all of the archive's
clients before they begin, and need none of them.
"""

from service.audit.findings import COUNTERS, Counter, Findings, Offender

__all__ = ["COUNTERS", "Counter", "Findings", "Offender"]
