"""Light items, many at once in one thread: answers, follow-ups, topics, and rows of registers."""

from collections.abc import Sequence

from consumers import work_items
from consumers.breakers import LOG
from consumers.claims import WorkItem
from consumers.effects.answer import answer
from consumers.effects.asking import Ask
from consumers.effects.follow import follow
from consumers.effects.inbox_topics import make_topics
from consumers.effects.register import register
from consumers.failures import Failed, Wait
from consumers.outage import OUTAGES
from consumers.register import Register
from consumers.reporting import Reporting
from consumers.sender import Outgoing
from consumers.steps import report_refused
from consumers.tools import Tools
from events.log import LogError

__all__ = ["LightWork"]


class LightWork:
    """For one thread. Raises one of ``OUTAGES`` where the database is away; the leases then run out."""

    def __init__(self, tools: Tools, reporting: Reporting) -> None:
        self._tools = tools
        self._reporting = reporting
        self._registers = Register(tools.engine)

    def do(self, items: Sequence[WorkItem]) -> None:
        """Bring about what all of these ask for."""
        of = {effect: [item for item in items if item.effect == effect] for effect in work_items.LANES}
        self._make_topics(of["inbox"])
        self._answer(of["answer"])
        self._follow(of["follow"])
        self._register(of["register"])

    def _answer(self, items: Sequence[WorkItem]) -> None:
        outgoing: list[Outgoing] = []
        done: list[WorkItem] = []
        for item in items:
            try:
                given = answer(item, self._tools)
            except LogError as error:
                self._reporting.wait(item, Wait(LOG, "LOG_UNAVAILABLE", str(error)))
                continue
            except OUTAGES:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
                self._reporting.park(item, error)
                continue
            done.append(item)
            if given is not None:
                outgoing.append(given)
        self._finish(done, outgoing)

    def _make_topics(self, items: Sequence[WorkItem]) -> None:
        for item in items:
            try:
                make_topics(item, self._tools)
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
        asks: list[Ask] = []
        for item in (item for item in items if "refused" in item.payload):
            self._fail(item, report_refused(item))
        fresh = [item for item in items if "refused" not in item.payload]
        for item, found in register(fresh, self._tools, self._registers):
            if isinstance(found, Ask):
                asks.append(found)
            elif isinstance(found, Wait):
                self._reporting.wait(item, found)
            elif isinstance(found, Failed):
                self._fail(item, found)
            else:
                raise found
        self._report(asks)

    def _report(self, asks: Sequence[Ask]) -> None:
        if not asks:
            return
        try:
            self._reporting.report(asks)
        except Wait as why:
            for ask in asks:
                self._reporting.wait(ask.item, why)
        else:
            self._reporting.succeeded([ask.item for ask in asks])

    def _fail(self, item: WorkItem, failed: Failed) -> None:
        try:
            self._reporting.fail(item, failed)
        except Wait as why:
            self._reporting.wait(item, why)

    def _finish(self, items: Sequence[WorkItem], outgoing: Sequence[Outgoing]) -> None:
        """These have no report: they are done when what they send is on the log."""
        if not items:
            return
        try:
            self._tools.sender.send_all(outgoing)
        except LogError as error:
            self._tools.answer_topics.clear()  # one of them may have been removed: looked for again
            for item in items:
                self._reporting.wait(item, Wait(LOG, "LOG_UNAVAILABLE", str(error)))
            return
        with self._tools.engine.begin() as connection:
            work_items.finish(connection, (item.lease for item in items), at=self._tools.clock())
        self._reporting.succeeded(items)
