"""Waiting for what becomes of a request: many threads at once, with one look for all of them."""

import time
from collections.abc import Sequence

from consumers.outage import OUTAGES
from consumers.together import Together
from projectors.outcome import Outcome, Outcomes

__all__ = ["Decisions"]

_Asked = tuple[str, str]

_LOOKS_S = (0.004, 0.004, 0.008, 0.01, 0.01, 0.02, 0.02, *(0.05 for _ in range(40)))
"""Pauses between looks. The decider mostly answers within 20 ms; listening for it costs a connection of its own."""


class Decisions:
    """Safe for several threads. Raises one of ``OUTAGES`` where the database is away."""

    def __init__(self, outcomes: Outcomes, *, gathered_s: float = 0.0) -> None:
        """``gathered_s``: after a look for several, so long others' wishes are gathered for the next."""
        self._outcomes = outcomes
        self._looks: Together[_Asked, Outcome | None] = Together(
            self._find, concerns_all=OUTAGES, apart_s=gathered_s
        )

    def wait(self, subject: str, request_id: str, *, timeout_s: float) -> Outcome | None:
        """What was decided; None where that is not known in time."""
        until = time.monotonic() + timeout_s
        for pause_s in _LOOKS_S:
            time.sleep(pause_s)
            found = self._looks.ask((subject, request_id))
            if found is not None:
                return found
        left_s = max(0.0, until - time.monotonic())
        return self._outcomes.wait([(subject, request_id)], timeout_s=left_s).get(request_id)

    def _find(self, asked: Sequence[_Asked]) -> list[Outcome | None]:
        found = self._outcomes.find(asked)
        return [found.get(request_id) for _, request_id in asked]
