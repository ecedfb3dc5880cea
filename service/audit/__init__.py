"""The auditor: a reader of its own, with its own Kafka client, that checks the laws from outside."""

from service.audit.audit import audit_site
from service.audit.findings import COUNTERS, Counter, Findings, Offender

__all__ = ["COUNTERS", "Counter", "Findings", "Offender", "audit_site"]
