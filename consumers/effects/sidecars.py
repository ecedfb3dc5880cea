"""Telling primaries of their sidecars."""

from collections.abc import Iterator, Sequence

from consumers.claims import WorkItem
from consumers.effects.asking import Ask
from consumers.effects.judging import Found
from consumers.tools import Tools
from events.file_sidecar import PairFile

__all__ = ["tell_primaries"]


def tell_primaries(items: Sequence[WorkItem], _tools: Tools) -> Iterator[Found]:
    """Each sidecar's word to a file that it belongs to, whether that was announced already or not."""
    for item in items:
        try:
            request = PairFile(sidecar=item.payload["sidecar"], sidecar_version=item.version or 1)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            yield item, error
        else:
            yield item, Ask(request, item, item.report_id, item.payload["primary"], is_report=True)
