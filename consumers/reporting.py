"""What becomes of an item after its effect: a report that is on the log before the item is marked, or a wait."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from consumers import breakers, claims, work_items
from consumers.breakers import DEPENDENCIES, LOG, store_of
from consumers.claims import WorkItem
from consumers.effects.asking import Ask, report
from consumers.effects.ingest import configuration_for
from consumers.failures import Failed, Wait, fail_request
from consumers.known_programs import part_of
from consumers.outage import OUTAGES
from consumers.program_failures import is_of_program, program_fail_request
from consumers.sender import Outgoing
from consumers.soon import Soon
from consumers.together import Together
from consumers.tools import Tools
from events import failpoints
from events.file_requests import FailFile
from events.log import LogUnavailableError, Sent
from events.op_requests import FailOp
from events.slack import SLACK
from events.stream import RetryPolicy

__all__ = ["Reporting", "named"]

log = logging.getLogger(__name__)

_Reports = Sequence[tuple[WorkItem, Outgoing]]
"""What one thread has to report: each item with its report as it goes on the log."""


class Reporting:
    """Shared by the threads of a worker. Raises one of ``OUTAGES`` where the database is away.

    What several threads have to report at the same time goes together: one look at the leases, one wait for the log,
    one mark. ``gathered_s``: so long more are gathered after a round of several, and of what nobody waits for yet.
    """

    def __init__(self, tools: Tools, *, gathered_s: float = 0.0) -> None:
        self._tools = tools
        self._limping: frozenset[str] = frozenset()
        self._rounds = Together(
            self._put, concerns_all=(Wait, *OUTAGES), apart_s=gathered_s, pause=SLACK.pause
        )
        self._soon = Soon(self._hand_over, apart_s=gathered_s)

    def remember(self, rooms: Mapping[str, int]) -> None:
        """Which servers failed lately, so that their recovery is noticed."""
        self._limping = frozenset(rooms)

    def send(self, ask: Ask) -> Sent:
        """Hand a request over to the log. Raises Wait where the log is away."""
        outgoing = ask.outgoing(self._tools.topics, source=self._tools.worker, at=self._tools.clock())
        if ask.may_wait:
            return self._soon.post(outgoing)
        self._soon.flush()  # what was asked before comes before
        try:
            return self._hand_over(outgoing)
        except LogUnavailableError as error:
            raise _log_away(error) from error

    def _hand_over(self, outgoing: Outgoing) -> Sent:
        topic, key, value = outgoing
        return self._tools.sender.send(topic, key=key, value=value)

    def acknowledged(self, sent: Iterable[Sent]) -> None:
        """Return once these are on the log; raises Wait."""
        try:
            self._tools.sender.acknowledged(sent)
        except LogUnavailableError as error:
            raise _log_away(error) from error

    def report(self, asks: Sequence[Ask]) -> None:
        """Put reports on the log, then mark their items; whoever has lost the lease stays silent. Raises Wait."""
        tools, now = self._tools, self._tools.clock()
        reports = [(ask.item, ask.outgoing(tools.topics, source=tools.worker, at=now)) for ask in asks]
        lost = self._rounds.ask(reports)
        if lost:
            log.warning("late finish, nothing reported", extra={"items": lost, "worker": tools.worker})

    def _put(self, wishes: Sequence[_Reports]) -> list[int]:
        """A round: the reports of several threads. Of each thread's, how many came too late. Raises Wait."""
        tools = self._tools
        with tools.engine.connect() as connection:
            held = claims.still_mine(connection, (item for reports in wishes for item, _ in reports))
        mine = [each for reports in wishes for each in reports if each[0].key in held]
        self._soon.flush()  # a file that failed at once is reported only after it was begun
        try:
            tools.sender.send_all(outgoing for _, outgoing in mine)
        except LogUnavailableError as error:
            raise _log_away(error) from error
        failpoints.reach("worker.after_report")
        with tools.engine.begin() as connection:
            claims.mark_reported(connection, ((item, value) for item, (_, _, value) in mine))
        return [sum(item.key not in held for item, _ in reports) for reports in wishes]

    def fail(self, item: WorkItem, failed: Failed) -> None:
        """Report that the attempt failed, and when it is tried again if the budget has that. Raises Wait."""
        self.report([self.failure(item, failed)])

    def failure(self, item: WorkItem, failed: Failed) -> Ask:
        """The report on an attempt that failed."""
        request = (
            self._program_failure(item, failed) if is_of_program(item) else self._file_failure(item, failed)
        )
        if failed.failure_class == "code":
            extra = {**named(item), "code": failed.code, "error": failed.message}
            log.error("effect failed, ours to mend", extra=extra)
        return report(item, request)

    def wait(self, item: WorkItem, why: Wait) -> None:
        """Give the item back until its server may answer again; no try is used."""
        self.wait_all([item], why)

    def wait_all(self, items: Iterable[WorkItem], why: Wait) -> None:
        """The same for several that wait for the same."""
        with self._tools.engine.begin() as connection:
            if why.dependency is not None:
                until = breakers.trip(connection, why.dependency, code=why.code, error=why.message)
            else:
                until = self._tools.clock() + timedelta(seconds=why.pause_s)
            for item in items:
                claims.wait(connection, item, until=until, code=why.code, error=why.message)

    def finish(self, item: WorkItem) -> None:
        """It is done, and nobody waits for word of it."""
        with self._tools.engine.begin() as connection:
            work_items.finish(connection, [item.lease], at=self._tools.clock())

    def park(self, item: WorkItem, error: Exception) -> None:
        """A bug of ours: this item and what waits behind it stand still, and say why."""
        log.error("effect raised, item parked", exc_info=error, extra=named(item))
        reason = f"{item.effect} raised {type(error).__name__}: {error}; redrive it once the code is mended"
        with self._tools.engine.begin() as connection:
            work_items.park(connection, item.lease, code="EFFECT_BUG", reason=reason)

    def succeeded(self, items: Iterable[WorkItem]) -> None:
        """Their servers answered: those that failed lately are trusted with more."""
        limping = self._limping
        if not limping:
            return
        used = {each for item in items for each in _dependencies(item)}
        with self._tools.engine.begin() as connection:
            for dependency in sorted(used & limping):
                breakers.succeed(connection, dependency)

    def _file_failure(self, item: WorkItem, failed: Failed) -> FailFile:
        return fail_request(
            failed,
            policy=self._policy(item),
            report_id=item.report_id,
            attempt=item.attempt or 1,
            base_attempt=item.base_attempt,
            clock=self._tools.clock,
        )

    def _program_failure(self, item: WorkItem, failed: Failed) -> FailOp:
        with self._tools.engine.connect() as connection:
            known = part_of(connection, item.subject, item.payload["part"])
        policy = self._tools.homes.now().retry
        return program_fail_request(item, failed, known, policy=policy, clock=self._tools.clock)

    def _policy(self, item: WorkItem) -> RetryPolicy:
        try:
            return configuration_for(item, self._tools).retry
        except Wait:
            return RetryPolicy()


def named(item: WorkItem) -> dict[str, object]:
    """The item's names, for a line of the log."""
    return {
        "subject": item.subject,
        "event_id": item.event_id,
        "sequence": item.sequence,
        "effect": item.effect,
        "attempt": item.attempt,
    }


def _dependencies(item: WorkItem) -> tuple[str, ...]:
    return (*DEPENDENCIES[item.effect], store_of(item.stream))


def _log_away(error: LogUnavailableError) -> Wait:
    return Wait(LOG, "LOG_UNAVAILABLE", str(error))
