"""Quality checks: small named functions in ``consumers.checks.of``, found by themselves, judged as each stream wants.

A new check is one function in one file there; nothing else has to know of it. Other packages offer theirs under the
entry point ``meridian.checks``. What a check finds is recorded; what follows from it is the stream's rule.
"""

from consumers.checks.check import Check, Judged, check
from consumers.checks.judging import Judging
from consumers.checks.look import Look
from consumers.checks.registry import known_checks

__all__ = ["Check", "Judged", "Judging", "Look", "check", "known_checks"]
