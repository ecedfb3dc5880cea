"""Values of a header that are too long for a record: kept whole in the archive, beside the files, and named there.

A fact stays for ever and everybody reads it past, so it takes a value up to a length that no real one was seen to have.
"""

import json

from consumers.claims import WorkItem
from consumers.effects.beside import put_beside
from consumers.effects.places import stored_object
from consumers.failures import from_archive
from consumers.formats.inspection import Inspection
from consumers.storage_errors import StorageError
from consumers.tools import Tools
from events.file import Object
from events.stream import StreamConfiguration
from events.types import WarningFinding

__all__ = ["PREFIX", "kept_whole", "saying_where"]

PREFIX = "metadata/"
_CUT = "of which the record has "


def kept_whole(
    inspection: Inspection, item: WorkItem, tools: Tools, configuration: StreamConfiguration
) -> Object | None:
    """The object with all of them; None where there are none, or the stream has no archive. Raises as a copy does."""
    if not inspection.beyond or configuration.transfer.mode == "in_place":
        return None
    whole = json.dumps(dict(inspection.beyond), ensure_ascii=False, indent=1, sort_keys=True).encode()
    try:
        return stored_object(put_beside(whole, item, tools, configuration, prefix=PREFIX, suffix=".json"))
    except StorageError as error:
        raise from_archive(error, item.stream) from error


def saying_where(
    warnings: tuple[WarningFinding, ...], inspection: Inspection, stored: Object | None
) -> tuple[WarningFinding, ...]:
    """The warnings, those about values that were cut with the place where they stand whole."""
    return tuple(_saying(each, inspection, stored) for each in warnings)


def _saying(warning: WarningFinding, inspection: Inspection, stored: Object | None) -> WarningFinding:
    if warning.code != "METADATA_TOO_LONG" or warning.keyword is None:
        return warning
    if _CUT not in warning.message:
        return warning
    is_kept = stored is not None and warning.keyword in (inspection.beyond or {})
    where = f"s3://{stored.bucket}/{stored.key}" if is_kept and stored else "the file itself"
    return warning.model_copy(update={"message": f"{warning.message}; it stands whole in {where}"})
