"""Light items, many at once in one thread: answers, follow-ups, topics, and rows of registers."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from consumers import claims, work_items
from consumers.breakers import LOG
from consumers.claims import WorkItem
from consumers.effects.answer import answer, look_for_topics
from consumers.effects.asking import Ask
from consumers.effects.embargoes import extend_embargoes
from consumers.effects.follow import follow
from consumers.effects.groups import count_members, tell_datasets
from consumers.effects.inbox_topics import make_topics
from consumers.effects.judging import Found, Judged, qualify, readiness
from consumers.effects.manifests import tell_listed
from consumers.effects.policies import look_again
from consumers.effects.preprocess import not_needed, why_not_needed
from consumers.effects.register import register
from consumers.effects.sidecars import tell_primaries
from consumers.failures import Failed, Wait
from consumers.outage import OUTAGES
from consumers.register import Register
from consumers.reporting import Reporting
from consumers.sender import Outgoing
from consumers.steps import report_refused
from consumers.tools import Tools
from consumers.work_lanes import LANES
from events.log import LogError

__all__ = ["LightWork"]

log = logging.getLogger(__name__)

FINDINGS_AT_ONCE = 8192
"""In reports that are held in memory together, some 20 MB; a verdict has up to 512, mostly a dozen."""

_Step = Callable[[Sequence[WorkItem], Tools], Iterable[Found]]
"""What is done for many items in one go."""

_COUNTING = {
    "member": count_members,
    "pair": tell_primaries,
    "attest": tell_listed,
    "datasets": tell_datasets,
    "embargo": extend_embargoes,
}
_JUDGING = {"readiness": readiness, "qualify": qualify}


class LightWork:
    """For one thread. Raises one of ``OUTAGES`` where the database is away; the leases then run out."""

    def __init__(self, tools: Tools, reporting: Reporting) -> None:
        self._tools = tools
        self._reporting = reporting
        self._registers = Register(tools.engine)

    def do(self, items: Sequence[WorkItem]) -> None:
        """Bring about what all of these ask for."""
        of = {effect: [item for item in items if item.effect == effect] for effect in LANES}
        self._one_by_one(of["inbox"], make_topics)
        self._answer(of["answer"])
        self._follow(of["follow"])
        self._register(of["register"])
        self._count(of)
        self._judge(of)
        self._stage(of["preprocess"])
        self._one_by_one(of["policies"], look_again)

    def _answer(self, items: Sequence[WorkItem]) -> None:
        try:
            look_for_topics(items, self._tools)
        except LogError as error:
            self._reporting.wait_all(items, Wait(LOG, "LOG_UNAVAILABLE", str(error)))
            return
        outgoing: list[Outgoing] = []
        done: list[WorkItem] = []
        for item in items:
            try:
                given = answer(item, self._tools)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
                self._reporting.park(item, error)
                continue
            done.append(item)
            if given is not None:
                outgoing.append(given)
        self._finish(done, outgoing)

    def _one_by_one(self, items: Sequence[WorkItem], step: Callable[[WorkItem, Tools], None]) -> None:
        """Effects that report nothing: done when all that they asked for is there."""
        for item in items:
            try:
                step(item, self._tools)
            except LogError as error:
                self._reporting.wait(item, Wait(LOG, "LOG_UNAVAILABLE", str(error)))
            except OUTAGES:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
                self._reporting.park(item, error)
            else:
                self._finish([item], [])

    def _follow(self, items: Sequence[WorkItem]) -> None:
        asks: list[Ask] = []
        for item in items:
            try:
                asks.append(follow(item))
            except OUTAGES:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
                self._reporting.park(item, error)
        self._report(asks)

    def _register(self, items: Sequence[WorkItem]) -> None:
        fresh = self._not_refused(items)
        self._together(fresh, lambda some, tools: register(some, tools, self._registers))

    def _count(self, of: Mapping[str, Sequence[WorkItem]]) -> None:
        """Files into groups, sidecars and sums to files, datasets and embargoes to programs; a refusal is an answer."""
        for effect, step in _COUNTING.items():
            self._together(of[effect], step)

    def _judge(self, of: Mapping[str, Sequence[WorkItem]]) -> None:
        for effect, step in _JUDGING.items():
            self._together(self._not_refused(of[effect]), step)

    def _stage(self, items: Sequence[WorkItem]) -> None:
        """Programs of which nothing has to be staged; where that is another way by now, a thread's work it is."""
        if not items:
            return
        if why_not_needed(self._tools.homes.now()) is None:
            with self._tools.engine.begin() as connection:
                claims.give_back(connection, items)
            return
        self._together(self._not_refused(items), not_needed)

    def _together(self, items: Sequence[WorkItem], step: _Step) -> None:
        """All at once. Where that raises they are done one by one, so that the others don't suffer for the one."""
        left = {item.key: item for item in items}
        try:
            for some in _lots(step(items, self._tools) if items else ()):
                self._settle(some)
                for item, _ in some:
                    del left[item.key]
        except OUTAGES:
            raise
        except Exception as error:
            if len(items) == 1:
                self._reporting.park(items[0], error)
                return
            log.exception("of items done together one is not like the others; one by one", extra=_all(items))
            for item in left.values():
                self._together([item], step)

    def _not_refused(self, items: Sequence[WorkItem]) -> list[WorkItem]:
        refused = [item for item in items if "refused" in item.payload]
        self._fail([(item, report_refused(item)) for item in refused])
        return [item for item in items if "refused" not in item.payload]

    def _settle(self, found: Iterable[Found]) -> None:
        """Each item by what its effect came to."""
        asks: list[Ask] = []
        failed: list[tuple[WorkItem, Failed]] = []
        over: list[WorkItem] = []
        for item, outcome in found:
            if outcome is None:
                over.append(item)
            elif isinstance(outcome, Ask):
                asks.append(outcome)
            elif isinstance(outcome, Wait):
                self._reporting.wait(item, outcome)
            elif isinstance(outcome, Failed):
                failed.append((item, outcome))
            elif isinstance(outcome, OUTAGES):
                raise outcome
            else:
                self._reporting.park(item, outcome)
        self._report(asks)
        self._fail(failed)
        self._finish(over, [])

    def _report(self, asks: Sequence[Ask], *, worked: bool = True) -> None:
        """``worked``: what their servers gave is what was asked of them."""
        if not asks:
            return
        try:
            self._reporting.report(asks)
        except Wait as why:
            self._reporting.wait_all([ask.item for ask in asks], why)
        except OUTAGES:
            raise
        except Exception as error:  # such as what can't be written down
            if len(asks) == 1:
                self._reporting.park(asks[0].item, error)
                return
            log.exception(
                "of reports that go together one can't; one by one", extra=_all(ask.item for ask in asks)
            )
            for ask in asks:
                self._report([ask], worked=worked)
        else:
            if worked:
                self._reporting.succeeded([ask.item for ask in asks])

    def _fail(self, failed: Iterable[tuple[WorkItem, Failed]]) -> None:
        asks: list[Ask] = []
        for item, why in failed:
            try:
                asks.append(self._reporting.failure(item, why))
            except OUTAGES:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
                self._reporting.park(item, error)
        self._report(asks, worked=False)

    def _finish(self, items: Sequence[WorkItem], outgoing: Sequence[Outgoing]) -> None:
        """These have no report: they are done when what they send is on the log."""
        if not items:
            return
        try:
            self._tools.sender.send_all(outgoing)
        except LogError as error:
            self._tools.answer_topics.clear()  # one of them may have been removed: looked for again
            self._reporting.wait_all(items, Wait(LOG, "LOG_UNAVAILABLE", str(error)))
            return
        with self._tools.engine.begin() as connection:
            work_items.finish(connection, (item.lease for item in items), at=self._tools.clock())
        self._reporting.succeeded(items)


def _lots(found: Iterable[Found]) -> Iterator[list[Found]]:
    """As they come, no more findings together than are reported at once."""
    lot: list[Found] = []
    findings = 0
    for each in found:
        lot.append(each)
        findings += _findings(each[1])
        if findings >= FINDINGS_AT_ONCE:
            yield lot
            lot, findings = [], 0
    if lot:
        yield lot


def _findings(outcome: Ask | Exception | None) -> int:
    if isinstance(outcome, Ask) and isinstance(outcome.request, Judged):
        return len(outcome.request.verdict["findings"])
    return 1


def _all(items: Iterable[WorkItem]) -> dict[str, object]:
    """What is done together, for a line of the log."""
    together = list(items)
    return {"items": len(together), "effect": together[0].effect}
