"""Previews, one at a time and only while nothing else is to do: nothing waits for a picture, and none fails a file."""

import logging

from consumers import claims
from consumers.claims import WorkItem
from consumers.effects.asking import Ask
from consumers.effects.preview import failed_preview, preview
from consumers.failures import Failed, Wait, from_archive
from consumers.outage import OUTAGES
from consumers.reporting import Reporting, named
from consumers.storage_errors import StorageError
from consumers.tools import Tools

__all__ = ["PREVIEWS_AT_ONCE", "Previewing"]

log = logging.getLogger(__name__)

PREVIEWS_AT_ONCE = 2
"""At a site, whatever the number of its workers."""


class Previewing:
    """For one thread of a worker. Raises one of ``OUTAGES`` where the database is away; the lease then runs out."""

    def __init__(self, tools: Tools, reporting: Reporting, *, lease_s: float) -> None:
        self._tools = tools
        self._reporting = reporting
        self._lease_s = lease_s

    def claim(self) -> list[WorkItem]:
        """One item or none, within what the site may make at once."""
        with self._tools.engine.begin() as connection:
            standing = claims.stand(connection)
            under_way = sum(count for (_, effect, _), count in standing.busy.items() if effect == "preview")
            if under_way >= PREVIEWS_AT_ONCE:
                return []
            return claims.claim_light(
                connection,
                standing,
                owner=self._tools.worker,
                effects=("preview",),
                at_most=1,
                lease_s=self._lease_s,
            )

    def do(self, item: WorkItem) -> None:
        """Make the picture and report it, or report why there is none."""
        try:
            if item.is_taken_over and self._tools.outcomes.find([(item.subject, item.report_id)]):
                raise Wait(None, "DECIDED_ALREADY", "the report has been decided; dispatch closes the item")
            self._reporting.report([self._made(item)])
        except Wait as why:
            self._reporting.wait(item, why)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - not even the failure can be reported: a person has to look
            self._reporting.park(item, error)

    def _made(self, item: WorkItem) -> Ask:
        try:
            return preview(item, self._tools)
        except Wait:
            raise
        except OUTAGES:
            raise
        except StorageError as error:
            found = from_archive(error, item.stream)
            if isinstance(found, Wait):
                raise found from error
            return failed_preview(item, found)
        except Failed as failed:
            return failed_preview(item, failed)
        except OSError as error:
            return failed_preview(item, Failed("IO_ERROR", "transient", f"{item.subject}: {error}"))
        except Exception as error:
            log.exception("preview raised", extra=named(item))
            message = f"preview raised {type(error).__name__}: {error}; the worker's log has the traceback"
            return failed_preview(item, Failed("EFFECT_BUG", "code", message))
