"""Telling files of the sums that a manifest has of them."""

from collections.abc import Iterator, Sequence

from consumers.arrival import logical_name
from consumers.claims import WorkItem
from consumers.effects.asking import Ask
from consumers.effects.judging import Found
from consumers.outage import OUTAGES
from consumers.tools import Tools
from events.file_manifest import AttestFile

__all__ = ["tell_listed"]


def tell_listed(items: Sequence[WorkItem], tools: Tools) -> Iterator[Found]:
    """A manifest's word to each file that it names, whether that was announced already or not."""
    for item in items:
        told = item.payload
        try:
            configuration = tools.configurations.of(item.stream, int(told["stream_version"]))
            request = AttestFile(
                manifest=told["manifest"],
                manifest_version=item.version or 1,
                algorithm="MD5" if len(told["sum"]) == 32 else "SHA-256",
                sum=told["sum"],
            )
            subject = f"{item.stream}/{logical_name(told['name'], configuration)}"
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            yield item, error
        else:
            yield item, Ask(request, item, item.report_id, subject, is_report=True)
