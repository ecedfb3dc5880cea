"""One heavy item from its claim to its report: whatever happens, it ends in a report or in a wait."""

import logging

from consumers.claims import WorkItem
from consumers.effects import STEPS, UNREPORTED
from consumers.effects.asking import Ask
from consumers.failures import Failed, Wait, from_archive
from consumers.outage import OUTAGES
from consumers.reporting import Reporting, named
from consumers.storage_errors import StorageError
from consumers.tools import Tools
from events.log import Sent

__all__ = ["Steps", "report_refused"]

log = logging.getLogger(__name__)

LOT = 500
"""Of so many requests it is waited for that they are on the log, before the effect asks for more."""


class Steps:
    """Safe for several threads. Raises one of ``OUTAGES`` where the database is away; the lease then runs out."""

    def __init__(self, tools: Tools, reporting: Reporting) -> None:
        self._tools = tools
        self._reporting = reporting

    def do(self, item: WorkItem) -> None:
        """Bring the item's effect about and report it."""
        try:
            failed = self._done(item)
            if failed is not None:
                self._reporting.fail(item, failed)
        except Wait as why:
            self._reporting.wait(item, why)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - not even the failure can be reported: a person has to look
            self._reporting.park(item, error)
        else:
            self._reporting.succeeded([item])

    def _done(self, item: WorkItem) -> Failed | None:
        """Do it and report; what went wrong is to be reported instead. Raises Wait."""
        try:
            self._run(item)
        except Wait:
            raise
        except OUTAGES:
            raise
        except Failed as failed:
            return failed
        except StorageError as error:
            found = from_archive(error, item.stream)
            if isinstance(found, Wait):
                raise found from error
            return found
        except OSError as error:
            return Failed("IO_ERROR", "transient", f"{item.subject}: {error}")
        except Exception as error:  # a bug of ours must not stop the worker
            log.exception("effect raised", extra=named(item))
            message = (
                f"{item.effect} raised {type(error).__name__}: {error}; the worker's log has the traceback"
            )
            return Failed("EFFECT_BUG", "code", message)
        return None

    def _run(self, item: WorkItem) -> None:
        if "refused" in item.payload:
            raise report_refused(item)
        if item.is_taken_over:
            self._look_first(item)
        sent: list[Sent] = []
        report: Ask | None = None
        for ask in STEPS[item.effect](item, self._tools):
            if ask.is_report:
                report = ask
            else:
                sent.append(self._reporting.send(ask))
                if len(sent) >= LOT:
                    self._reporting.acknowledged(sent)
                    sent.clear()
        self._reporting.acknowledged(sent)
        if report is None and item.effect in UNREPORTED:
            self._reporting.finish(item)
            return
        if report is None:
            raise Failed("NO_REPORT", "code", f"{item.effect} came to its end without a report")
        self._reporting.report([report])

    def _look_first(self, item: WorkItem) -> None:
        """Whoever had the item may have reported already: then dispatch closes it, and nothing is left to do."""
        if self._tools.outcomes.find([(item.subject, item.report_id)]):
            message = "the report has been decided; dispatch closes the item when it reads that"
            raise Wait(None, "DECIDED_ALREADY", message)


def report_refused(item: WorkItem) -> Failed:
    """The report of the try before was refused: the file becomes ERROR with the reasons, where a person sees them."""
    refused = item.payload["refused"]
    reasons = "; ".join(refused["reasons"])
    message = f"the report on {item.effect} was refused ({refused['code']}): {reasons}; retry once that is put right"
    return Failed("REPORT_REFUSED", "code", message, evidence=refused)
